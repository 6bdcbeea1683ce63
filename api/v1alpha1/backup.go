package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Backup is one set: all components of a cluster from one run, stored as one snapshot of the policy's repository. Its name is the set's
// name there. The repository is the truth: a Backup that is lost is made again from it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=kanrin,shortName=bk
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Revision",type=integer,JSONPath=`.status.revision`
// +kubebuilder:printcolumn:name="Objects",type=integer,JSONPath=`.status.objects`
// +kubebuilder:printcolumn:name="Bytes",type=integer,JSONPath=`.status.bytes`
// +kubebuilder:printcolumn:name="Proven",type=date,JSONPath=`.status.proof.at`
// +kubebuilder:printcolumn:name="Missing",type=integer,JSONPath=`.status.missing`
// +kubebuilder:printcolumn:name="Policy",type=string,JSONPath=`.spec.policy`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.status.startedAt`
type Backup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec BackupSpec `json:"spec"`
	// +optional
	Status BackupStatus `json:"status,omitempty"`
}

// BackupReason is why a set was made.
// +kubebuilder:validation:Enum=Manual;Scheduled;BeforeRestore
type BackupReason string

const (
	BackupManual        BackupReason = "Manual"
	BackupScheduled     BackupReason = "Scheduled"
	BackupBeforeRestore BackupReason = "BeforeRestore"
)

// BackupSpec is what the set was asked for.
type BackupSpec struct {
	// Policy names the BackupPolicy in the same namespace.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="policy cannot be changed"
	Policy string `json:"policy"`
	// +optional
	// +kubebuilder:default=Manual
	Reason BackupReason `json:"reason,omitempty"`
	// Pinned sets are kept whatever the retention says.
	// +optional
	Pinned bool `json:"pinned,omitempty"`
}

// BackupPhase of a set: only Proven is green.
// +kubebuilder:validation:Enum=InProgress;Failed;Incomplete;Captured;Proven;ProofFailed
type BackupPhase string

const (
	BackupInProgress  BackupPhase = "InProgress"
	BackupFailed      BackupPhase = "Failed"     // no set came of it
	BackupIncomplete  BackupPhase = "Incomplete" // sealed, but something that was expected is missing
	BackupCaptured    BackupPhase = "Captured"   // complete, not proven
	BackupProven      BackupPhase = "Proven"     // complete, restored, booted and read back
	BackupProofFailed BackupPhase = "ProofFailed"
)

