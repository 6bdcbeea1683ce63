package simulate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
)

// orderName is the name of the plugin below.
const orderName = "StableOrder"

// stableOrder makes the choice between nodes of equal score the same in every
// run. The scheduler prefers the one that its workers happened to find feasible
// first; this plugin, which scores nothing, sorts them before they are scored.
type stableOrder struct{}

var (
	_ fwk.PreScorePlugin = stableOrder{}
	_ fwk.SignPlugin     = stableOrder{}
)

func (stableOrder) Name() string { return orderName }

func (stableOrder) PreScore(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, nodes []fwk.NodeInfo) *fwk.Status {
	// In place: the scheduler scores the same slice afterwards.
	slices.SortFunc(nodes, func(a, b fwk.NodeInfo) int { return strings.Compare(a.Node().Name, b.Node().Name) })
	return nil
}

// SignPod says that this plugin treats all pods alike; a plugin that does not
// sign turns off the batching of similar pods.
func (stableOrder) SignPod(context.Context, *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return nil, nil
}

// profiles returns the default profile of kube-scheduler with stableOrder added,
// and the registry that knows it.
func profiles() ([]config.KubeSchedulerProfile, frameworkruntime.Registry, error) {
	var defaults configv1.KubeSchedulerConfiguration
	scheme.Scheme.Default(&defaults)
	var c config.KubeSchedulerConfiguration
	if err := scheme.Scheme.Convert(&defaults, &c, nil); err != nil {
		return nil, nil, fmt.Errorf("reading the scheduler's default configuration: %w", err)
	}
	for i := range c.Profiles {
		p := &c.Profiles[i].Plugins.PreScore
		p.Enabled = append(p.Enabled, config.Plugin{Name: orderName})
	}
	return c.Profiles, frameworkruntime.Registry{
		orderName: func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return stableOrder{}, nil },
	}, nil
}
