package restore

import (
	"context"
	"io"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/snapshot"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// Sets opens sets of clusters.
type Sets interface {
	Open(ctx context.Context, cluster, backup string) (Set, error)
}

// Set is one set, opened for reading.
type Set interface {
	// Open gives a file of the set and its size; fs.ErrNotExist when the set has none of that name.
	Open(ctx context.Context, path string) (rc io.ReadCloser, size int64, err error)
	// Unseal gives the content of a file that was sealed with age.
	Unseal(ctx context.Context, path string) (io.ReadCloser, error)
	// Index is that of the etcd snapshot.
	Index(ctx context.Context) (*snapshot.Index, error)
	// Verify reads everything and compares digests.
	Verify(ctx context.Context) error
	Close() error
}

// History lists the operations of a cluster.
type History interface {
	Operations(ctx context.Context, cluster string) ([]v1alpha1.Operation, error)
}

// Dependencies of the planner and the steps.
type Dependencies struct {
	Fleet   call.Connections
	Hosts   *hosts.Pool
	Client  client.Client // of the management API: Backups
	History History
	Sets    Sets
	// Kube is the program kanrin-kube, which holds etcdutl; the hosts get a copy for as long as the restore lasts.
	Kube string
	// Scratch is a directory for encrypted spool files.
	Scratch string
	// Present saves a snapshot of the present etcd as a set of that name. Called again with the same name it replaces what is there or
	// does nothing. Nil: the data directories that are set aside on the hosts are all that is kept.
	Present func(ctx context.Context, cluster, name string, r io.Reader, size int64) error
}

type base struct {
	call.Base
	d Dependencies
}

// Kinds of steps.
const (
	KindVerify    = "restore-verify"
	KindPresent   = "restore-present"
	KindStage     = "restore-stage"
	KindBuild     = "restore-build"
	KindFence     = "restore-fence"
	KindStopEtcd  = "restore-stop-etcd"
	KindSwap      = "restore-swap"
	KindStartEtcd = "restore-start-etcd"
	KindQuorum    = "restore-quorum"
	KindServe     = "restore-serve"
	KindKubelet   = "restore-kubelet"
	KindControl   = "restore-control"
	KindGate      = "restore-gate"
	KindTidy      = "restore-tidy"

	KindUnpack    = "restore-unpack"
	KindKubeletUp = "restore-kubelet-up"

	KindAside   = "restore-aside"
	KindDismiss = "restore-dismiss"
	KindLearner = "restore-learner"
	KindPromote = "restore-promote"
)

// What cancelling does about steps: texts are undo.<name>.
const (
	undoUnstage = "restore-unstage"
	undoUnfence = "restore-unfence"
	undoEtcd    = "restore-undo-etcd"
	undoUnswap  = "restore-unswap"
	undoUnplace = "restore-unplace"
	undoKubelet = "restore-kubelet-down"
)

// Register makes restores of clusters known to the engine.
func Register(r *plan.Registry, d Dependencies) {
	b := base{call.Base{Fleet: d.Fleet, Hosts: d.Hosts}, d}
	r.AddPlanner(v1alpha1.OperationRestoreCluster, &Planner{b})
	r.AddBehaviour(KindVerify, verify{b})
	r.AddBehaviour(KindPresent, present{b})
	r.AddBehaviour(KindStage, stage{b})
	r.AddBehaviour(KindBuild, build{b})
	r.AddBehaviour(KindFence, fence{b})
	r.AddBehaviour(KindStopEtcd, stopEtcd{b})
	r.AddBehaviour(KindSwap, swap{b})
	r.AddBehaviour(KindStartEtcd, startEtcd{b})
	r.AddBehaviour(KindQuorum, quorum{b})
	r.AddBehaviour(KindServe, serve{b})
	r.AddBehaviour(KindKubelet, kubelet{b})
	r.AddBehaviour(KindControl, control{b})
	r.AddBehaviour(KindGate, gate{b})
	r.AddBehaviour(KindTidy, tidy{b})
	r.AddBehaviour(KindUnpack, unpack{b})
	r.AddBehaviour(KindKubeletUp, kubeletUp{b})
	r.AddBehaviour(KindAside, aside{b})
	r.AddBehaviour(KindDismiss, dismiss{b})
	r.AddBehaviour(KindLearner, learner{b})
	r.AddBehaviour(KindPromote, promote{b})
}
