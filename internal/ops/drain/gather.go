package drain

import (
	"context"
	"sort"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/plan"
)

var everything = labels.Everything()

const labelControlPlane = "node-role.kubernetes.io/control-plane"

// Gather reads the facts of a drain from the cluster's cache. A node that does not exist refuses the request.
func Gather(ctx context.Context, c *fleet.Connection, o Options) (*Facts, error) {
	f := &Facts{Cluster: c.Name, Timing: Timing{Start: map[string]int64{}}, Engaged: map[string]string{}}
	all, err := c.Nodes().List(everything)
	if err != nil {
		return nil, err
	}
	byName := map[string]*corev1.Node{}
	target := map[string]bool{}
	for _, n := range o.Nodes {
		target[n] = true
	}
	for _, n := range all {
		byName[n.Name] = n
		if _, cp := n.Labels[labelControlPlane]; cp {
			f.Size.ControlPlanes++
			if !target[n.Name] && (n.Spec.Unschedulable || !nodeReady(n)) {
				f.Size.ControlPlanesOut++
			}
		}
	}
	f.Size.Nodes, f.Size.Pods = len(all), c.Pods().Len()
	for _, name := range o.Nodes {
		n := byName[name]
		if n == nil {
			return nil, plan.Refuse(v1alpha1.ReasonNotFound, "NodeUnknown", name, "cluster", c.Name)
		}
		_, cp := n.Labels[labelControlPlane]
		f.Nodes = append(f.Nodes, Node{
			Name: n.Name, UID: string(n.UID), Unschedulable: n.Spec.Unschedulable, CordonedBy: n.Annotations[MarkCordonedBy],
			Ready: nodeReady(n), Zone: n.Labels[corev1.LabelTopologyZone], ControlPlane: cp,
		})
	}
	g := &gatherer{c: c, f: f, budgets: map[string][]disruption.Budget{}, used: map[string]disruption.Budget{}, workloads: map[string]bool{}}
	for _, n := range f.Nodes {
		for _, p := range c.Pods().ByNode(n.Name) {
			if err := g.pod(p); err != nil {
				return nil, err
			}
		}
	}
	sort.Slice(f.Pods, func(i, j int) bool { return f.Pods[i].Key() < f.Pods[j].Key() })
	for _, name := range sortedKeys(g.used) {
		f.Budgets = append(f.Budgets, g.used[name])
	}
	if err := g.describe(ctx, o); err != nil {
		return nil, err
	}
	return f, nil
}

type gatherer struct {
	c         *fleet.Connection
	f         *Facts
	budgets   map[string][]disruption.Budget // by namespace
	used      map[string]disruption.Budget   // by name
	workloads map[string]bool
}

func (g *gatherer) pod(p *corev1.Pod) error {
	fact := Pod{
		Namespace: p.Namespace, Name: p.Name, UID: string(p.UID), Node: p.Spec.NodeName, Class: disruption.ClassOf(p),
		Pending: p.Status.Phase == corev1.PodPending, Ready: disruption.Ready(p), Workload: workloadOf(g.c, p),
		LocalData: disruption.LocalData(p), HostPaths: disruption.HostPaths(p),
		GraceSeconds: ptr.Deref(p.Spec.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds),
	}
	if o := metav1.GetControllerOfNoCopy(p); o != nil {
		fact.Controller = string(o.UID)
	}
	if fact.Class == disruption.DaemonSet {
		// A pod whose DaemonSet is gone is nobody's any more (its controller does not bring it back).
		if _, err := g.c.DaemonSets().DaemonSets(p.Namespace).Get(metav1.GetControllerOfNoCopy(p).Name); apierrors.IsNotFound(err) {
			fact.Class, fact.Controller, fact.Workload = disruption.Unmanaged, "", ""
		}
	}
	if fact.Class == disruption.Evictable || fact.Class == disruption.Unmanaged {
		list, err := g.budgetsOf(p.Namespace)
		if err != nil {
			return err
		}
		for _, b := range disruption.Covering(p, list) {
			fact.Budgets = append(fact.Budgets, b.Name)
			g.used[b.Name] = b
		}
		for _, claim := range disruption.Claims(p) {
			fact.Volumes = append(fact.Volumes, g.volume(p.Namespace, claim))
		}
		if fact.Workload != "" {
			g.workloads[fact.Workload] = true
		}
	}
	g.f.Pods = append(g.f.Pods, fact)
	return nil
}