// BackupStatus describes the set.
type BackupStatus struct {
	// +optional
	Phase BackupPhase `json:"phase,omitempty"`
	// Operation is the one that made or makes the set.
	// +optional
	Operation string `json:"operation,omitempty"`
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
	// +optional
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	// SnapshotID is the id of the kopia snapshot.
	// +optional
	SnapshotID string `json:"snapshotID,omitempty"`
	// Digest is the SHA-256 of the set's manifest, which holds the digests of all components.
	// +optional
	Digest string `json:"digest,omitempty"`
	// Revision of etcd that the set belongs to.
	// +optional
	Revision int64 `json:"revision,omitempty"`
	// Objects in the etcd snapshot.
	// +optional
	Objects int64 `json:"objects,omitempty"`
	// Bytes before deduplication and compression, and Files.
	// +optional
	Bytes int64 `json:"bytes,omitempty"`
	// +optional
	Files int64 `json:"files,omitempty"`
	// Missing counts what was expected and not captured.
	// +optional
	Missing int32 `json:"missing,omitempty"`
	// KubernetesVersion of the cluster, such as v1.36.3, and KanrinVersion of the program that made the set.
	// +optional
	KubernetesVersion string `json:"kubernetesVersion,omitempty"`
	// +optional
	KanrinVersion string `json:"kanrinVersion,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxItems=200
	Components []ComponentStatus `json:"components,omitempty"`
	// +optional
	Proof *BackupProofStatus `json:"proof,omitempty"`
	// Copies are the further repositories that hold the set.
	// +optional
	// +kubebuilder:validation:MaxItems=3
	Copies []BackupCopy `json:"copies,omitempty"`
	// Keep are the rules of the retention that keep the set, such as "daily 2026-11-21".
	// +optional
	// +kubebuilder:validation:MaxItems=10
	Keep []string `json:"keep,omitempty"`
}

// ComponentState of one component in a set.
// +kubebuilder:validation:Enum=Captured;Missing
type ComponentState string

const (
	ComponentCaptured ComponentState = "Captured"
	ComponentMissing  ComponentState = "Missing" // expected and not captured; code says why
)

// ComponentStatus is one component of a set, or one thing that was expected in it.
type ComponentStatus struct {
	// Name of the component, or component/object for a part of it that is missing.
	Name  string         `json:"name"`
	Type  ComponentType  `json:"type"`
	State ComponentState `json:"state"`
	// Optional ones do not make a set incomplete.
	// +optional
	Optional bool `json:"optional,omitempty"`
	// Digest is the SHA-256 over the sorted list of path, mode, size and SHA-256 of the files.
	// +optional
	Digest string `json:"digest,omitempty"`
	// +optional
	Files int64 `json:"files,omitempty"`
	// +optional
	Bytes int64 `json:"bytes,omitempty"`
	// +optional
	StartedAt *metav1.MicroTime `json:"startedAt,omitempty"`
	// +optional
	Milliseconds int64 `json:"milliseconds,omitempty"`
	// Revision of etcd when the capture began.
	// +optional
	Revision int64 `json:"revision,omitempty"`
	// Version of what was captured, such as 3.6.8 or MariaDB 10.11.
	// +optional
	Version string `json:"version,omitempty"`
	// From is where it was read: a host, or namespace/pod.
	// +optional
	From string `json:"from,omitempty"`
	// Code, Params and Message say why something is missing: key fail.<code>.
	// +optional
	Code string `json:"code,omitempty"`
	// +optional
	Params map[string]string `json:"params,omitempty"`
	// +optional
	Message string `json:"message,omitempty"`
}

// BackupProofStatus is the last proof of a set.
type BackupProofStatus struct {
	// Drill holds the signed result.
	Drill  string      `json:"drill"`
	At     metav1.Time `json:"at"`
	Passed bool        `json:"passed"`
	// RecoverySeconds is how long it took from the repository to an API server that answers.
	// +optional
	RecoverySeconds int64 `json:"recoverySeconds,omitempty"`
	// Digest of the manifest that was proven.
	Digest string `json:"digest"`
	// Problems found.
	// +optional
	Problems int32 `json:"problems,omitempty"`
}

// BackupCopy is a further place that holds the set.
type BackupCopy struct {
	// Repository is the place in words, such as "S3 minio.example/backups/prod".
	Repository string      `json:"repository"`
	At         metav1.Time `json:"at"`
}

// BackupList is a list of sets.
//
// +kubebuilder:object:root=true
type BackupList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Backup `json:"items"`
}

// Drill is one proof of a set: what was done, what was found, signed. It is written once.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:categories=kanrin
// +kubebuilder:printcolumn:name="Backup",type=string,JSONPath=`.result.backup`
// +kubebuilder:printcolumn:name="Passed",type=boolean,JSONPath=`.result.passed`
// +kubebuilder:printcolumn:name="Objects",type=integer,JSONPath=`.result.objects`
// +kubebuilder:printcolumn:name="Recovery",type=integer,JSONPath=`.result.recoverySeconds`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.result == oldSelf.result && self.statement == oldSelf.statement && self.signature == oldSelf.signature",message="a drill cannot be changed"
type Drill struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Result DrillResult `json:"result"`
	// Statement is the JSON that is signed: the result, the cluster and the digest of the set.
	// +kubebuilder:validation:MaxLength=262144
	Statement string `json:"statement"`
	// Signature is Ed25519 over the statement, PublicKey the key that checks it; both base64.
	Signature string `json:"signature"`
	PublicKey string `json:"publicKey"`
}

// DrillResult is what a proof did and found.
type DrillResult struct {
	Cluster string `json:"cluster"`
	Backup  string `json:"backup"`
	// Digest of the set's manifest.
	Digest     string           `json:"digest"`
	Passed     bool             `json:"passed"`
	StartedAt  metav1.MicroTime `json:"startedAt"`
	FinishedAt metav1.MicroTime `json:"finishedAt"`
	// +optional
	RecoverySeconds int64 `json:"recoverySeconds,omitempty"`
	// Objects listed by the booted API server; Keys read back from the booted etcd; Secrets decrypted.
	// +optional
	Objects int64 `json:"objects,omitempty"`
	// +optional
	Keys int64 `json:"keys,omitempty"`
	// +optional
	Secrets int64 `json:"secrets,omitempty"`
	// Files and Bytes of the set that were read and compared with their digests.
	// +optional
	Files int64 `json:"files,omitempty"`
	// +optional
	Bytes int64 `json:"bytes,omitempty"`
	// KubernetesVersion and of the programs that were booted.
	// +optional
	KubernetesVersion string `json:"kubernetesVersion,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxItems=50
	Stages []DrillStage `json:"stages,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxItems=50
	Databases []DrillDatabase `json:"databases,omitempty"`
	// Problems found, at most 100; any of them fails the proof.
	// +optional
	// +kubebuilder:validation:MaxItems=100
	Problems []Line `json:"problems,omitempty"`
	// Notes are what could not be looked at, and why.
	// +optional
	// +kubebuilder:validation:MaxItems=100
	Notes []Line `json:"notes,omitempty"`
}

// DrillStage is a part of a proof.
type DrillStage struct {
	Name         string `json:"name"`
	Milliseconds int64  `json:"milliseconds"`
}

// DrillDatabase is a database that was restored and queried.
type DrillDatabase struct {
	Component string `json:"component"`
	Server    string `json:"server"`
	Tables    int64  `json:"tables"`
	Rows      int64  `json:"rows"`
}

// DrillList is a list of proofs.
//
// +kubebuilder:object:root=true
type DrillList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Drill `json:"items"`
}
