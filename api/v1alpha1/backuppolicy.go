package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BackupPolicy says what of a cluster is backed up, where to, when, for how long it is kept and how often it is proven.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=kanrin,path=backuppolicies,shortName=bp
// +kubebuilder:printcolumn:name="Repository",type=string,JSONPath=`.spec.repository.type`
// +kubebuilder:printcolumn:name="Schedule",type=string,JSONPath=`.spec.schedule.cron`
// +kubebuilder:printcolumn:name="Last",type=date,JSONPath=`.status.lastBackup.at`
// +kubebuilder:printcolumn:name="Proven",type=date,JSONPath=`.status.lastProven.at`
// +kubebuilder:printcolumn:name="Next",type=string,JSONPath=`.status.nextBackup`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type BackupPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec BackupPolicySpec `json:"spec"`
	// +optional
	Status BackupPolicyStatus `json:"status,omitempty"`
}

// BackupPolicySpec is the request.
type BackupPolicySpec struct {
	Repository BackupRepository `json:"repository"`
	// Copies are further places to which every set is copied.
	// +optional
	// +kubebuilder:validation:MaxItems=3
	Copies []BackupRepository `json:"copies,omitempty"`
	// Components in any order; they are captured in the order of their dependencies. None means etcd, the cluster directory and the
	// resources.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Components []BackupComponent `json:"components,omitempty"`
	// SealTo are age recipients (age1…) to whom keys and certificates are sealed besides Kanrin itself. Who holds one of their
	// identities can restore without Kanrin.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=10
	// +kubebuilder:validation:items:Pattern=`^age1[a-z0-9]{50,100}$`
	// +kubebuilder:validation:items:MaxLength=110
	SealTo []string `json:"sealTo,omitempty"`
	// +optional
	Schedule *BackupSchedule `json:"schedule,omitempty"`
	// +optional
	Retention BackupRetention `json:"retention,omitempty"`
	// +optional
	Proof BackupProof `json:"proof,omitempty"`
	// MaxProvenAgeHours is the age of the last proven backup past which the cluster needs a person. 0 means the default of 48.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=8784
	MaxProvenAgeHours int32 `json:"maxProvenAgeHours,omitempty"`
	// Suspended stops backups and proofs on schedule.
	// +optional
	Suspended bool `json:"suspended,omitempty"`
}

// RepositoryType is a kind of storage.
// +kubebuilder:validation:Enum=Filesystem;S3;SFTP
type RepositoryType string

const (
	RepositoryFilesystem RepositoryType = "Filesystem" // a directory of the machine that Kanrin's server runs on
	RepositoryS3         RepositoryType = "S3"
	RepositorySFTP       RepositoryType = "SFTP"
)

// BackupRepository is a place for sets: an encrypted, deduplicated kopia repository.
//
// +kubebuilder:validation:XValidation:rule="(self.type == 'Filesystem') == has(self.path) && (self.type == 'S3') == has(self.s3) && (self.type == 'SFTP') == has(self.sftp)",message="set path for Filesystem, s3 for S3, sftp for SFTP, and only that one"
type BackupRepository struct {
	Type RepositoryType `json:"type"`
	// Path is the absolute path of a directory.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^/.+`
	Path string `json:"path,omitempty"`
	// +optional
	S3 *S3Repository `json:"s3,omitempty"`
	// +optional
	SFTP *SFTPRepository `json:"sftp,omitempty"`
	// SecretName names a Secret of the cluster's namespace with the keys password (of the repository), and accessKeyID and
	// secretAccessKey for S3, sshKey for SFTP. A repository without one gets one with a random password.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName"`
	// AppendOnly never deletes anything; retention is then left to the storage.
	// +optional
	AppendOnly bool `json:"appendOnly,omitempty"`
}

