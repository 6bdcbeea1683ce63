package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"kanrin.dev/kanrin/internal/backup/snapshot"
	"kanrin.dev/kanrin/internal/controlplane"
)

// Configuration of proofs.
type Configuration struct {
	// Binary is the path of kanrin-kube.
	Binary string
	// Scratch is the directory below which a proof makes its own; it must be in memory, because Secrets are written there in
	// clear. Empty means /dev/shm.
	Scratch string
	// AllowDisk accepts a Scratch that is on a disk.
	AllowDisk bool
	// Patience is how long a program may take until it is ready; 0 means 2 minutes.
	Patience time.Duration
	// Settle is how long an API server that answers may take until it is ready, before it is asked for what it has nevertheless;
	// 0 means 15 seconds.
	Settle time.Duration
	// Log may be nil.
	Log *slog.Logger
}

// Validate reports what is missing or wrong.
func (c Configuration) Validate() error {
	var errs []error
	if !filepath.IsAbs(c.Binary) {
		errs = append(errs, fmt.Errorf("path of kanrin-kube %q is not absolute", c.Binary))
	}
	if c.Scratch != "" && !filepath.IsAbs(c.Scratch) {
		errs = append(errs, fmt.Errorf("scratch directory %q is not an absolute path", c.Scratch))
	}
	return errors.Join(errs...)
}

func (c Configuration) withDefaults() Configuration {
	if c.Scratch == "" {
		c.Scratch = DefaultScratch
	}
	if c.Patience == 0 {
		c.Patience = 2 * time.Minute
	}
	if c.Settle == 0 {
		c.Settle = 15 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Input is what a set holds of a cluster's etcd.
type Input struct {
	// Snapshot is the etcd snapshot of Size bytes, as it was streamed; read once.
	Snapshot io.Reader
	Size     int64
	// Encryption is the cluster's EncryptionConfiguration (apiserver.config.k8s.io/v1); nil when it encrypts nothing.
	Encryption []byte
	// Index is what the set recorded about the snapshot.
	Index *snapshot.Index
	// EtcdPrefix is what the API server puts before its keys; empty means what the index has found, /registry as a rule.
	EtcdPrefix string
}

// Names of the stages, in their order.
const (
	StageSnapshot = "Snapshot" // the snapshot is written to scratch
	StageRestore  = "Restore"  // a data directory is made of it
	StageEtcd     = "Etcd"     // etcd starts on it
	StageKeys     = "Keys"     // every key is read and compared with the index
	StageAPI      = "API"      // the API server starts
	StageObjects  = "Objects"  // every resource is listed and compared with the index
)

// Stage of a proof: when it has begun (Done is false), and how long it took.
type Stage struct {
	Name     string
	Done     bool
	Duration time.Duration
}

// Resource says what became of the objects of one resource.
type Resource struct {
	Group, Version, Resource string
	// Stored is how many the index knows; Listed how many of those the API listed.
	Stored, Listed int
	// Expired had a lease and are gone; Removed were deleted by the booted API server itself, which clears away its own
	// objects that are out of use. Both had been read back from etcd before.
	Expired, Removed int
	// Rewritten of those Listed were written anew by the booted API server, such as the roles that it keeps up to date.
	Rewritten int
	// Digest is the SHA-256 over "namespace/name revision" lines of what was listed, in the order of the keys.
	Digest string
}

// Result of a proof. The set is proven when there is no Problem.
type Result struct {
	Stages    []Stage
	Resources []Resource
	// Secrets that were read, and where they are encrypted decrypted.
	Secrets int
	// Keys that were read back from the booted etcd and equal the index.
	Keys     int
	Problems []Problem
	// Excluded names what a proof does not show: webhooks, aggregated APIs, and so on.
	Excluded []Problem
	// Recovery is the time from the snapshot at hand to an API that answers.
	Recovery          time.Duration
	KubernetesVersion string
	EtcdVersion       string
}

// run is one proof.
type run struct {
	conf     Configuration
	in       Input
	scratch  *scratch
	plane    *controlplane.ControlPlane
	etcd     *clientv3.Client
	api      *api
	notReady bool // the API server answers, that is all
	wanted   map[schema.GroupResource][]want
	secrets  atomic.Int64
	excluded problems
	problems problems
	result   *Result
}

// errHopeless ends a proof early: the Problem that says why is recorded already.
var errHopeless = errors.New("the set cannot be proven further")

// Run proves a set. progress, which may be nil, is called when a stage begins and when it is done. The error is a *NoScratch
// when there is no room, and the cause of ctx when that ended.
func Run(ctx context.Context, conf Configuration, in Input, progress func(Stage)) (_ *Result, err error) {
	if err := conf.Validate(); err != nil {
		return nil, err
	}
	if in.Snapshot == nil || in.Index == nil || in.Size <= 0 {
		return nil, errors.New("proving a set: it has no snapshot or no index")
	}
	r := &run{conf: conf.withDefaults(), in: in, result: &Result{}}
	if r.scratch, err = openScratch(r.conf, in.Size*5/2+etcdOverhead); err != nil {
		return nil, err
	}
	defer func() {
		r.stop()
		if closeErr := r.scratch.Close(); err == nil {
			err = closeErr
		}
	}()
	stages := []struct {
		name     string
		do       func(context.Context) error
		recovery bool
	}{
		{StageSnapshot, r.writeSnapshot, true},
		{StageRestore, r.restore, true},
		{StageEtcd, r.startEtcd, true},
		{StageKeys, r.compareKeys, false},
		{StageAPI, r.startAPI, true},
		{StageObjects, r.compareObjects, false},
	}
	for _, s := range stages {
		if progress != nil {
			progress(Stage{Name: s.name})
		}
		began := time.Now()
		err := s.do(ctx)
		done := Stage{Name: s.name, Done: true, Duration: time.Since(began)}
		r.result.Stages = append(r.result.Stages, done)
		if s.recovery {
			r.result.Recovery += done.Duration
		}
		if progress != nil {
			progress(done)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if errors.Is(err, errHopeless) {
			break
		}
		if err != nil {
			return nil, r.scratch.explain(err)
		}
	}
	r.result.Secrets = int(r.secrets.Load())
	r.result.Problems, r.result.Excluded = r.problems.all(), r.excluded.all()
	return r.result, nil
}

// stop ends the processes; their data is thrown away, so they need no orderly end.
func (r *run) stop() {
	if r.etcd != nil {
		_ = r.etcd.Close() // its connection goes with etcd
	}
	if r.plane != nil {
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		_ = r.plane.Stop(gone) // kills; it returns when they are gone
	}
}
