package fleettest

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// podSpec is a template as teams write them: an application with a sidecar, probes, configuration and spreading.
func podSpec(name, namespace string) corev1.PodSpec {
	grace := int64(30)
	always := corev1.ContainerRestartPolicyAlways
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(8080)}}, PeriodSeconds: 10}
	env := []corev1.EnvVar{{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}}}
	for i := range 12 {
		env = append(env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%d", i), Value: fmt.Sprintf("https://service-%d.%s.svc.cluster.local:8443/path", i, namespace)})
	}
	return corev1.PodSpec{
		ServiceAccountName: "default", TerminationGracePeriodSeconds: &grace,
		InitContainers: []corev1.Container{{
			Name: "proxy", Image: "registry.example/platform/proxy:2.11.0", RestartPolicy: &always,
			Resources: requests("50m", "64Mi"),
		}},
		Containers: []corev1.Container{{
			Name: "app", Image: "registry.example/" + namespace + "/" + name + ":1.4.2", Command: []string{"/bin/app"}, Args: []string{"--config=/etc/app/config.yaml", "--log-format=json"},
			Env: env, Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}, {Name: "metrics", ContainerPort: 9090}},
			LivenessProbe: probe, ReadinessProbe: probe, Resources: requests("100m", "256Mi"),
			VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/etc/app"}, {Name: "cache", MountPath: "/var/cache/app"}},
		}},
		Volumes: []corev1.Volume{
			{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}}},
			{Name: "cache", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		},
		Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{
			Weight: 100, PodAffinityTerm: corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/name": name}}},
		}}}},
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/name": name}},
		}},
		Tolerations: []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpEqual, Value: "apps", Effect: corev1.TaintEffectNoSchedule}},
	}
}

func requests(cpu, memory string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)},
	}
}

// running is the status that a kubelet writes.
func running(p *corev1.Pod, n int) corev1.PodStatus {
	at := metav1.NewTime(time.Now().Add(-time.Duration(n) * time.Second).Truncate(time.Second))
	yes := true
	ip := fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)
	status := corev1.PodStatus{
		Phase: corev1.PodRunning, QOSClass: corev1.PodQOSBurstable, HostIP: "10.0.0.1", PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}}, StartTime: &at,
		ContainerStatuses: []corev1.ContainerStatus{container(p.Spec.Containers[0], n, at, &yes)},
	}
	status.InitContainerStatuses = []corev1.ContainerStatus{container(p.Spec.InitContainers[0], n, at, &yes)}
	for _, t := range []corev1.PodConditionType{"PodReadyToStartContainers", corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: t, Status: corev1.ConditionTrue, LastTransitionTime: at})
	}
	return status
}

func container(c corev1.Container, n int, at metav1.Time, started *bool) corev1.ContainerStatus {
	restarts := int32(0)
	if n%50 == 0 {
		restarts = int32(n % 7)
	}
	return corev1.ContainerStatus{
		Name: c.Name, Ready: true, Started: started, RestartCount: restarts, Image: c.Image,
		ImageID:     fmt.Sprintf("registry.example/app@sha256:%064x", n),
		ContainerID: fmt.Sprintf("containerd://%064x", n), State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}},
		AllocatedResources: c.Resources.Requests, Resources: &c.Resources,
	}
}
