package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MaxChunkBytes is the largest compressed content of one OperationLog.
const MaxChunkBytes = 256 << 10

// LabelOperation on an OperationLog names its operation.
const LabelOperation = "kanrin.dev/operation"

// LabelPlan on an OperationLog with members is the digest of the plan that they belong to.
const LabelPlan = "kanrin.dev/plan"

// LogContent says what a chunk holds.
// +kubebuilder:validation:Enum=Journal;Members
type LogContent string

const (
	LogJournal LogContent = "Journal" // lines of LogLine
	LogMembers LogContent = "Members" // lines of Member
)

// OperationLog is one chunk of an operation's detail: JSON lines, gzip-compressed, owned by the operation, append-only.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:categories=kanrin,shortName=oplog
// +kubebuilder:printcolumn:name="Operation",type=string,JSONPath=`.spec.operation`
// +kubebuilder:printcolumn:name="Content",type=string,JSONPath=`.spec.content`
// +kubebuilder:printcolumn:name="Chunk",type=integer,JSONPath=`.spec.chunk`
// +kubebuilder:printcolumn:name="Lines",type=integer,JSONPath=`.spec.lines`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type OperationLog struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec OperationLogSpec `json:"spec"`
}

// OperationLogSpec is a chunk; it never changes.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a log chunk cannot be changed"
type OperationLogSpec struct {
	// +kubebuilder:validation:MinLength=1
	Operation string     `json:"operation"`
	Content   LogContent `json:"content"`
	// Plan is the digest of the plan that Members belong to.
	// +optional
	Plan string `json:"plan,omitempty"`
	// Chunk counts from 0 within its content.
	// +kubebuilder:validation:Minimum=0
	Chunk int32 `json:"chunk"`
	// Lines in this chunk.
	Lines int32 `json:"lines"`
	// Data is gzip-compressed JSON lines.
	// +kubebuilder:validation:MaxLength=400000
	Data []byte `json:"data"`
}

// LogLine is one line of an operation's journal.
type LogLine struct {
	Time metav1.MicroTime `json:"t"`
	// Level is info, warn or error.
	Level string `json:"level,omitempty"`
	Step  string `json:"step,omitempty"`
	// Code is a key under log.<code> in the catalogue.
	Code   string            `json:"code"`
	Object string            `json:"object,omitempty"`
	Params map[string]string `json:"params,omitempty"`
	// Text is the English sentence.
	Text string `json:"text"`
}

// OperationLogList is a list of log chunks.
//
// +kubebuilder:object:root=true
type OperationLogList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []OperationLog `json:"items"`
}
