package inventory

import (
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/fleet"
)

// States of a workload, and the reasons for not being healthy. Texts: workload.<reason> of the catalogue.
const (
	healthy     = "Healthy"
	progressing = "Progressing"
	degraded    = "Degraded"
	done        = "Finished"

	reasonNotObserved = "NotObserved"      // its controller has not looked at the newest version yet
	reasonRollout     = "RollingOut"       // pods of the newest template replace older ones
	reasonNotReady    = "ReplicasNotReady" // fewer ready than wanted
	reasonStuck       = "RolloutStuck"     // progressDeadlineSeconds has passed
	reasonRefused     = "PodsRefused"      // pods cannot be created
	reasonFailed      = "JobFailed"
	reasonRunning     = "JobRunning"
	reasonSuspended   = "Suspended"
	reasonPodPending  = "PodPending"
)

// markSurgedBy is the mark of the operation that has scaled a workload up for as long as it runs.
const markSurgedBy = "kanrin.dev/surged-by"

// controllers makes a row of every controller that is not owned by another one that is listed.
func controllers(conn *fleet.Connection, put func(inventory.Workload)) {
	// Listers over a cache do not fail.
	deployments, _ := conn.Deployments().List(everything)
	for _, d := range deployments {
		put(deployment(d))
	}
	sets, _ := conn.StatefulSets().List(everything)
	for _, s := range sets {
		put(statefulSet(s))
	}
	daemons, _ := conn.DaemonSets().List(everything)
	for _, d := range daemons {
		put(daemonSet(d))
	}
	jobs, _ := conn.Jobs().List(everything)
	for _, j := range jobs {
		if metav1.GetControllerOfNoCopy(j) == nil {
			put(job(j))
		}
	}
	crons, _ := conn.CronJobs().List(everything)
	for _, c := range crons {
		put(cronJob(c))
	}
	replicas, _ := conn.ReplicaSets().List(everything)
	for _, r := range replicas {
		if metav1.GetControllerOfNoCopy(r) == nil {
			w := row("ReplicaSet", r, &r.Spec.Template)
			w.Desired, w.Ready = wanted(r.Spec.Replicas), r.Status.ReadyReplicas
			put(counted(w, r.Status.ObservedGeneration < r.Generation))
		}
	}
	old, _ := conn.ReplicationControllers().List(everything)
	for _, r := range old {
		w := row("ReplicationController", r, r.Spec.Template)
		w.Desired, w.Ready = wanted(r.Spec.Replicas), r.Status.ReadyReplicas
		put(counted(w, r.Status.ObservedGeneration < r.Generation))
	}
}

func row(kind string, o metav1.Object, t *corev1.PodTemplateSpec) inventory.Workload {
	w := inventory.Workload{
		Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName(), UID: string(o.GetUID()), Created: o.GetCreationTimestamp().Time,
		SurgedBy: o.GetAnnotations()[markSurgedBy],
	}
	if t != nil {
		w.Images, w.Priority = imagesOf(&t.Spec), t.Spec.PriorityClassName
	}
	return w
}

func wanted(replicas *int32) int32 {
	if replicas == nil {
		return 1
	}
	return *replicas
}

// counted sets the state by what is ready of what is wanted.
func counted(w inventory.Workload, unobserved bool) inventory.Workload {
	switch {
	case unobserved:
		w.State, w.Reason = progressing, reasonNotObserved
	case w.Ready < w.Desired:
		w.State, w.Reason = degraded, reasonNotReady
	default:
		w.State = healthy
	}
	return w
}

