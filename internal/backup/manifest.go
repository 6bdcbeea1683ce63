package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Format is the version of the manifest that this program writes; it reads this one and older ones.
const Format = 1

// Paths in a set.
const (
	EtcdDirectory  = "etcd"
	SnapshotPath   = "etcd/snapshot.db"
	IndexPath      = "etcd/index.bin"
	KeysDirectory  = "keys"
	EncryptionFile = "encryption.yaml.age" // below the cluster directory's component
)

// Manifest is manifest.json of a set: what was captured, what was not, and by what it can be recognised.
type Manifest struct {
	Format            int                        `json:"format"`
	Cluster           string                     `json:"cluster"`
	ClusterUID        string                     `json:"clusterUID,omitempty"` // of namespace kube-system
	Backup            string                     `json:"backup"`
	Policy            string                     `json:"policy"`
	Reason            v1alpha1.BackupReason      `json:"reason"`
	StartedAt         time.Time                  `json:"startedAt"`
	FinishedAt        time.Time                  `json:"finishedAt"`
	KanrinVersion     string                     `json:"kanrinVersion"`
	KubernetesVersion string                     `json:"kubernetesVersion,omitempty"`
	Etcd              *Etcd                      `json:"etcd,omitempty"`
	Complete          bool                       `json:"complete"`
	Components        []v1alpha1.ComponentStatus `json:"components"`
	// Recipients to whom the sealed files are sealed.
	Recipients []string `json:"recipients,omitempty"`
}

// Etcd describes the snapshot of a set.
type Etcd struct {
	Member   string `json:"member"`
	Version  string `json:"version,omitempty"`
	Revision int64  `json:"revision"`
	Keys     int    `json:"keys"`
	Bytes    int64  `json:"bytes"`
	SHA256   string `json:"sha256"`
	// Prefix of the API server's keys.
	Prefix string `json:"prefix"`
	// Encryption is the path in the set of the API server's EncryptionConfiguration, sealed; empty when it has none.
	Encryption string `json:"encryption,omitempty"`
}

// NewerError says that a set was made by a program that knows more than this one.
type NewerError struct {
	Backup string
	Format int
	By     string
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("set %s has format %d of Kanrin %s; this program reads formats up to %d: use a newer Kanrin", e.Backup, e.Format, e.By, Format)
}

// maxManifest bounds manifest.json.
const maxManifest = 4 << 20

// ReadManifest reads manifest.json. The error is a *NewerError for a format that is not known yet.
func ReadManifest(data []byte) (*Manifest, error) {
	if len(data) > maxManifest {
		return nil, errors.New("reading the manifest of a set: it is too large to be one")
	}
	var head struct {
		Format        int    `json:"format"`
		Backup        string `json:"backup"`
		KanrinVersion string `json:"kanrinVersion"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("reading the manifest of a set: %w", err)
	}
	if head.Format > Format {
		return nil, &NewerError{head.Backup, head.Format, head.KanrinVersion}
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("reading the manifest of a set: %w", err)
	}
	if m.Format < 1 || m.Backup == "" || m.Cluster == "" {
		return nil, errors.New("reading the manifest of a set: it names no set")
	}
	return &m, nil
}

// Marshal writes manifest.json; the same manifest always gives the same bytes.
func (m *Manifest) Marshal() ([]byte, error) {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the manifest of set %s: %w", m.Backup, err)
	}
	return append(data, '\n'), nil
}

// Digest is the hexadecimal SHA-256 of a manifest as it stands in the set.
func Digest(manifest []byte) string {
	sum := sha256.Sum256(manifest)
	return hex.EncodeToString(sum[:])
}

// Missing counts what was expected and is not there.
func Missing(cs []v1alpha1.ComponentStatus) int32 {
	n := int32(0)
	for _, c := range cs {
		if c.State == v1alpha1.ComponentMissing && !c.Optional {
			n++
		}
	}
	return n
}

// Component finds a component that was captured.
func (m *Manifest) Component(name string) (v1alpha1.ComponentStatus, bool) {
	for _, c := range m.Components {
		if c.Name == name && c.State == v1alpha1.ComponentCaptured {
			return c, true
		}
	}
	return v1alpha1.ComponentStatus{}, false
}
