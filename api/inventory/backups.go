package inventory

import (
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// SnapshotResource counts the objects of one resource in a set.
type SnapshotResource struct {
	Group    string `json:"group,omitempty"`
	Resource string `json:"resource"`
	Count    int    `json:"count"`
}

// SnapshotSummary is what the etcd snapshot of a set holds.
type SnapshotSummary struct {
	Backup    string             `json:"backup"`
	At        time.Time          `json:"at"`
	Revision  int64              `json:"revision"`
	Objects   int                `json:"objects"`
	Resources []SnapshotResource `json:"resources"`
}

// SnapshotName names an object of a set.
type SnapshotName struct {
	Group     string `json:"group,omitempty"`
	Resource  string `json:"resource"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// SnapshotItem is an object in a list of a set's objects.
type SnapshotItem struct {
	SnapshotName
	// Revision of etcd at which it was last written.
	Revision int64 `json:"revision"`
}

// SnapshotPage is a part of the objects of a set. Next is the cursor of the next page, empty at the end.
type SnapshotPage struct {
	Backup string         `json:"backup"`
	At     time.Time      `json:"at"`
	Items  []SnapshotItem `json:"items"`
	Total  int            `json:"total"`
	Next   string         `json:"next,omitempty"`
}

// SnapshotContent is one object of a set (or, with backup "live", of the cluster now) as YAML.
type SnapshotContent struct {
	SnapshotName
	Backup   string    `json:"backup"`
	At       time.Time `json:"at"`
	Revision int64     `json:"revision,omitempty"`
	YAML     string    `json:"yaml"`
	// Redacted says that values of a Secret were replaced by their fingerprints.
	Redacted bool `json:"redacted,omitempty"`
}

// SnapshotFieldChange is one difference between two states of an object.
type SnapshotFieldChange struct {
	Path string `json:"path"`
	Type string `json:"type"` // Added, Removed, Changed
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// SnapshotAuthor is who wrote an object between two sets, as its managed fields say.
type SnapshotAuthor struct {
	Manager   string `json:"manager"`
	Operation string `json:"operation"`
	// Time is zero when the API server has not kept it.
	Time time.Time `json:"time,omitzero"`
}

// SnapshotDiff compares one object between two sets, or a set and the cluster now.
type SnapshotDiff struct {
	SnapshotName
	From string `json:"from"`
	To   string `json:"to"`
	// Type is Same, Added, Removed or Changed.
	Type    string                `json:"type"`
	Unified string                `json:"unified,omitempty"`
	Changes []SnapshotFieldChange `json:"changes,omitempty"`
	By      []SnapshotAuthor      `json:"by,omitempty"`
}

// SnapshotChange is an object that differs between two sets.
type SnapshotChange struct {
	SnapshotName
	Type string `json:"type"` // Added, Removed, Changed, Recreated
}

// SnapshotChanges is a part of what differs between two sets.
type SnapshotChanges struct {
	From  string           `json:"from"`
	To    string           `json:"to"`
	Items []SnapshotChange `json:"items"`
	Total int              `json:"total"`
	Next  string           `json:"next,omitempty"`
}

// SnapshotVersion is the state of an object in one set, seen from the set before.
type SnapshotVersion struct {
	Backup string               `json:"backup"`
	At     time.Time            `json:"at"`
	Phase  v1alpha1.BackupPhase `json:"phase"`
	// Change is Absent, Added, Changed, Same or Removed.
	Change   string `json:"change"`
	Revision int64  `json:"revision,omitempty"`
}

// SnapshotHistory is an object over all sets, newest first.
type SnapshotHistory struct {
	SnapshotName
	Versions []SnapshotVersion `json:"versions"`
}

// SetBackupPolicy makes or replaces a policy, with the secrets of its repository. Secrets that are empty stay as they are.
type SetBackupPolicy struct {
	Name            string                    `json:"name"`
	Spec            v1alpha1.BackupPolicySpec `json:"spec"`
	Password        string                    `json:"password,omitempty"`
	Identity        string                    `json:"identity,omitempty"`
	AccessKeyID     string                    `json:"accessKeyID,omitempty"`
	SecretAccessKey string                    `json:"secretAccessKey,omitempty"`
	SSHKey          string                    `json:"sshKey,omitempty"`
}

// BackupPolicySet is what came of it.
type BackupPolicySet struct {
	Policy *v1alpha1.BackupPolicy `json:"policy"`
	// Created says that the repository is new.
	Created bool `json:"created"`
	// Found is the number of sets that the repository held already and that are known now.
	Found int `json:"found"`
}

// BackupKeys are what somebody needs to use a repository without Kanrin. They are to be kept elsewhere.
type BackupKeys struct {
	Place     string `json:"place"`
	Password  string `json:"password"`
	Identity  string `json:"identity"`
	Recipient string `json:"recipient"`
}
