package demo

import (
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// workload is a Deployment, or a StatefulSet.
type workload struct {
	namespace, name string
	replicas        int32
	cpu, memory     string
	homes           []string // nodes that its pods prefer
	zone            string   // or the zone that they prefer
	apart           bool     // no two on one node
	evenly          bool     // the same number in each zone, give or take one
	stateful        bool
	volume          string // size of a volume for each replica (stateful only)
	cache           string // name of an emptyDir that holds data
	priority        string
	labels          map[string]string // besides app
	grace           int64             // termination grace period in seconds
	pace            map[string]string // annotations of the simulation
}

const businessCritical = "business-critical"

// workloads that are made first; filler comes when all of them have their places.
var workloads = []workload{
	{namespace: "shop", name: "cart", replicas: 6, cpu: "500m", memory: "1Gi", homes: []string{"w1", "w8", "w3"}, evenly: true},
	{namespace: "shop", name: "web", replicas: 3, cpu: "500m", memory: "1Gi", homes: []string{"w1", "w3", "w7"}, apart: true},
	{
		namespace: "shop", name: "checkout", replicas: 3, cpu: "500m", memory: "1Gi", homes: []string{"w1", "w4", "w7"}, apart: true,
		priority: businessCritical, labels: map[string]string{"tier": "critical"},
	},
	{namespace: "shop", name: "recommend", replicas: 3, cpu: "1", memory: "3Gi", homes: []string{"w3", "w6", "w9"}, apart: true},
	{
		namespace: "payments", name: "api", replicas: 4, cpu: "500m", memory: "1Gi", homes: []string{"w4", "w6", "w8", "w9"}, apart: true,
		priority: businessCritical,
	},
	{
		namespace: "payments", name: "ledger", replicas: 3, cpu: "2", memory: "6Gi", homes: []string{"w5", "w7", "w9"}, apart: true,
		stateful: true, volume: "50Gi", grace: 120,
		pace: map[string]string{"kanrin.dev/simulated-start": "6s", "kanrin.dev/simulated-stop": "5s"},
	},
	{
		namespace: "data", name: "search", replicas: 3, cpu: "1", memory: "4Gi", homes: []string{"w1", "w4", "w7"}, apart: true,
		stateful: true, cache: "cache",
	},
	{namespace: "data", name: "etl", replicas: 1, cpu: "1500m", memory: "4Gi", homes: []string{"w4"}},
	{namespace: "dev", name: "api", replicas: 3, cpu: "500m", memory: "512Mi", homes: []string{"w1", "w3", "w6"}, apart: true},
	{
		namespace: metav1.NamespaceSystem, name: "coredns", replicas: 2, cpu: "100m", memory: "128Mi", homes: []string{"w4", "w6"}, apart: true,
		priority: "system-cluster-critical",
	},
	{namespace: "monitoring", name: "grafana", replicas: 1, cpu: "250m", memory: "256Mi", homes: []string{"w6"}},
	{namespace: "monitoring", name: "alertmanager", replicas: 2, cpu: "100m", memory: "128Mi", homes: []string{"w4", "w9"}, apart: true, stateful: true},
}

// filler makes zone b nearly full: 4 + 3 + 3 of its pods are what fits there.
var filler = workload{namespace: "data", name: "ingest", replicas: 10, cpu: "1700m", memory: "4Gi", zone: "b"}

func (w workload) selector() map[string]string { return map[string]string{"app": w.name} }

func (w workload) template() corev1.PodTemplateSpec {
	spec := podSpec(container("main", "registry.demo/"+w.namespace+"/"+w.name+":1.4.2", w.cpu, w.memory))
	spec.PriorityClassName = w.priority
	if w.grace > 0 {
		spec.TerminationGracePeriodSeconds = &w.grace
	}
	prefers(&spec, corev1.LabelHostname, w.homes...)
	if w.zone != "" {
		prefers(&spec, corev1.LabelTopologyZone, w.zone)
	}
	if w.apart {
		keepsApart(&spec, w.selector())
	}
	if w.evenly {
		spreads(&spec, corev1.LabelTopologyZone, 1, w.selector())
	} else {
		spreads(&spec, corev1.LabelHostname, 100, w.selector())
	}
	if w.cache != "" {
		spec.Volumes = []corev1.Volume{{Name: w.cache, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: w.cache, MountPath: "/var/cache/" + w.name}}
	}
	if w.volume != "" {
		spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
	}
	labels := w.selector()
	maps.Copy(labels, w.labels)
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: w.pace}, Spec: spec}
}

func (w workload) object() client.Object {
	meta := metav1.ObjectMeta{Namespace: w.namespace, Name: w.name, Labels: w.selector()}
	selector := &metav1.LabelSelector{MatchLabels: w.selector()}
	if !w.stateful {
		return &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: &w.replicas, Selector: selector, Template: w.template()}}
	}
	s := &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{
		Replicas: &w.replicas, Selector: selector, Template: w.template(), ServiceName: w.name, PodManagementPolicy: appsv1.ParallelPodManagement,
	}}
	if w.volume != "" {
		s.Spec.VolumeClaimTemplates = []corev1.PersistentVolumeClaim{{
			ObjectMeta: metav1.ObjectMeta{Name: "data"},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				StorageClassName: new(storageClass),
				Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(w.volume)}},
			},
		}}
	}
	return s
}

// daemonSet runs on every node, control planes too.
func daemonSet(namespace, name, priority string) client.Object {
	labels := map[string]string{"app": name}
	spec := podSpec(container("main", "registry.demo/"+name+":1.9.0", "100m", "128Mi"))
	spec.HostNetwork = true
	spec.PriorityClassName = priority
	spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	return &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec},
		},
	}
}

// unmanagedPod is one that somebody started by hand.
func unmanagedPod() client.Object {
	spec := podSpec(container("import", "registry.demo/batch/import:0.3.1", "250m", "512Mi"))
	prefers(&spec, corev1.LabelHostname, "w8")
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "batch", Name: "adhoc-import", Labels: map[string]string{"run": "adhoc-import"}}, Spec: spec}
}

func jobTemplate(name string, homes ...string) batchv1.JobSpec {
	spec := podSpec(container("main", "registry.demo/batch/"+name+":2.0.0", "500m", "512Mi"))
	spec.RestartPolicy = corev1.RestartPolicyNever
	prefers(&spec, corev1.LabelHostname, homes...)
	return batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: spec}}
}

// job has finished soon after the start; its pod stays.
func job() client.Object {
	return &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "batch", Name: "nightly-report"}, Spec: jobTemplate("nightly-report", "w3")}
}

func cronJob() client.Object {
	return &batchv1.CronJob{
		ObjectMeta: metav1.ObjectMeta{Namespace: "batch", Name: "cleanup"},
		Spec: batchv1.CronJobSpec{
			Schedule: "15 3 * * *", ConcurrencyPolicy: batchv1.ForbidConcurrent, SuccessfulJobsHistoryLimit: new(int32(1)),
			JobTemplate: batchv1.JobTemplateSpec{Spec: jobTemplate("cleanup")},
		},
	}
}
