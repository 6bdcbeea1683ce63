package hosts_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/hosts/hoststest"
)

// TestBenchFacts: the facts of 50 machines at the keeper's concurrency, each with an sshd of its own, and again with 5 among them that
// accept connections and never answer. All run on this one machine, so that its processors are what is short.
func TestBenchFacts(t *testing.T) {
	if os.Getenv("KANRIN_BENCH") == "" {
		t.Skip("set KANRIN_BENCH=1")
	}
	const machines, concurrency, limit = 50, 16, 15 * time.Second
	key := hoststest.NewKey(t)
	var objects []client.Object
	for i := range machines {
		s := hoststest.Start(t, hoststest.Options{Address: fmt.Sprintf("127.0.1.%d", i+1), Key: key})
		h, secret := s.Objects(cluster, fmt.Sprintf("m%02d", i))
		objects = append(objects, h, secret)
	}
	for _, silent := range []int{0, 5} {
		for i := range silent {
			h := objects[2*i*10].(*v1alpha1.Host) // every tenth
			h.Spec.Port = int32(listener(t, h.Spec.Address))
		}
		for run := range 3 {
			p, _ := pool(t, hosts.Limits{}, objects...)
			answered, took := gather(t, p, concurrency)
			t.Logf("%d machines, %d of them silent, run %d: %d answered, %v", machines, silent, run+1, answered, took.Round(time.Millisecond))
			if answered != machines-silent {
				t.Errorf("%d of %d answered", answered, machines-silent)
			}
			// A silent machine takes 10 s, and the last one may be looked at last.
			if most := limit + time.Duration(min(silent, 1))*10*time.Second; took > most {
				t.Errorf("it took %v, more than %v", took, most)
			}
			if run == 0 && silent == 0 {
				_, took = gather(t, p, concurrency)
				t.Logf("again, over the connections that are open: %v", took.Round(time.Millisecond))
			}
			p.Close()
		}
	}
}

func gather(t *testing.T, p *hosts.Pool, concurrency int) (answered int, took time.Duration) {
	t.Helper()
	list, err := p.Hosts(t.Context(), cluster)
	must(t, err)
	began := time.Now()
	var all sync.WaitGroup
	var mu sync.Mutex
	slots := make(chan struct{}, concurrency)
	for _, h := range list {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			m, err := p.Machine(context.Background(), cluster, h.Name)
			if err == nil {
				_, err = m.Facts(context.Background())
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				answered++
			} else if hosts.StateOf(err) != v1alpha1.HostNoAnswer {
				t.Errorf("%s: %v", h.Name, err)
			}
		})
	}
	all.Wait()
	return answered, time.Since(began)
}
