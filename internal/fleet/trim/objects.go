package trim

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Object trims any kind but Pod, in place. Kinds that it does not know lose only their managed fields.
func (p *Pool) Object(o metav1.Object) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if node, ok := o.(*corev1.Node); ok {
		p.node(node) // first: it reads the managed fields
	} else {
		o.SetManagedFields(nil)
	}
	o.SetAnnotations(p.stringMap(keep(o.GetAnnotations(), keptAnnotations...)))
	o.SetLabels(p.stringMap(o.GetLabels()))
	o.SetOwnerReferences(p.owners(o.GetOwnerReferences()))
	o.SetNamespace(p.word(o.GetNamespace()))
	switch o := o.(type) {
	case *appsv1.Deployment:
		p.template(&o.Spec.Template)
		p.selector(o.Spec.Selector)
	case *appsv1.StatefulSet:
		p.template(&o.Spec.Template)
		p.selector(o.Spec.Selector)
		o.Spec.VolumeClaimTemplates = nil
	case *appsv1.DaemonSet:
		p.template(&o.Spec.Template)
		p.selector(o.Spec.Selector)
	case *appsv1.ReplicaSet:
		if metav1.GetControllerOf(o) != nil {
			o.Spec.Template = corev1.PodTemplateSpec{} // its Deployment has it
		} else {
			p.template(&o.Spec.Template)
		}
		o.Status.Conditions = nil
		p.selector(o.Spec.Selector)
	case *corev1.ReplicationController:
		if o.Spec.Template != nil {
			p.template(o.Spec.Template)
		}
	case *batchv1.Job:
		p.template(&o.Spec.Template)
		o.Status.UncountedTerminatedPods = nil
	case *batchv1.CronJob:
		p.template(&o.Spec.JobTemplate.Spec.Template)
	case *corev1.Service:
		o.Spec = corev1.ServiceSpec{Selector: p.stringMap(o.Spec.Selector), Type: o.Spec.Type}
		o.Status = corev1.ServiceStatus{}
	case *storagev1.StorageClass:
		o.Parameters, o.MountOptions = nil, nil
	case *corev1.PersistentVolume:
		o.Spec.MountOptions = nil
	case *corev1.PersistentVolumeClaim:
		o.Status.Conditions = nil
	}
}

// template keeps of a workload's template what its row shows: images and priority.
func (p *Pool) template(t *corev1.PodTemplateSpec) {
	kept := corev1.PodSpec{PriorityClassName: p.word(t.Spec.PriorityClassName)}
	for _, list := range []struct {
		from []corev1.Container
		to   *[]corev1.Container
	}{{t.Spec.InitContainers, &kept.InitContainers}, {t.Spec.Containers, &kept.Containers}} {
		for _, c := range list.from {
			*list.to = append(*list.to, corev1.Container{Name: p.word(c.Name), Image: p.word(c.Image)})
		}
	}
	*t = corev1.PodTemplateSpec{Spec: kept}
}

// selector shares the labels of a selector.
func (p *Pool) selector(s *metav1.LabelSelector) {
	if s != nil {
		s.MatchLabels = p.stringMap(s.MatchLabels)
	}
}

// node keeps the scheduler's view, the conditions without their heartbeats (which say nothing new ten times an hour),
// and of the managed fields the one entry that tells who cordoned it.
func (p *Pool) node(n *corev1.Node) {
	n.ManagedFields = cordonEntry(n)
	n.Status = corev1.NodeStatus{
		Allocatable:      n.Status.Allocatable,
		Conditions:       n.Status.Conditions,
		Addresses:        n.Status.Addresses,
		NodeInfo:         n.Status.NodeInfo,
		Images:           p.images(n.Status.Images),
		DeclaredFeatures: n.Status.DeclaredFeatures,
	}
	i := &n.Status.NodeInfo
	n.Status.NodeInfo = corev1.NodeSystemInfo{
		KubeletVersion: p.word(i.KubeletVersion), OSImage: p.word(i.OSImage), KernelVersion: p.word(i.KernelVersion),
		ContainerRuntimeVersion: p.word(i.ContainerRuntimeVersion), OperatingSystem: p.word(i.OperatingSystem),
		Architecture: p.word(i.Architecture), MachineID: i.MachineID, SystemUUID: i.SystemUUID, BootID: i.BootID,
	}
	for i := range n.Status.Conditions {
		c := &n.Status.Conditions[i]
		*c = corev1.NodeCondition{
			Type: corev1.NodeConditionType(p.word(string(c.Type))), Status: corev1.ConditionStatus(p.word(string(c.Status))),
			LastTransitionTime: c.LastTransitionTime, Reason: p.word(c.Reason), Message: p.word(c.Message),
		}
	}
}

func (p *Pool) images(in []corev1.ContainerImage) []corev1.ContainerImage {
	if len(in) == 0 {
		return nil
	}
	out := make([]corev1.ContainerImage, len(in))
	for i, image := range in {
		names := make([]string, len(image.Names))
		for j, n := range image.Names {
			names[j] = p.word(n)
		}
		out[i] = corev1.ContainerImage{Names: names, SizeBytes: image.SizeBytes}
	}
	return out
}
