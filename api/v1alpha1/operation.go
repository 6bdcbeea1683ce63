package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Operation is one piece of work on a cluster: requested, planned, approved, carried out, reported.
//
// The request (spec) is immutable but for its four switches: approvedPlan, approvedBy, paused, cancelled. The API server itself
// refuses an approval of any digest but the present plan's, and any approval of a plan that is not waiting for one.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=kanrin,shortName=op;ops
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.status.target`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Step",type=string,JSONPath=`.status.stepText`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.reason`
// +kubebuilder:printcolumn:name="By",type=string,JSONPath=`.spec.requestedBy`,priority=1
// +kubebuilder:printcolumn:name="Plan",type=string,JSONPath=`.status.plan.digest`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.spec.approvedPlan == oldSelf.spec.approvedPlan || size(self.spec.approvedPlan) == 0 || (has(self.status) && has(self.status.plan) && self.status.plan.digest == self.spec.approvedPlan)",message="StalePlan: approvedPlan is not the digest of the present plan; read the plan again and approve its digest"
// +kubebuilder:validation:XValidation:rule="self.spec.approvedPlan == oldSelf.spec.approvedPlan || size(self.spec.approvedPlan) == 0 || (has(self.status) && self.status.phase == 'Planned')",message="PlanUsed: the plan is not waiting for an approval; only an operation in phase Planned can be approved"
// +kubebuilder:validation:XValidation:rule="self.spec.approvedPlan == oldSelf.spec.approvedPlan || size(self.spec.approvedPlan) == 0 || (has(self.status) && has(self.status.plan) && !(has(self.status.plan.findings) && self.status.plan.findings.exists(f, f.severity == 'blocker')))",message="Blocked: the plan has blockers; plan again with one of the ways round that each blocker names"
type Operation struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec OperationSpec `json:"spec"`
	// +optional
	Status OperationStatus `json:"status,omitempty"`
}

// OperationType names what an operation does.
// +kubebuilder:validation:Enum=Drain;Cordon;Uncordon;Stop;Start;Restart;AddNode;RemoveNode;Recover;Backup;Prove;CheckBackups;Prune;RestoreObjects;RestoreCluster
type OperationType string

const (
	OperationDrain      OperationType = "Drain"
	OperationCordon     OperationType = "Cordon"
	OperationUncordon   OperationType = "Uncordon"
	OperationStop       OperationType = "Stop"
	OperationStart      OperationType = "Start"
	OperationRestart    OperationType = "Restart"
	OperationAddNode    OperationType = "AddNode"
	OperationRemoveNode OperationType = "RemoveNode"
	OperationRecover    OperationType = "Recover"

	OperationBackup         OperationType = "Backup"
	OperationProve          OperationType = "Prove"
	OperationCheckBackups   OperationType = "CheckBackups"
	OperationPrune          OperationType = "Prune"
	OperationRestoreObjects OperationType = "RestoreObjects"
	OperationRestoreCluster OperationType = "RestoreCluster"
)

