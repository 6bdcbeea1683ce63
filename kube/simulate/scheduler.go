package simulate

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/framework/parallelize"
	"k8s.io/utils/ptr"

	"kanrin.dev/kanrin/kube/snapshot"
)

// rig is a running scheduler on a cluster in memory.
type rig struct {
	cluster   *cluster
	scheduler *scheduler.Scheduler
	informers *informerSet
	turnstile *turnstile
	stop      context.CancelFunc
	running   sync.WaitGroup
}

// startRig starts the scheduler, held back by its turnstile. Call close.
func startRig(ctx context.Context, c *cluster) (*rig, error) {
	ctx, stop := context.WithCancel(ctx)
	r := &rig{cluster: c, stop: stop}
	client := newClient(c)
	r.informers = newInformerSet(c.store, client, func() {
		if r.turnstile != nil {
			r.turnstile.wake()
		}
		c.notify()
	})
	profiles, registry, err := profiles()
	if err != nil {
		stop()
		return nil, err
	}
	recorder := &recorder{cluster: c}
	r.scheduler, err = scheduler.New(ctx, client, r.informers.factory, nil,
		func(string) events.EventRecorderLogger { return recorder },
		scheduler.WithProfiles(profiles...),
		scheduler.WithFrameworkOutOfTreeRegistry(registry),
		scheduler.WithParallelism(int32(min(runtime.GOMAXPROCS(0), parallelize.DefaultParallelism))),
		// The default stops at a share of a large cluster's nodes, beginning where
		// its last search ended, which is a matter of chance in the real cluster.
		// Scoring all gives the best answer, and the same one every time.
		scheduler.WithPercentageOfNodesToScore(ptr.To[int32](100)),
	)
	if err != nil {
		stop()
		return nil, fmt.Errorf("setting up the scheduler: %w", err)
	}
	r.turnstile = newTurnstile(r.scheduler.SchedulingQueue)
	r.scheduler.NextPod = r.turnstile.pop

	r.informers.factory.StartWithContext(ctx)
	r.running.Go(func() { r.scheduler.Run(ctx) })
	return r, nil
}

// close stops the scheduler and waits for it.
func (r *rig) close() {
	r.turnstile.close()
	r.stop()
	r.cluster.store.close()
	r.running.Wait()
	r.informers.factory.Shutdown()
}

// recorder drops events, except that it learns from them for whom a pod was
// preempted.
type recorder struct{ cluster *cluster }

func (r *recorder) WithLogger(klog.Logger) events.EventRecorderLogger { return r }

func (r *recorder) Eventf(regarding, related apiruntime.Object, _, reason, _, _ string, _ ...any) {
	victim, ok := regarding.(*corev1.Pod)
	if !ok || reason != "Preempted" {
		return
	}
	by := ""
	if o, ok := related.(metav1.Object); ok {
		by = snapshot.Key(o.GetNamespace(), o.GetName())
	}
	r.cluster.reportPreemption(victim.UID, by)
}