// S3Repository is a bucket of an S3-compatible storage.
type S3Repository struct {
	// Endpoint is host or host:port.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=300
	Endpoint string `json:"endpoint"`
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=63
	Bucket string `json:"bucket"`
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Prefix string `json:"prefix,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Region string `json:"region,omitempty"`
	// CABundle are PEM certificates of authorities to trust besides the system's.
	// +optional
	// +kubebuilder:validation:MaxLength=65536
	CABundle string `json:"caBundle,omitempty"`
	// PlainHTTP speaks without TLS; for storage on the same machine.
	// +optional
	PlainHTTP bool `json:"plainHTTP,omitempty"`
}

// SFTPRepository is a directory behind an SSH server.
type SFTPRepository struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Host string `json:"host"`
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	User string `json:"user"`
	// +kubebuilder:validation:Pattern=`^/.+`
	// +kubebuilder:validation:MaxLength=1024
	Path string `json:"path"`
	// HostKey is the server's public key, as in known_hosts: "ssh-ed25519 AAAA…". No other is accepted.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8192
	HostKey string `json:"hostKey"`
}

// ComponentType is a kind of data in a set.
// +kubebuilder:validation:Enum=Etcd;ClusterDirectory;Resources;Directory;HostCommand;PodCommand;MariaDB;PostgreSQL;MongoDB;Elasticsearch;VolumeSnapshots
type ComponentType string

const (
	ComponentEtcd             ComponentType = "Etcd"             // a snapshot of one healthy member
	ComponentClusterDirectory ComponentType = "ClusterDirectory" // PKI, kubeconfigs, manifests, encryption configuration; always sealed
	ComponentResources        ComponentType = "Resources"        // clean manifests; Secrets sealed
	ComponentDirectory        ComponentType = "Directory"        // files of hosts: registry, charts, volumes, …
	ComponentHostCommand      ComponentType = "HostCommand"      // the output of a command on a host
	ComponentPodCommand       ComponentType = "PodCommand"       // the output of a command in a pod
	ComponentMariaDB          ComponentType = "MariaDB"          // mysqldump, on a host or in a pod
	ComponentPostgreSQL       ComponentType = "PostgreSQL"       // pg_dumpall
	ComponentMongoDB          ComponentType = "MongoDB"          // mongodump --archive
	ComponentElasticsearch    ComponentType = "Elasticsearch"    // the snapshot API of Elasticsearch or OpenSearch
	ComponentVolumeSnapshots  ComponentType = "VolumeSnapshots"  // CSI snapshots through the API
)

// BackupComponent is one part of a set.
type BackupComponent struct {
	// Name is the component's directory in the set.
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
	// +kubebuilder:validation:MaxLength=63
	Name string        `json:"name"`
	Type ComponentType `json:"type"`
	// DependsOn names components that are captured before this one.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MaxLength=63
	DependsOn []string `json:"dependsOn,omitempty"`
	// Optional components may be missing in a complete set.
	// +optional
	Optional bool `json:"optional,omitempty"`
	// Hosts are names of Hosts, or @control-plane, @worker, … for all of a role. Etcd and ClusterDirectory take the control planes when
	// none is given.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=200
	// +kubebuilder:validation:items:MaxLength=253
	Hosts []string `json:"hosts,omitempty"`
	// Paths are absolute paths of directories and files on the hosts.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=1024
	// +kubebuilder:validation:items:Pattern=`^/`
	Paths []string `json:"paths,omitempty"`
	// Exclude are shell patterns of paths to leave out.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=256
	Exclude []string `json:"exclude,omitempty"`
	// Pod is where commands run that do not run on a host.
	// +optional
	Pod *PodTarget `json:"pod,omitempty"`
	// Command prints the backup on its standard output.
	// +optional
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=4096
	Command []string `json:"command,omitempty"`
	// File is the name of the output in the set.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^([A-Za-z0-9][A-Za-z0-9._-]*)?$`
	File string `json:"file,omitempty"`
	// Databases limits a dump to these; none means all.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:Pattern=`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`
	Databases []string `json:"databases,omitempty"`
	// Arguments are given to the dump program besides Kanrin's own.
	// +optional
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=1024
	Arguments []string `json:"arguments,omitempty"`
	// Service is the address of an Elasticsearch or OpenSearch server: scheme://service.namespace:port, reached through the API server.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Service string `json:"service,omitempty"`
	// SnapshotRepository is the name of the snapshot repository that the search server is configured with.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	SnapshotRepository string `json:"snapshotRepository,omitempty"`
	// Namespaces limits VolumeSnapshots and Resources; none means all.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=200
	// +kubebuilder:validation:items:MaxLength=63
	Namespaces []string `json:"namespaces,omitempty"`
	// Sealed seals the content to the policy's recipients on top of the repository's encryption.
	// +optional
	Sealed bool `json:"sealed,omitempty"`
	// Before quiesces what is to be captured, After undoes that in any case.
	// +optional
	Before *BackupHook `json:"before,omitempty"`
	// +optional
	After *BackupHook `json:"after,omitempty"`
	// TimeoutSeconds of the capture; 0 means an hour.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=604800
	TimeoutSeconds int64 `json:"timeoutSeconds,omitempty"`
}