// OperationSpec is the request. Exactly the member named by type is set.
//
// +kubebuilder:validation:XValidation:rule="self.type == oldSelf.type && has(self.drain) == has(oldSelf.drain) && has(self.cordon) == has(oldSelf.cordon) && has(self.uncordon) == has(oldSelf.uncordon) && has(self.stop) == has(oldSelf.stop) && has(self.start) == has(oldSelf.start) && has(self.restart) == has(oldSelf.restart) && has(self.addNode) == has(oldSelf.addNode) && has(self.removeNode) == has(oldSelf.removeNode) && has(self.recover) == has(oldSelf.recover) && has(self.backup) == has(oldSelf.backup) && has(self.prove) == has(oldSelf.prove) && has(self.checkBackups) == has(oldSelf.checkBackups) && has(self.prune) == has(oldSelf.prune) && has(self.restoreObjects) == has(oldSelf.restoreObjects) && has(self.restoreCluster) == has(oldSelf.restoreCluster) && (!has(self.drain) || self.drain == oldSelf.drain) && (!has(self.cordon) || self.cordon == oldSelf.cordon) && (!has(self.uncordon) || self.uncordon == oldSelf.uncordon)",message="the request of an operation cannot be changed; create a new one"
// +kubebuilder:validation:XValidation:rule="(self.type == 'Drain') == has(self.drain) && (self.type == 'Cordon') == has(self.cordon) && (self.type == 'Uncordon') == has(self.uncordon) && (self.type == 'Stop') == has(self.stop) && (self.type == 'Start') == has(self.start) && (self.type == 'Restart') == has(self.restart) && (self.type == 'AddNode') == has(self.addNode) && (self.type == 'RemoveNode') == has(self.removeNode) && (self.type == 'Recover') == has(self.recover) && (self.type == 'Backup') == has(self.backup) && (self.type == 'Prove') == has(self.prove) && (self.type == 'CheckBackups') == has(self.checkBackups) && (self.type == 'Prune') == has(self.prune) && (self.type == 'RestoreObjects') == has(self.restoreObjects) && (self.type == 'RestoreCluster') == has(self.restoreCluster)",message="exactly the field named by type must be set, such as drain or stop"
// +kubebuilder:validation:XValidation:rule="self.requestedBy == oldSelf.requestedBy",message="requestedBy cannot be changed"
// +kubebuilder:validation:XValidation:rule="!oldSelf.cancelled || self.cancelled",message="a cancelled operation cannot be revived; create a new one"
type OperationSpec struct {
	Type OperationType `json:"type"`
	// +optional
	Drain *DrainSpec `json:"drain,omitempty"`
	// +optional
	Cordon *NodesSpec `json:"cordon,omitempty"`
	// +optional
	Uncordon *NodesSpec `json:"uncordon,omitempty"`
	// +optional
	Stop *StopSpec `json:"stop,omitempty"`
	// +optional
	Start *StartSpec `json:"start,omitempty"`
	// +optional
	Restart *RestartSpec `json:"restart,omitempty"`
	// +optional
	AddNode *AddNodeSpec `json:"addNode,omitempty"`
	// +optional
	RemoveNode *RemoveNodeSpec `json:"removeNode,omitempty"`
	// +optional
	Recover *RecoverSpec `json:"recover,omitempty"`
	// +optional
	Backup *BackupRequest `json:"backup,omitempty"`
	// +optional
	Prove *ProveRequest `json:"prove,omitempty"`
	// +optional
	CheckBackups *CheckBackupsRequest `json:"checkBackups,omitempty"`
	// +optional
	Prune *PruneRequest `json:"prune,omitempty"`
	// +optional
	RestoreObjects *RestoreObjectsRequest `json:"restoreObjects,omitempty"`
	// +optional
	RestoreCluster *RestoreClusterRequest `json:"restoreCluster,omitempty"`

	// RequestedBy is the user who created the operation. The API refuses any name but the requester's own.
	// +optional
	// +kubebuilder:default=""
	// +kubebuilder:validation:MaxLength=256
	RequestedBy string `json:"requestedBy"`
	// ApprovedPlan is the digest of the plan that may run. Kanrin empties it when it refuses an approval (stale facts, locked
	// cluster); condition Approved then says why.
	// +optional
	// +kubebuilder:default=""
	// +kubebuilder:validation:MaxLength=64
	ApprovedPlan string `json:"approvedPlan"`
	// ApprovedBy is the user who set approvedPlan.
	// +optional
	// +kubebuilder:default=""
	// +kubebuilder:validation:MaxLength=256
	ApprovedBy string `json:"approvedBy"`
	// Paused stops a running operation before its next change.
	// +optional
	// +kubebuilder:default=false
	Paused bool `json:"paused"`
	// Cancelled stops the operation for good and undoes what can be undone.
	// +optional
	// +kubebuilder:default=false
	Cancelled bool `json:"cancelled"`
}

// NodesSpec names nodes.
type NodesSpec struct {
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=200
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	Nodes []string `json:"nodes"`
}

