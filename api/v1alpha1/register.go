package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the API group and version of all kinds in this package.
var GroupVersion = schema.GroupVersion{Group: "kanrin.dev", Version: "v1alpha1"}

// SystemNamespace holds what belongs to Kanrin itself and to no cluster: users, sessions, the leader's lease.
const SystemNamespace = "kanrin-system"

// AddToScheme registers the kinds of this package.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&Cluster{}, &ClusterList{},
		&Host{}, &HostList{},
		&Operation{}, &OperationList{},
		&OperationLog{}, &OperationLogList{},
		&BackupPolicy{}, &BackupPolicyList{},
		&Backup{}, &BackupList{},
		&Drill{}, &DrillList{},
	)
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}

// Resource returns the group-qualified form of a resource name of this group.
func Resource(name string) schema.GroupResource {
	return GroupVersion.WithResource(name).GroupResource()
}
