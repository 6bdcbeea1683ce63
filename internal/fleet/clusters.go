package fleet

import (
	"context"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// watchClusters follows the Cluster objects until the context ends.
func (f *Fleet) watchClusters(ctx context.Context) {
	silent := logr.Discard()
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list := &v1alpha1.ClusterList{}
			return list, f.management.List(ctx, list, &client.ListOptions{Raw: &o})
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return f.management.Watch(ctx, &v1alpha1.ClusterList{}, &client.ListOptions{Raw: &o})
		},
	}
	cache.NewReflectorWithOptions(lw, &v1alpha1.Cluster{}, clusterStore{f}, cache.ReflectorOptions{
		Name: "clusters", Logger: &silent,
		Backoff: &wait.Backoff{Duration: 200 * time.Millisecond, Cap: 3 * time.Second, Steps: 10, Factor: 2, Jitter: 0.5},
	}).RunWithContext(klog.NewContext(ctx, silent))
}

// clusterStore turns what the watch delivers into keepers.
type clusterStore struct{ fleet *Fleet }

func (s clusterStore) Add(o any) error { return s.Update(o) }

func (s clusterStore) Update(o any) error {
	if c, ok := o.(*v1alpha1.Cluster); ok {
		s.fleet.keep(c)
	}
	return nil
}

func (s clusterStore) Delete(o any) error {
	if m, ok := o.(metav1.Object); ok && m.GetNamespace() == m.GetName() {
		s.fleet.drop(m.GetName())
	}
	return nil
}

func (s clusterStore) Replace(list []any, _ string) error {
	present := map[string]bool{}
	for _, o := range list {
		if c, ok := o.(*v1alpha1.Cluster); ok {
			present[c.Name] = true
			s.fleet.keep(c)
		}
	}
	for _, k := range s.fleet.all() {
		if !present[k.name] {
			s.fleet.drop(k.name)
		}
	}
	s.fleet.once.Do(func() { close(s.fleet.listed) })
	return nil
}

func (s clusterStore) Resync() error { return nil }