// DrainSpec asks for nodes to be emptied. The lists surge and delete are the explicit ways round a blocker; each names its object.
type DrainSpec struct {
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=200
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	Nodes []string `json:"nodes"`
	// Wait lets the drain wait for budgets that cannot be met now, instead of being blocked by them.
	// +optional
	Wait bool `json:"wait,omitempty"`
	// Surge names workloads (namespace/name of a Deployment, ReplicaSet or StatefulSet) that get one replica more for as long as the
	// drain runs.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=520
	Surge []string `json:"surge,omitempty"`
	// Delete names pods (namespace/name) that are deleted instead of evicted: their budgets are not asked.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=200
	// +kubebuilder:validation:items:MaxLength=520
	Delete []string `json:"delete,omitempty"`
	// GracePeriodSeconds overrides the pods' own grace period when set.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	GracePeriodSeconds *int64 `json:"gracePeriodSeconds,omitempty"`
	// TimeoutSeconds is the deadline of one round of evictions; past it the operation pauses and says what it waited for.
	// 0 means the default of 3600.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=604800
	TimeoutSeconds int64 `json:"timeoutSeconds,omitempty"`
}

// Phase of an operation: Pending → Planned → Running ⇄ Paused → Succeeded | Failed | Cancelled.
// +kubebuilder:validation:Enum=Pending;Planned;Running;Paused;Cancelling;Succeeded;Failed;Cancelled
type Phase string

const (
	PhasePending    Phase = "Pending"    // no plan yet
	PhasePlanned    Phase = "Planned"    // a plan waits for its approval
	PhaseRunning    Phase = "Running"    // the plan is carried out
	PhasePaused     Phase = "Paused"     // stopped between two changes; reason says why
	PhaseCancelling Phase = "Cancelling" // undoing
	PhaseSucceeded  Phase = "Succeeded"
	PhaseFailed     Phase = "Failed" // could not be planned, or could not be undone
	PhaseCancelled  Phase = "Cancelled"
)

// Terminal reports whether nothing more will happen in this phase.
func (p Phase) Terminal() bool {
	return p == PhaseSucceeded || p == PhaseFailed || p == PhaseCancelled
}

// Reasons of a phase (status.reason).
const (
	ReasonBlocked      = "Blocked"          // Planned: the plan has blockers
	ReasonAwaiting     = "AwaitingApproval" // Planned
	ReasonStalePlan    = "StalePlan"        // Planned: an approval was refused, the plan is new
	ReasonLocked       = "Locked"           // Planned: an approval was refused, another operation holds the cluster
	ReasonPausedByUser = "PausedByUser"     // Paused
	ReasonStepFailed   = "StepFailed"       // Paused: resume tries again, cancel undoes
	ReasonDiskFull     = "DiskFull"         // Paused or Planned: goes on by itself when there is room
	ReasonNotFound     = "NotFound"         // Failed: an object that the request names does not exist
	ReasonInvalidInput = "InvalidInput"     // Failed: the request makes no sense
	ReasonPlanFailed   = "PlanFailed"       // Failed or Pending: facts could not be read
	ReasonUndoFailed   = "UndoFailed"       // Failed: what is left is named in message
	ReasonCancelled    = "CancelledByUser"
	ReasonNotApproved  = "NotApproved" // Cancelled: nobody approved it in time
	ReasonDone         = "Done"
)

// Condition types of an operation.
const (
	ConditionPlanned  = "Planned"
	ConditionApproved = "Approved" // False with reason StalePlan or Locked after a refused approval
)

