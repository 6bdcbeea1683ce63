package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Severity of a finding.
// +kubebuilder:validation:Enum=blocker;warning;info
type Severity string

const (
	SeverityBlocker Severity = "blocker" // the plan may not run
	SeverityWarning Severity = "warning" // the plan may run; somebody should have read this
	SeverityInfo    Severity = "info"
)

// Finding is a fact that an operator must know, with its reason and the object it is about.
type Finding struct {
	Severity Severity `json:"severity"`
	// Code is stable and names the rule, such as BudgetNeverMet. Texts are found under finding.<code> in the catalogue.
	Code string `json:"code"`
	// Object is namespace/name, or a bare name of a cluster-scoped object.
	Object string `json:"object"`
	// Kind of the object, such as Pod or PodDisruptionBudget.
	// +optional
	Kind string `json:"kind,omitempty"`
	// Message is the English sentence.
	Message string `json:"message"`
	// +optional
	Params map[string]string `json:"params,omitempty"`
	// Ways are the explicit ways round a blocker.
	// +optional
	// +kubebuilder:validation:MaxItems=10
	Ways []Way `json:"ways,omitempty"`
	// Since is when the finding was first seen, for findings about a cluster.
	// +optional
	Since *metav1.Time `json:"since,omitempty"`
}

// Way is an option of the request that removes a blocker. Texts: way.<code>.
type Way struct {
	// Code is one of wait, surge, delete.
	Code string `json:"code"`
	// Flag is the CLI's form, such as "--surge shop/web".
	Flag string `json:"flag"`
	// Field and Value are the same as a change of the request: append Value to (or set) the named field of the type's spec.
	Field string `json:"field"`
	// +optional
	Value string `json:"value,omitempty"`
}

// Plan is what an operation will do, as data. Its digest covers everything that is done and found; the forecast is not part of it.
type Plan struct {
	// Digest is the first 12 hexadecimal digits of the SHA-256 over the canonical form of the plan.
	Digest string `json:"digest"`
	// FactsDigest covers the facts that the plan rests on. When it still holds, the plan is fresh.
	FactsDigest string           `json:"factsDigest"`
	CreatedAt   metav1.MicroTime `json:"createdAt"`
	// Rehearsal says on what the plan was played through.
	// +optional
	Rehearsal *Rehearsal `json:"rehearsal,omitempty"`
	// Summary is the plan's head in sentences.
	// +optional
	// +kubebuilder:validation:MaxItems=50
	Summary []Line `json:"summary,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxItems=500
	Findings []Finding `json:"findings,omitempty"`
	// +kubebuilder:validation:MaxItems=400
	Steps    []Step   `json:"steps"`
	Forecast Forecast `json:"forecast"`
	// PointOfNoReturn is the id of the first step that cannot be undone in effect; empty when there is none.
	// +optional
	PointOfNoReturn string `json:"pointOfNoReturn,omitempty"`
	// MemberChunks is the number of OperationLog objects that hold the members of the steps.
	// +optional
	MemberChunks int32 `json:"memberChunks,omitempty"`
	// MembersDigest is the SHA-256 over all members; part of Digest.
	// +optional
	MembersDigest string `json:"membersDigest,omitempty"`
}

// Rehearsal is what the plan was played through on.
type Rehearsal struct {
	At metav1.MicroTime `json:"at"`
	// Engine is what played, such as "kube-scheduler v1.36.3".
	Engine string `json:"engine"`
	Nodes  int32  `json:"nodes"`
	Pods   int32  `json:"pods"`
	// Milliseconds the rehearsal took.
	Milliseconds int64 `json:"milliseconds"`
}

// Step is one step of a plan: serialisable data; its behaviour is registered under its kind.
type Step struct {
	// ID is unique within the plan and stable for the same plan.
	ID string `json:"id"`
	// Kind selects the behaviour. Texts: step.<kind>.
	Kind string `json:"kind"`
	// Group: consecutive steps with the same non-empty group run at the same time.
	// +optional
	Group string `json:"group,omitempty"`
	// Title is the English sentence; Params are what it is made of.
	Title string `json:"title"`
	// +optional
	Params map[string]string `json:"params,omitempty"`
	// Targets are the objects the step acts on when they are few, such as nodes.
	// +optional
	// +kubebuilder:validation:MaxItems=200
	Targets []string `json:"targets,omitempty"`
	// Members is the number of members kept in OperationLog objects.
	// +optional
	Members int32 `json:"members,omitempty"`
	// To summarises where members are expected to land.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	To []Landing `json:"to,omitempty"`
	// Args is the behaviour's own data.
	// +optional
	// +kubebuilder:pruning:PreserveUnknownFields
	Args *runtime.RawExtension `json:"args,omitempty"`
	// ForecastSeconds is how long the step should take.
	// +optional
	ForecastSeconds int64 `json:"forecastSeconds,omitempty"`
	// TimeoutSeconds is its deadline.
	// +optional
	TimeoutSeconds int64 `json:"timeoutSeconds,omitempty"`
	// Undo names what cancel does about it, such as "uncordon"; empty when nothing can be undone.
	// +optional
	Undo string `json:"undo,omitempty"`
}

// Landing counts members expected on a node; an empty node means that they would stay pending.
type Landing struct {
	Node string `json:"node"`
	Pods int32  `json:"pods"`
}

// Member is one thing that a step acts on. Members are kept in OperationLog objects, because there can be thousands.
type Member struct {
	Step string `json:"step"`
	// Object is namespace/name.
	Object string `json:"object"`
	UID    string `json:"uid,omitempty"`
	// Action is Evict or Delete.
	Action string `json:"action,omitempty"`
	// Owner is Kind/namespace/name of the controller, if any.
	Owner string `json:"owner,omitempty"`
	From  string `json:"from,omitempty"`
	// To is the node where the replacement is expected; empty with Pending set when there is none.
	To string `json:"to,omitempty"`
	// Pending is the scheduler's reason.
	Pending string `json:"pending,omitempty"`
	// Budgets are the names of the disruption budgets that cover it, namespace/name.
	Budgets []string `json:"budgets,omitempty"`
	// GraceSeconds is its termination grace period.
	GraceSeconds int64 `json:"graceSeconds,omitempty"`
}

// Forecast is what is expected of the plan; it is scored afterwards.
type Forecast struct {
	// Seconds the whole plan should take, and at most.
	Seconds       int64 `json:"seconds"`
	AtMostSeconds int64 `json:"atMostSeconds"`
	// Basis says where the numbers come from: history, observed or defaults.
	// +optional
	Basis string `json:"basis,omitempty"`
	// Longest is what takes longest.
	// +optional
	Longest *Line `json:"longest,omitempty"`
	// Landings over all steps.
	// +optional
	// +kubebuilder:validation:MaxItems=1000
	Landings []Landing `json:"landings,omitempty"`
	// Pending is the number of pods that would stay pending.
	// +optional
	Pending int32 `json:"pending,omitempty"`
	// Counts are numbers for scripts: leave, evict, delete, daemonset, static, finished, rounds.
	// +optional
	Counts map[string]int64 `json:"counts,omitempty"`
}