func (g *gatherer) budgetsOf(namespace string) ([]disruption.Budget, error) {
	if b, ok := g.budgets[namespace]; ok {
		return b, nil
	}
	list, err := g.c.Budgets().PodDisruptionBudgets(namespace).List(everything)
	if err != nil {
		return nil, err
	}
	out := make([]disruption.Budget, 0, len(list))
	for _, p := range list {
		out = append(out, disruption.NewBudget(p))
	}
	g.budgets[namespace] = out
	return out, nil
}

func (g *gatherer) volume(namespace, claim string) Volume {
	v := Volume{Claim: claim}
	pvc, err := g.c.Claims().PersistentVolumeClaims(namespace).Get(claim)
	if err != nil || pvc.Spec.VolumeName == "" {
		return v // not bound, so bound to nothing
	}
	if pv, err := g.c.Volumes().Get(pvc.Spec.VolumeName); err == nil {
		v.Zones, v.Nodes = zonesOf(pv)
	}
	return v
}

// describe adds the workloads of the pods, and who else scales those that are to be surged.
func (g *gatherer) describe(ctx context.Context, o Options) error {
	for _, key := range sortedKeys(g.workloads) {
		w := Workload{Key: key, Replicas: -1}
		if s, ok := findScalable(g.c, key); ok {
			w.Replicas, w.Scalable, w.SurgedBy = s.replicas, true, s.annotations[MarkSurgedBy]
			var pods []*corev1.Pod
			for _, uid := range s.uids {
				pods = append(pods, g.c.Pods().ByOwner(uid)...)
			}
			if ms := startMillis(pods); ms > 0 {
				g.f.Timing.Start[key] = ms
			}
		}
		for _, p := range g.f.Pods {
			if p.Workload == key {
				w.Sample = p.Name
				break
			}
		}
		if o.Surge[workloadName(key)] && w.Scalable {
			hpa, err := g.autoscaler(ctx, key)
			if err != nil {
				return err
			}
			w.Autoscaled = hpa
		}
		g.f.Workloads = append(g.f.Workloads, w)
	}
	return nil
}

// autoscaler names the HorizontalPodAutoscaler of a workload. It is asked live: a surge is rare, and the cache need not hold them for it.
func (g *gatherer) autoscaler(ctx context.Context, key string) (string, error) {
	list, err := g.c.Client.AutoscalingV2().HorizontalPodAutoscalers(namespaceOf(key)).List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return "", nil // not served, or not ours to see: the surge itself will show it
	}
	if err != nil {
		return "", plan.Fail("ClusterUnreachable", g.c.Name, err)
	}
	for _, h := range list.Items {
		if h.Spec.ScaleTargetRef.Kind == kindOf(key) && h.Namespace+"/"+h.Spec.ScaleTargetRef.Name == workloadName(key) {
			return "HorizontalPodAutoscaler " + h.Name, nil
		}
	}
	return "", nil
}

func nodeReady(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// history reads how long things took in earlier drains of the cluster.
func history(ops []v1alpha1.Operation) (gone, ready int64) {
	var g, r []int64
	for _, op := range ops {
		if op.Status.Report == nil || op.Spec.Type != v1alpha1.OperationDrain {
			continue
		}
		if v := op.Status.Report.Measures[MeasureGone]; v > 0 {
			g = append(g, v)
		}
		if v := op.Status.Report.Measures[MeasureReady]; v > 0 {
			r = append(r, v)
		}
	}
	return median(g), median(r)
}

// OptionsOf reads the request.
func OptionsOf(spec *v1alpha1.DrainSpec) Options {
	o := Options{Nodes: unique(spec.Nodes), Wait: spec.Wait, Surge: map[string]bool{}, Delete: map[string]bool{}, Grace: spec.GracePeriodSeconds, Timeout: spec.TimeoutSeconds}
	for _, s := range spec.Surge {
		o.Surge[s] = true
	}
	for _, d := range spec.Delete {
		o.Delete[d] = true
	}
	return o
}

func unique(in []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range in {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