// OperationStatus is owned by the executor that holds the present epoch; nobody else writes it.
type OperationStatus struct {
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// +optional
	Phase Phase `json:"phase,omitempty"`
	// +optional
	Reason string `json:"reason,omitempty"`
	// Message says why the operation is in this phase and what to do next, in English.
	// +optional
	Message string `json:"message,omitempty"`
	// Params are what Message is made of, so that it can be said in another language: key status.<reason> of the catalogue.
	// +optional
	Params map[string]string `json:"params,omitempty"`
	// Target names what the operation is about, for lists: "w3, w4".
	// +optional
	Target string `json:"target,omitempty"`
	// StepText is "4/7" while it runs.
	// +optional
	StepText string `json:"stepText,omitempty"`
	// +optional
	Plan *Plan `json:"plan,omitempty"`
	// Executor is who may write this status: any writer with a lower epoch has lost its right.
	// +optional
	Executor *Executor `json:"executor,omitempty"`
	// +optional
	Approval *Approval `json:"approval,omitempty"`
	// Steps is the journal: one entry for each step of the plan, in the plan's order.
	// +optional
	// +kubebuilder:validation:MaxItems=400
	Steps []StepStatus `json:"steps,omitempty"`
	// Waiting says what the running step waits for.
	// +optional
	Waiting *Wait `json:"waiting,omitempty"`
	// +optional
	StartedAt *metav1.MicroTime `json:"startedAt,omitempty"`
	// +optional
	FinishedAt *metav1.MicroTime `json:"finishedAt,omitempty"`
	// +optional
	Report *Report `json:"report,omitempty"`
	// LogChunks is the number of OperationLog objects that hold this operation's journal lines.
	// +optional
	LogChunks int32 `json:"logChunks,omitempty"`
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Executor identifies one term of leadership.
type Executor struct {
	Identity string `json:"identity"`
	// Epoch grows with every change of leadership.
	Epoch int64 `json:"epoch"`
}

// Approval is the approval that was accepted.
type Approval struct {
	Plan string `json:"plan"`
	// +optional
	By string           `json:"by,omitempty"`
	At metav1.MicroTime `json:"at"`
}

// StepState of a journal entry.
// +kubebuilder:validation:Enum=Pending;Running;Done;Skipped;Failed;Undoing;Undone;NotUndone
type StepState string

const (
	StepPending   StepState = "Pending"
	StepRunning   StepState = "Running"   // durable before the step's first change
	StepDone      StepState = "Done"      // durable after its last
	StepSkipped   StepState = "Skipped"   // the world was already so
	StepFailed    StepState = "Failed"    // gave up; resume tries again
	StepUndoing   StepState = "Undoing"   // durable before the first change of the undo
	StepUndone    StepState = "Undone"    // durable after the last
	StepNotUndone StepState = "NotUndone" // has no undo, or there was nothing of ours to undo
)

// StepStatus is one line of the journal.
type StepStatus struct {
	ID    string    `json:"id"`
	State StepState `json:"state"`
	// +optional
	Attempts int32 `json:"attempts,omitempty"`
	// +optional
	StartedAt *metav1.MicroTime `json:"startedAt,omitempty"`
	// +optional
	FinishedAt *metav1.MicroTime `json:"finishedAt,omitempty"`
	// Done and Total count members while the step runs and after.
	// +optional
	Done int32 `json:"done,omitempty"`
	// +optional
	Total int32 `json:"total,omitempty"`
	// Message is the error of a failed step, or what a finished one has to say.
	// +optional
	Message string `json:"message,omitempty"`
	// Code and Params are the same for other languages: key fail.<code>.
	// +optional
	Code string `json:"code,omitempty"`
	// +optional
	Params map[string]string `json:"params,omitempty"`
	// Measures are numbers that the step leaves for the report.
	// +optional
	Measures map[string]int64 `json:"measures,omitempty"`
}

// Wait is a reason for not going on right now.
type Wait struct {
	Code string `json:"code"`
	// +optional
	Object string `json:"object,omitempty"`
	// +optional
	Message string `json:"message,omitempty"`
	// +optional
	Params map[string]string `json:"params,omitempty"`
	Since  metav1.MicroTime  `json:"since"`
}

// Report compares the forecast with what happened.
type Report struct {
	ForecastSeconds int64 `json:"forecastSeconds"`
	TookSeconds     int64 `json:"tookSeconds"`
	// Lines are for people, in the plan's order: code and params as in Finding.
	// +optional
	// +kubebuilder:validation:MaxItems=100
	Lines []Line `json:"lines,omitempty"`
	// Measures are numbers for later forecasts and for scripts, such as "landed", "landedAsForecast", "evicted".
	// +optional
	Measures map[string]int64 `json:"measures,omitempty"`
}

// Line is a sentence as data: a key of the catalogue and its parameters, and the English text.
type Line struct {
	Code string `json:"code"`
	// +optional
	Params map[string]string `json:"params,omitempty"`
	// +optional
	Message string `json:"message,omitempty"`
}

// OperationList is a list of operations.
//
// +kubebuilder:object:root=true
type OperationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Operation `json:"items"`
}
