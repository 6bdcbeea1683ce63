package component

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/lang"
)

// Env is where a component is captured from.
type Env struct {
	Cluster *v1alpha1.Cluster
	// Connection to the cluster; nil while it does not answer: components that need it are then missing.
	Connection *fleet.Connection
	// Exec is the cluster's own configuration with its TLS files inlined, for streams that are upgraded (exec).
	Exec *rest.Config
	// Management is the client of the management API: Secrets of the cluster's namespace.
	Management client.Client
	Hosts      *hosts.Pool
	// Machines are the cluster's hosts.
	Machines []v1alpha1.Host
	// Recipients to whom sealed files are sealed.
	Recipients []string
	// Scratch is a directory for encrypted spool files.
	Scratch string
	// Set is the name of the set, for what is stored elsewhere under its name.
	Set string
	Log *slog.Logger
	// Guard returns nil while changes may be made; hooks ask it. Nil means always.
	Guard func() error
}

// Attr are the attributes of a file or directory in a set.
type Attr struct {
	Mode     fs.FileMode
	ModTime  time.Time
	UID, GID uint32
}

// Writer writes the files of a component; paths are relative and slash-separated.
type Writer interface {
	Dir(path string, attr Attr) error
	// File writes a file and returns its size.
	File(path string, attr Attr, content io.Reader) (int64, error)
	Symlink(path, target string, attr Attr) error
}

// Missing is something that was expected and is not in the set. Its sentence is fail.<Code>.
type Missing struct {
	// Object is what is missing: a host, a volume, a database; empty for the whole component.
	Object string
	Code   string
	Params map[string]string
}

// missing makes one; pairs are further parameters.
func missing(code, object string, err error, pairs ...any) Missing {
	p := lang.P(pairs...)
	p["object"] = object
	if err != nil {
		p["error"] = err.Error()
	}
	return Missing{Object: object, Code: code, Params: p}
}

// Record is what a capture found out.
type Record struct {
	Version string // of what was captured
	From    string // host or namespace/pod
	// Etcd is set by the etcd component.
	Etcd *EtcdRecord
	// Encryption is the path, below the component, of the sealed EncryptionConfiguration.
	Encryption string
	Missing    []Missing
}

// EtcdRecord describes a snapshot.
type EtcdRecord struct {
	Member, Version, SHA256, Prefix string
	Revision, Bytes                 int64
	Keys                            int
}

// AbsentError says that nothing of a component could be captured.
type AbsentError struct{ Missing Missing }

func (e *AbsentError) Error() string {
	return lang.English.Text("fail."+e.Missing.Code, e.Missing.Params)
}

func absent(code, object string, err error, pairs ...any) error {
	return &AbsentError{missing(code, object, err, pairs...)}
}

// Capture captures one component. The error is an *AbsentError when there is nothing to be had of it, the context's when that ended, and
// else that of the writer.
func Capture(ctx context.Context, e Env, c v1alpha1.BackupComponent, w Writer) (*Record, error) {
	switch c.Type {
	case v1alpha1.ComponentEtcd:
		return e.etcd(ctx, c, w)
	case v1alpha1.ComponentClusterDirectory:
		return e.clusterDirectory(ctx, c, w)
	case v1alpha1.ComponentResources:
		return e.resources(ctx, c, w)
	case v1alpha1.ComponentDirectory:
		return e.directory(ctx, c, w)
	case v1alpha1.ComponentHostCommand, v1alpha1.ComponentPodCommand:
		return e.command(ctx, c, w)
	case v1alpha1.ComponentMariaDB, v1alpha1.ComponentPostgreSQL, v1alpha1.ComponentMongoDB:
		return e.database(ctx, c, w)
	case v1alpha1.ComponentVolumeSnapshots:
		return e.volumeSnapshots(ctx, c, w)
	case v1alpha1.ComponentElasticsearch:
		return e.search(ctx, c, w)
	}
	return nil, fmt.Errorf("component %s has the unknown type %q", c.Name, c.Type)
}

// stamp are the attributes of a file that has none of its own.
func stamp(mode fs.FileMode) Attr {
	return Attr{Mode: mode, ModTime: time.Now().UTC().Truncate(time.Second)}
}
