package nodes

import (
	"cmp"
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// History lists the operations of a cluster.
type History interface {
	Operations(ctx context.Context, cluster string) ([]v1alpha1.Operation, error)
}

// Dependencies of the planners and steps of this package.
type Dependencies struct {
	Fleet   call.Connections
	Hosts   *hosts.Pool
	History History
	// Client of the management API: Host objects and their secrets.
	Client client.Client
	// Bundles is the directory that holds the bundles: BundleDir below the data directory.
	Bundles string
	// Patience is how long the cluster's own controllers are given to remove pods and attachments of a dead node; 0 means 30 s.
	Patience time.Duration
}

// Register makes joins and removals known to the engine. The steps cordon and evict-live are those of package drain.
func Register(r *plan.Registry, d Dependencies) {
	d.Patience = cmp.Or(d.Patience, 30*time.Second)
	b := base{call.Base{Fleet: d.Fleet, Hosts: d.Hosts}, d}
	r.AddPlanner(v1alpha1.OperationAddNode, &AddPlanner{b})
	r.AddPlanner(v1alpha1.OperationRemoveNode, &RemovePlanner{b})
	r.AddBehaviour(KindInstall, install{b})
	r.AddBehaviour(KindPrepare, prepare{b})
	r.AddBehaviour(KindJoin, join{b})
	r.AddBehaviour(KindMark, mark{b})
	r.AddBehaviour(KindReady, ready{b})
	r.AddBehaviour(KindVoter, voter{b})
	r.AddBehaviour(KindRegister, registered{b})
	r.AddBehaviour(KindEmpty, empty{b})
	r.AddBehaviour(KindReset, reset{b})
	r.AddBehaviour(KindUnmember, unmember{b})
	r.AddBehaviour(KindDelete, remove{b})
	r.AddBehaviour(KindBare, bare{b})
	r.AddBehaviour(KindDeregister, deregister{b})
	r.AddBehaviour(KindUnbind, deregister{b})
	r.AddBehaviour(KindProof, proof{b})
	r.AddBehaviour(KindFence, fence{b})
	r.AddBehaviour(KindPods, stuckPods{b})
	r.AddBehaviour(KindDetach, detach{b})
}
