package nodes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"kanrin.dev/kanrin/internal/hosts"
)

// stateDir on a host is Kanrin's own.
const (
	stateDir   = "/var/lib/kanrin"
	recordPath = stateDir + "/installed.json"
	backupDir  = stateDir + "/before"
	maxRecord  = 4 << 20
)

// Record is what Kanrin has changed on a host, written there before each change: what is in it is taken back when the host leaves, and
// nothing else is.
type Record struct {
	// Operation that wrote it, as plan.Scope.ID.
	Operation string `json:"operation"`
	Node      string `json:"node"`
	Bundle    string `json:"bundle,omitempty"`
	// Files and links that were written, in order.
	Files []RecordFile `json:"files,omitempty"`
	// Packages that were not there before, as dpkg names them.
	Packages []string `json:"packages,omitempty"`
	// Units as they were.
	Units map[string]RecordUnit `json:"units,omitempty"`
	// Sysctls as they were.
	Sysctls map[string]string `json:"sysctls,omitempty"`
	// CNI are the files of /etc/cni/net.d before the join; Seen says that they were looked for.
	CNI  []string `json:"cni,omitempty"`
	Seen bool     `json:"seen,omitempty"`
	// FreshRuntime says that there was no container runtime before: all of its state goes. Otherwise Images are those it had.
	FreshRuntime bool     `json:"freshRuntime,omitempty"`
	Images       []string `json:"images,omitempty"`
	// Joined says that kubeadm join came to its end.
	Joined bool `json:"joined,omitempty"`
}

// RecordFile is one file or link.
type RecordFile struct {
	Path string `json:"path"`
	// SHA256 of what was written; Link is the target of a link instead.
	SHA256 string `json:"sha256,omitempty"`
	Link   string `json:"link,omitempty"`
	// Backup is where what was there before is kept; empty when there was nothing.
	Backup string `json:"backup,omitempty"`
}

// RecordUnit is a unit of systemd before.
type RecordUnit struct {
	Exists  bool `json:"exists,omitempty"`
	Active  bool `json:"active,omitempty"`
	Enabled bool `json:"enabled,omitempty"`
}

// readRecord returns nil when the host has none.
func readRecord(ctx context.Context, m *hosts.Machine) (*Record, error) {
	data, err := m.ReadFile(ctx, recordPath, maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("reading %s on %s: %w", recordPath, m.Name, err)
	}
	return &r, nil
}

// ownRecord is the record of this operation on the host: the one that is there, or a new one. One of another operation is an error: the
// host has not been taken back to bare since.
func ownRecord(ctx context.Context, m *hosts.Machine, id, node string) (*Record, error) {
	r, err := readRecord(ctx, m)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return &Record{Operation: id, Node: node, Units: map[string]RecordUnit{}, Sysctls: map[string]string{}}, nil
	}
	if r.Operation != id {
		return nil, errOtherRecord
	}
	if r.Units == nil {
		r.Units = map[string]RecordUnit{}
	}
	if r.Sysctls == nil {
		r.Sysctls = map[string]string{}
	}
	return r, nil
}

var errOtherRecord = errors.New("the host holds the record of another operation (" + recordPath + ")")

// write makes it durable on the host.
func (r *Record) write(ctx context.Context, m *hosts.Machine) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("writing the record: %w", err)
	}
	return m.WriteFile(ctx, recordPath, 0o600, bytes.NewReader(data))
}

func (r *Record) file(path string) *RecordFile {
	if i := slices.IndexFunc(r.Files, func(f RecordFile) bool { return f.Path == path }); i >= 0 {
		return &r.Files[i]
	}
	return nil
}
