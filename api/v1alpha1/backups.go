package v1alpha1

// BackupRequest asks for a set.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the request of an operation cannot be changed; create a new one"
type BackupRequest struct {
	// Policy names the BackupPolicy.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Policy string `json:"policy"`
	// Components limits the set to these; it is then incomplete.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=63
	Components []string `json:"components,omitempty"`
	// +optional
	Pinned bool `json:"pinned,omitempty"`
	// +optional
	// +kubebuilder:default=Manual
	Reason BackupReason `json:"reason,omitempty"`
}

// ProveRequest asks for the proof of a set.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the request of an operation cannot be changed; create a new one"
type ProveRequest struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Backup string `json:"backup"`
}

// CheckBackupsRequest asks for a check of a repository.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the request of an operation cannot be changed; create a new one"
type CheckBackupsRequest struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Policy string `json:"policy"`
	// ReadData reads and compares every byte, not only the structure.
	// +optional
	ReadData bool `json:"readData,omitempty"`
}

// PruneRequest asks for the retention to be applied: sets that no rule keeps are deleted, and their space is freed.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the request of an operation cannot be changed; create a new one"
type PruneRequest struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Policy string `json:"policy"`
	// Backups names sets to delete instead of asking the retention; pinned ones and the last proven one are refused.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=200
	// +kubebuilder:validation:items:MaxLength=253
	Backups []string `json:"backups,omitempty"`
}

// SnapshotObject names an object of a set.
type SnapshotObject struct {
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Group string `json:"group,omitempty"`
	// Resource in the plural, such as deployments.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Resource string `json:"resource"`
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// RestoreObjectsRequest asks for objects to be written back into the cluster as they were in a set.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the request of an operation cannot be changed; create a new one"
type RestoreObjectsRequest struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Backup string `json:"backup"`
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=200
	Objects []SnapshotObject `json:"objects"`
	// Dependents adds the ConfigMaps, Secrets, service accounts and claims that the objects refer to and that the cluster lacks.
	// +optional
	Dependents bool `json:"dependents,omitempty"`
	// ToNamespace puts namespaced objects into another namespace.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	ToNamespace string `json:"toNamespace,omitempty"`
	// Recreate deletes and creates an object whose change the API refuses, such as that of an immutable field.
	// +optional
	Recreate bool `json:"recreate,omitempty"`
}

// RestoreMode is how much of a cluster is restored.
// +kubebuilder:validation:Enum=AllMembers;Member;Everything
type RestoreMode string

const (
	RestoreAllMembers RestoreMode = "AllMembers" // every etcd member from one snapshot
	RestoreMember     RestoreMode = "Member"     // one broken member, replaced from the others
	RestoreEverything RestoreMode = "Everything" // the whole set onto bare hosts
)

// RestoreClusterRequest asks for the state of a cluster to be put back.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the request of an operation cannot be changed; create a new one"
type RestoreClusterRequest struct {
	// +kubebuilder:default=AllMembers
	Mode RestoreMode `json:"mode"`
	// Backup is the set; not used by mode Member.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Backup string `json:"backup,omitempty"`
	// Member is the host of the broken member.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Member string `json:"member,omitempty"`
	// Unproven accepts a set that was never proven.
	// +optional
	Unproven bool `json:"unproven,omitempty"`
	// WithoutPresent goes on when the present state cannot be backed up first, because nothing of it can be read.
	// +optional
	WithoutPresent bool `json:"withoutPresent,omitempty"`
	// Without names hosts of control planes that are gone for good; they are left out, and can be added again afterwards.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=9
	// +kubebuilder:validation:items:MaxLength=253
	Without []string `json:"without,omitempty"`
}
