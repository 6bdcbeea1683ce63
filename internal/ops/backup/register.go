package backup

import (
	"context"
	"log/slog"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
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
	// Client of the management API.
	Client client.Client
	Store  *backup.Store
	// Kube is the path of kanrin-kube.
	Kube string
	// Version of this program.
	Version string
	Log     *slog.Logger
}

// base is what planners and steps share.
type base struct {
	call.Base
	d Dependencies
}

// Kinds of steps.
const (
	KindBegin    = "backup-begin"
	KindCapture  = "backup-capture"
	KindSeal     = "backup-seal"
	KindCopy     = "backup-copy"
	KindVerify   = "prove-verify"
	KindBoot     = "prove-boot"
	KindDatabase = "prove-database"
	KindSign     = "prove-sign"
	KindCheck    = "backups-check"
	KindDelete   = "backups-delete"
	KindFree     = "backups-free"
	KindApply    = "object-restore"
)

// Register makes the operations known to the engine.
func Register(r *plan.Registry, d Dependencies) {
	b := base{call.Base{Fleet: d.Fleet, Hosts: d.Hosts}, d}
	r.AddPlanner(v1alpha1.OperationBackup, &Planner{b})
	r.AddPlanner(v1alpha1.OperationProve, &ProvePlanner{b})
	r.AddPlanner(v1alpha1.OperationCheckBackups, &CheckPlanner{b})
	r.AddPlanner(v1alpha1.OperationPrune, &PrunePlanner{b})
	r.AddPlanner(v1alpha1.OperationRestoreObjects, &ObjectsPlanner{b})
	r.AddBehaviour(KindBegin, begin{b})
	r.AddBehaviour(KindCapture, capture{b})
	r.AddBehaviour(KindSeal, seal{b})
	r.AddBehaviour(KindCopy, copies{b})
	r.AddBehaviour(KindVerify, verify{b})
	r.AddBehaviour(KindBoot, boot{b})
	r.AddBehaviour(KindDatabase, database{b})
	r.AddBehaviour(KindSign, sign{b})
	r.AddBehaviour(KindCheck, check{b})
	r.AddBehaviour(KindDelete, remove{b})
	r.AddBehaviour(KindFree, free{b})
	r.AddBehaviour(KindApply, apply{b})
}