// PodTarget names a pod.
type PodTarget struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace"`
	// Name of the pod, or Selector: then the first Ready pod by name.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Selector string `json:"selector,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Container string `json:"container,omitempty"`
}

// BackupHook is a command in the component's pod or on its hosts.
type BackupHook struct {
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=4096
	Command []string `json:"command"`
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	TimeoutSeconds int64 `json:"timeoutSeconds,omitempty"`
}

// MissedRun says what becomes of a run whose time passed while Kanrin was down or the cluster unreachable.
// +kubebuilder:validation:Enum=RunOnce;Skip
type MissedRun string

const (
	MissedRunOnce MissedRun = "RunOnce"
	MissedSkip    MissedRun = "Skip"
)

// BackupSchedule is when sets are made.
type BackupSchedule struct {
	// Cron has five fields: minute, hour, day of month, month, day of week.
	// +kubebuilder:validation:MinLength=5
	// +kubebuilder:validation:MaxLength=128
	Cron string `json:"cron"`
	// TimeZone is a name of the IANA database, such as Asia/Tokyo; empty means UTC.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`
	// JitterSeconds spreads clusters with the same schedule.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	JitterSeconds int32 `json:"jitterSeconds,omitempty"`
	// QuietHours are times of day in which nothing begins.
	// +optional
	// +kubebuilder:validation:MaxItems=10
	QuietHours []QuietHours `json:"quietHours,omitempty"`
	// +optional
	// +kubebuilder:default=RunOnce
	Missed MissedRun `json:"missed,omitempty"`
}

// QuietHours is a span of the day, over midnight when it ends before it begins.
type QuietHours struct {
	// +kubebuilder:validation:Pattern=`^([01][0-9]|2[0-3]):[0-5][0-9]$`
	From string `json:"from"`
	// +kubebuilder:validation:Pattern=`^([01][0-9]|2[0-3]):[0-5][0-9]$`
	To string `json:"to"`
}

// BackupRetention is how many sets are kept; a set is kept when any rule wants it. No rule at all keeps everything. The last proven set
// and pinned ones are always kept.
type BackupRetention struct {
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	Last int32 `json:"last,omitempty"`
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	Hourly int32 `json:"hourly,omitempty"`
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	Daily int32 `json:"daily,omitempty"`
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	Weekly int32 `json:"weekly,omitempty"`
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	Monthly int32 `json:"monthly,omitempty"`
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	Yearly int32 `json:"yearly,omitempty"`
}

// BackupProof is when sets are proven by booting them.
type BackupProof struct {
	// EveryBackup proves each set after it was made.
	// +optional
	EveryBackup bool `json:"everyBackup,omitempty"`
	// Cron proves the newest set at these times (in the time zone of the schedule).
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Cron string `json:"cron,omitempty"`
	// AllowDisk lets the proof use the disk when the memory does not suffice. The content of the set lies there in clear meanwhile.
	// +optional
	AllowDisk bool `json:"allowDisk,omitempty"`
}

// BackupMoment is a set and its time.
type BackupMoment struct {
	Name string      `json:"name"`
	At   metav1.Time `json:"at"`
}

// ConditionRepositoryReady of a BackupPolicy: its repository can be opened.
const ConditionRepositoryReady = "RepositoryReady"

// BackupPolicyStatus is what was last seen.
type BackupPolicyStatus struct {
	// +optional
	LastBackup *BackupMoment `json:"lastBackup,omitempty"`
	// LastProven is the newest set that was proven; At is when the set was made, not when it was proven.
	// +optional
	LastProven *BackupMoment `json:"lastProven,omitempty"`
	// +optional
	NextBackup *metav1.Time `json:"nextBackup,omitempty"`
	// +optional
	NextProof *metav1.Time `json:"nextProof,omitempty"`
	// LastRun and LastProof are the scheduled times that were last dealt with.
	// +optional
	LastRun *metav1.Time `json:"lastRun,omitempty"`
	// +optional
	LastProof *metav1.Time `json:"lastProof,omitempty"`
	// Recipient is the age recipient to which Kanrin itself seals; its identity is in the repository's Secret.
	// +optional
	Recipient string `json:"recipient,omitempty"`
	// +optional
	Sets int32 `json:"sets,omitempty"`
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// BackupPolicyList is a list of policies.
//
// +kubebuilder:object:root=true
type BackupPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []BackupPolicy `json:"items"`
}