func deployment(d *appsv1.Deployment) inventory.Workload {
	w := row("Deployment", d, &d.Spec.Template)
	w.Desired, w.Ready = wanted(d.Spec.Replicas), d.Status.ReadyReplicas
	w = counted(w, d.Status.ObservedGeneration < d.Generation)
	if w.Reason == reasonNotObserved {
		return w
	}
	if d.Status.UpdatedReplicas < w.Desired || d.Status.Replicas > d.Status.UpdatedReplicas {
		w.State, w.Reason = progressing, reasonRollout
	}
	for _, c := range d.Status.Conditions {
		switch {
		case c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue:
			w.State, w.Reason = degraded, reasonRefused
			return w
		case c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse && c.Reason == "ProgressDeadlineExceeded":
			w.State, w.Reason = degraded, reasonStuck
		}
	}
	return w
}

func statefulSet(s *appsv1.StatefulSet) inventory.Workload {
	w := row("StatefulSet", s, &s.Spec.Template)
	w.Desired, w.Ready = wanted(s.Spec.Replicas), s.Status.ReadyReplicas
	w = counted(w, s.Status.ObservedGeneration < s.Generation)
	if w.State != progressing && s.Status.UpdateRevision != s.Status.CurrentRevision && s.Spec.UpdateStrategy.Type != appsv1.OnDeleteStatefulSetStrategyType {
		w.State, w.Reason = progressing, reasonRollout
	}
	return w
}

func daemonSet(d *appsv1.DaemonSet) inventory.Workload {
	w := row("DaemonSet", d, &d.Spec.Template)
	w.Desired, w.Ready = d.Status.DesiredNumberScheduled, d.Status.NumberReady
	w = counted(w, d.Status.ObservedGeneration < d.Generation)
	if w.State != progressing && d.Status.UpdatedNumberScheduled < w.Desired && d.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType {
		w.State, w.Reason = progressing, reasonRollout
	}
	return w
}

func job(j *batchv1.Job) inventory.Workload {
	w := row("Job", j, &j.Spec.Template)
	w.Desired, w.Ready = wanted(j.Spec.Completions), j.Status.Succeeded
	w.State, w.Reason = progressing, reasonRunning
	if j.Spec.Suspend != nil && *j.Spec.Suspend {
		w.Reason = reasonSuspended
	}
	for _, c := range j.Status.Conditions {
		switch {
		case c.Status != corev1.ConditionTrue:
		case c.Type == batchv1.JobComplete:
			w.State, w.Reason = done, ""
		case c.Type == batchv1.JobFailed:
			w.State, w.Reason = degraded, reasonFailed
		}
	}
	return w
}

func cronJob(c *batchv1.CronJob) inventory.Workload {
	w := row("CronJob", c, &c.Spec.JobTemplate.Spec.Template)
	w.State = healthy
	w.Ready, w.Desired = int32(len(c.Status.Active)), int32(len(c.Status.Active))
	if c.Spec.Suspend != nil && *c.Spec.Suspend {
		w.Reason = reasonSuspended
	}
	return w
}

// fromPods makes the row of a pod without a controller, or of a controller of a kind that is not watched.
func fromPods(key string, g *group) inventory.Workload {
	kind, rest, _ := strings.Cut(key, "/")
	ns, name, _ := strings.Cut(rest, "/")
	first := g.first.Object()
	w := inventory.Workload{Kind: kind, Namespace: ns, Name: name, Ready: g.ready, Desired: g.live, Created: first.CreationTimestamp.Time}
	if kind == "Pod" {
		w.UID = string(first.UID)
	} else {
		w.Created = time.Time{}
		if o := metav1.GetControllerOfNoCopy(first); o != nil && o.Kind == kind {
			w.UID = string(o.UID)
		}
	}
	w = counted(w, false)
	switch {
	case g.live == 0 && kind == "Pod" && first.Status.Phase == corev1.PodFailed:
		w.State, w.Reason = degraded, reasonNotReady
	case g.live == 0:
		w.State, w.Reason = done, ""
	case kind == "Pod" && first.Status.Phase == corev1.PodPending:
		w.State, w.Reason = progressing, reasonPodPending
	case kind == "Pod" && !disruption.Ready(first):
		w.State, w.Reason = degraded, reasonNotReady
	}
	return w
}
