package fleet

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	batchlisters "k8s.io/client-go/listers/batch/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	policylisters "k8s.io/client-go/listers/policy/v1"
	schedulinglisters "k8s.io/client-go/listers/scheduling/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"

	"kanrin.dev/kanrin/internal/fleet/trim"
)

// kind is one watched kind: its resource name, the area it belongs to, and where it comes from.
type kind struct {
	resource string
	area     Area
	source   source
}

// kinds lists everything that a connection watches. Pods come first: there are most of them.
func kinds(c kubernetes.Interface) []kind {
	core, apps, batch := c.CoreV1(), c.AppsV1(), c.BatchV1()
	policy, storage, scheduling := c.PolicyV1(), c.StorageV1(), c.SchedulingV1()
	return []kind{
		{"pods", AreaPods, sourceOf(&corev1.Pod{}, core.Pods("").List, core.Pods("").Watch)},
		{"nodes", AreaNodes, sourceOf(&corev1.Node{}, core.Nodes().List, core.Nodes().Watch)},
		{"poddisruptionbudgets", AreaBudgets, sourceOf(&policyv1.PodDisruptionBudget{}, policy.PodDisruptionBudgets("").List, policy.PodDisruptionBudgets("").Watch)},
		{"deployments", AreaWorkloads, sourceOf(&appsv1.Deployment{}, apps.Deployments("").List, apps.Deployments("").Watch)},
		{"replicasets", AreaWorkloads, sourceOf(&appsv1.ReplicaSet{}, apps.ReplicaSets("").List, apps.ReplicaSets("").Watch)},
		{"statefulsets", AreaWorkloads, sourceOf(&appsv1.StatefulSet{}, apps.StatefulSets("").List, apps.StatefulSets("").Watch)},
		{"daemonsets", AreaWorkloads, sourceOf(&appsv1.DaemonSet{}, apps.DaemonSets("").List, apps.DaemonSets("").Watch)},
		{"jobs", AreaWorkloads, sourceOf(&batchv1.Job{}, batch.Jobs("").List, batch.Jobs("").Watch)},
		{"cronjobs", AreaWorkloads, sourceOf(&batchv1.CronJob{}, batch.CronJobs("").List, batch.CronJobs("").Watch)},
		{"replicationcontrollers", AreaWorkloads, sourceOf(&corev1.ReplicationController{}, core.ReplicationControllers("").List, core.ReplicationControllers("").Watch)},
		{"services", AreaWorkloads, sourceOf(&corev1.Service{}, core.Services("").List, core.Services("").Watch)},
		{"persistentvolumes", AreaVolumes, sourceOf(&corev1.PersistentVolume{}, core.PersistentVolumes().List, core.PersistentVolumes().Watch)},
		{"persistentvolumeclaims", AreaVolumes, sourceOf(&corev1.PersistentVolumeClaim{}, core.PersistentVolumeClaims("").List, core.PersistentVolumeClaims("").Watch)},
		{"storageclasses", AreaVolumes, sourceOf(&storagev1.StorageClass{}, storage.StorageClasses().List, storage.StorageClasses().Watch)},
		{"csinodes", AreaNodes, sourceOf(&storagev1.CSINode{}, storage.CSINodes().List, storage.CSINodes().Watch)},
		{"priorityclasses", AreaOther, sourceOf(&schedulingv1.PriorityClass{}, scheduling.PriorityClasses().List, scheduling.PriorityClasses().Watch)},
		{"namespaces", AreaOther, sourceOf(&corev1.Namespace{}, core.Namespaces().List, core.Namespaces().Watch)},
	}
}

// replace puts a trimmed object in the place of the listed one.
func replace(listed runtime.Object, trimmed any) {
	if p, ok := trimmed.(*trim.Pod); ok {
		p.Into(listed.(*corev1.Pod))
	} // other kinds are trimmed in place
}

// Pods are the trimmed pods of the cluster.
func (c *Connection) Pods() *PodIndex { return c.pods }

// The listers below read the trimmed caches: what they return is shared and read-only.

func (c *Connection) Nodes() corelisters.NodeLister {
	return corelisters.NewNodeLister(c.stores["nodes"].Indexer)
}

func (c *Connection) Budgets() policylisters.PodDisruptionBudgetLister {
	return policylisters.NewPodDisruptionBudgetLister(c.stores["poddisruptionbudgets"].Indexer)
}

func (c *Connection) Deployments() appslisters.DeploymentLister {
	return appslisters.NewDeploymentLister(c.stores["deployments"].Indexer)
}

func (c *Connection) ReplicaSets() appslisters.ReplicaSetLister {
	return appslisters.NewReplicaSetLister(c.stores["replicasets"].Indexer)
}

func (c *Connection) StatefulSets() appslisters.StatefulSetLister {
	return appslisters.NewStatefulSetLister(c.stores["statefulsets"].Indexer)
}

func (c *Connection) DaemonSets() appslisters.DaemonSetLister {
	return appslisters.NewDaemonSetLister(c.stores["daemonsets"].Indexer)
}

func (c *Connection) Jobs() batchlisters.JobLister {
	return batchlisters.NewJobLister(c.stores["jobs"].Indexer)
}

func (c *Connection) CronJobs() batchlisters.CronJobLister {
	return batchlisters.NewCronJobLister(c.stores["cronjobs"].Indexer)
}

func (c *Connection) ReplicationControllers() corelisters.ReplicationControllerLister {
	return corelisters.NewReplicationControllerLister(c.stores["replicationcontrollers"].Indexer)
}

func (c *Connection) Services() corelisters.ServiceLister {
	return corelisters.NewServiceLister(c.stores["services"].Indexer)
}

func (c *Connection) Volumes() corelisters.PersistentVolumeLister {
	return corelisters.NewPersistentVolumeLister(c.stores["persistentvolumes"].Indexer)
}

func (c *Connection) Claims() corelisters.PersistentVolumeClaimLister {
	return corelisters.NewPersistentVolumeClaimLister(c.stores["persistentvolumeclaims"].Indexer)
}

func (c *Connection) StorageClasses() storagelisters.StorageClassLister {
	return storagelisters.NewStorageClassLister(c.stores["storageclasses"].Indexer)
}

func (c *Connection) CSINodes() storagelisters.CSINodeLister {
	return storagelisters.NewCSINodeLister(c.stores["csinodes"].Indexer)
}

func (c *Connection) PriorityClasses() schedulinglisters.PriorityClassLister {
	return schedulinglisters.NewPriorityClassLister(c.stores["priorityclasses"].Indexer)
}

func (c *Connection) Namespaces() corelisters.NamespaceLister {
	return corelisters.NewNamespaceLister(c.stores["namespaces"].Indexer)
}
