package inventory

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/lang"
)

func TestWorkloadStates(t *testing.T) {
	three, yes := int32(3), true
	deploy := func(s appsv1.DeploymentStatus) inventory.Workload {
		s.ObservedGeneration++ // 1 unless the case says −1
		return deployment(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Generation: 1}, Spec: appsv1.DeploymentSpec{Replicas: &three}, Status: s})
	}
	condition := func(t appsv1.DeploymentConditionType, s corev1.ConditionStatus, reason string) []appsv1.DeploymentCondition {
		return []appsv1.DeploymentCondition{{Type: t, Status: s, Reason: reason}}
	}
	jobOf := func(spec batchv1.JobSpec, conditions ...batchv1.JobCondition) inventory.Workload {
		return job(&batchv1.Job{Spec: spec, Status: batchv1.JobStatus{Conditions: conditions, Succeeded: 1}})
	}
	for name, test := range map[string]struct {
		got    inventory.Workload
		state  string
		reason string
	}{
		"all ready":       {deploy(appsv1.DeploymentStatus{Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: 3}), healthy, ""},
		"one missing":     {deploy(appsv1.DeploymentStatus{Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: 2}), degraded, reasonNotReady},
		"new template":    {deploy(appsv1.DeploymentStatus{Replicas: 4, UpdatedReplicas: 1, ReadyReplicas: 3}), progressing, reasonRollout},
		"old pods left":   {deploy(appsv1.DeploymentStatus{Replicas: 4, UpdatedReplicas: 3, ReadyReplicas: 3}), progressing, reasonRollout},
		"not looked at":   {deploy(appsv1.DeploymentStatus{ObservedGeneration: -1}), progressing, reasonNotObserved},
		"past deadline":   {deploy(appsv1.DeploymentStatus{Replicas: 4, UpdatedReplicas: 1, ReadyReplicas: 3, Conditions: condition(appsv1.DeploymentProgressing, corev1.ConditionFalse, "ProgressDeadlineExceeded")}), degraded, reasonStuck},
		"quota":           {deploy(appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 2, Conditions: condition(appsv1.DeploymentReplicaFailure, corev1.ConditionTrue, "FailedCreate")}), degraded, reasonRefused},
		"scaled to none":  {deployment(&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: new(int32)}}), healthy, ""},
		"revisions":       {statefulSet(&appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Replicas: &three}, Status: appsv1.StatefulSetStatus{ReadyReplicas: 3, CurrentRevision: "1", UpdateRevision: "2"}}), progressing, reasonRollout},
		"on delete":       {statefulSet(&appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Replicas: &three, UpdateStrategy: appsv1.StatefulSetUpdateStrategy{Type: appsv1.OnDeleteStatefulSetStrategyType}}, Status: appsv1.StatefulSetStatus{ReadyReplicas: 3, CurrentRevision: "1", UpdateRevision: "2"}}), healthy, ""},
		"daemons":         {daemonSet(&appsv1.DaemonSet{Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 3, NumberReady: 3, UpdatedNumberScheduled: 3}}), healthy, ""},
		"daemon missing":  {daemonSet(&appsv1.DaemonSet{Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 3, NumberReady: 2, UpdatedNumberScheduled: 3}}), degraded, reasonNotReady},
		"daemon rollout":  {daemonSet(&appsv1.DaemonSet{Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 3, NumberReady: 3, UpdatedNumberScheduled: 1}}), progressing, reasonRollout},
		"job":             {jobOf(batchv1.JobSpec{Completions: &three}), progressing, reasonRunning},
		"job suspended":   {jobOf(batchv1.JobSpec{Suspend: &yes}), progressing, reasonSuspended},
		"job complete":    {jobOf(batchv1.JobSpec{}, batchv1.JobCondition{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}), done, ""},
		"job failed":      {jobOf(batchv1.JobSpec{}, batchv1.JobCondition{Type: batchv1.JobFailed, Status: corev1.ConditionTrue}), degraded, reasonFailed},
		"job not failed":  {jobOf(batchv1.JobSpec{}, batchv1.JobCondition{Type: batchv1.JobFailed, Status: corev1.ConditionFalse}), progressing, reasonRunning},
		"cron":            {cronJob(&batchv1.CronJob{}), healthy, ""},
		"cron suspended":  {cronJob(&batchv1.CronJob{Spec: batchv1.CronJobSpec{Suspend: &yes}}), healthy, reasonSuspended},
		"its marks shown": {row("Deployment", &metav1.ObjectMeta{Annotations: map[string]string{markSurgedBy: "prod/drain-1"}}, nil), "", ""},
	} {
		if test.got.State != test.state || test.got.Reason != test.reason {
			t.Errorf("%s: %s %s, want %s %s", name, test.got.State, test.got.Reason, test.state, test.reason)
		}
		if test.reason != "" && (!lang.English.Has("workload."+test.reason) || !lang.Japanese.Has("workload."+test.reason)) {
			t.Errorf("%s: no sentence for %s", name, test.reason)
		}
	}
	if w := row("Deployment", &metav1.ObjectMeta{Annotations: map[string]string{markSurgedBy: "prod/drain-1"}}, nil); w.SurgedBy != "prod/drain-1" {
		t.Errorf("surged by %q", w.SurgedBy)
	}
}
