package inventory_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	rows "kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/fleettest"
	"kanrin.dev/kanrin/internal/inventory"
	"kanrin.dev/kanrin/internal/kubebin"
	"kanrin.dev/kanrin/internal/rehearse"
)

// watchOnly names a kubeconfig: the test binary then only serves views of that cluster and reports what it needs for it.
const watchOnly = "KANRIN_TEST_WATCH"

// measured is what the serving process reports. Sizes are bytes.
type measured struct {
	Pods                  int
	BaseRSS, RSS, PeakRSS int64
	Heap, Afterwards      int64 // live after a collection, and when the cluster was removed
	SyncedAfter           time.Duration
	Capacity              time.Duration // the loss of each zone, rehearsed
	Pages                 []pageTime
}

// pageTime is how long a page took, and how much of the processors: on a busy machine the one says nothing without the other.
type pageTime struct {
	Query       string
	Total       int
	First, Next time.Duration
	Work        time.Duration
}

// A process that watches pods, serves lists of them and rehearses the loss of zones stays far below the 120 MB that the whole
// of `kanrin up` may need with 10,000 of them, and answers the first page within 200 ms. With KANRIN_BENCH there are 10,000;
// otherwise a tenth, and correspondingly less room.
func TestManyPods(t *testing.T) {
	pods, room := 1_000, int64(60<<20)
	if os.Getenv("KANRIN_BENCH") != "" {
		pods, room = 10_000, 105<<20
	}
	if testing.Short() {
		t.Skip("creates thousands of objects")
	}
	cluster := fleettest.Fill(t, api.Config, fleettest.Size{Nodes: 100, Pods: pods, PerWorkload: 10})
	defer cluster.Empty(t)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, api.Kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServeOnly$")
	cmd.Env = append(os.Environ(), watchOnly+"="+file, "GOGC=50") // as `kanrin up` runs
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Run(); err != nil {
		t.Fatalf("serving: %v\n%s%s", err, out.String(), talk.String())
	}
	var got measured
	_, line, _ := strings.Cut(out.String(), "measured ")
	if err := json.NewDecoder(strings.NewReader(line)).Decode(&got); err != nil {
		t.Fatalf("reading %q: %v", out.String(), err)
	}
	t.Logf("%d pods in %s: RSS %d MB (peak %d MB, before the first connection %d MB), live heap %d MB, %d MB when the cluster is removed",
		got.Pods, got.SyncedAfter.Round(time.Millisecond), got.RSS>>20, got.PeakRSS>>20, got.BaseRSS>>20, got.Heap>>20, got.Afterwards>>20)
	t.Logf("the loss of each of three zones rehearsed in %s", got.Capacity.Round(time.Millisecond))
	for _, p := range got.Pages {
		t.Logf("%-45s %6d rows: first page %s (%s of processor time), next %s", p.Query, p.Total,
			p.First.Round(10*time.Microsecond), p.Work.Round(10*time.Microsecond), p.Next.Round(10*time.Microsecond))
		if min(p.First, p.Work) > 200*time.Millisecond {
			t.Errorf("%s: the first page took %s", p.Query, p.First)
		}
	}
	if got.Pods < pods {
		t.Errorf("%d pods were seen, not %d", got.Pods, pods)
	}
	if got.PeakRSS > room {
		t.Errorf("serving needed %d MB at its peak; at most %d MB are expected", got.PeakRSS>>20, room>>20)
	}
}

// TestServeOnly is the process that is measured.
func TestServeOnly(t *testing.T) {
	file := os.Getenv(watchOnly)
	if file == "" {
		t.Skip("runs as a process of its own, for TestManyPods")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(data)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := kubebin.Find("", "")
	if err != nil {
		t.Fatal(err)
	}
	m := measured{BaseRSS: memory("VmRSS")}
	management := fleettest.Management(t, config)
	var views *inventory.Inventory
	f := fleettest.Start(t, management, fleet.Configuration{Embedded: true}, func(f *fleet.Fleet) {
		views = inventory.New(inventory.Configuration{}, inventory.Dependencies{
			Fleet: f, Management: management, Authorizer: anything{}, Simulator: rehearse.Simulator{Path: binary},
		})
	})
	if err := views.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := views.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	begin := time.Now()
	if _, err := f.Ensure(t.Context(), fleet.Registration{Name: "big", Kubeconfig: data}); err != nil {
		t.Fatal(err)
	}
	conn := fleettest.Connection(t, f, "big")
	fleettest.Synced(t, conn)
	m.SyncedAfter, m.Pods = time.Since(begin), conn.Pods().Len()
	serve := serving(views)
	for _, query := range []string{
		"pods?limit=100", "pods?limit=100&sort=-cpu", "pods?limit=100&sort=state", "pods?limit=100&sort=owner&q=app-00",
		"pods?limit=100&namespace=team-3&sort=-age", "nodes?limit=100&sort=-memory", "workloads?limit=100&sort=-cpu",
	} {
		p := pageTime{Query: query}
		for i, took := range []*time.Duration{&p.First, &p.Next} {
			var page rows.Page[json.RawMessage]
			begin, worked := time.Now(), processor()
			body := serve.get(t, "/kanrin/v1/clusters/big/"+query+fmt.Sprintf("&offset=%d", 100*i))
			*took = time.Since(begin)
			if i == 0 {
				p.Work = processor() - worked
			}
			if err := json.Unmarshal(body, &page); err != nil {
				t.Fatal(err)
			}
			p.Total = page.Total
		}
		m.Pages = append(m.Pages, p)
	}
	begin = time.Now()
	serve.get(t, "/kanrin/v1/clusters/big/capacity")
	m.Capacity = time.Since(begin)
	m.Heap = live()
	debug.FreeOSMemory()
	m.RSS, m.PeakRSS = memory("VmRSS"), memory("VmHWM")
	if err := f.Deregister(t.Context(), "big"); err != nil {
		t.Fatal(err)
	}
	conn = nil
	fleettest.Eventually(t, "the memory is free again", func() error {
		if m.Afterwards = live(); m.Afterwards > 12<<20 {
			return fmt.Errorf("%d MB are live", m.Afterwards>>20)
		}
		return nil
	})
	line, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("measured %s\n", line)
}

// live is the size of the heap after a collection.
func live() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// processor is the time that this process has used of the processors.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// memory reads a line of /proc/self/status, in bytes.
func memory(name string) int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, _ := strings.Cut(lines.Text(), ":"); key == name {
			n, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}
