package fleet_test

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
	"testing"
	"time"

	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/fleettest"
)

// watchOnly names a kubeconfig: the test binary then only watches that cluster and reports what it needs for it.
const watchOnly = "KANRIN_TEST_WATCH"

type footprint struct {
	Pods                  int
	BaseRSS, RSS, PeakRSS int64 // bytes
	Heap                  int64 // live bytes after a collection
	SyncedAfter           time.Duration
}

// A process that watches 10,000 pods stays far below the 120 MB that the whole of `kanrin up` may need.
func TestMemoryOfTenThousandPods(t *testing.T) {
	if testing.Short() {
		t.Skip("creates 10,000 pods")
	}
	const pods = 10_000
	cluster := fleettest.Fill(t, api.Config, fleettest.Size{Nodes: 100, Pods: pods, PerWorkload: 10})
	defer cluster.Empty(t)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, api.Kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), watchOnly+"="+file, "GOGC=50") // as `kanrin up` runs
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Run(); err != nil {
		t.Fatalf("watching: %v\n%s", err, talk.String())
	}
	var got footprint
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("reading %q: %v", out.String(), err)
	}
	t.Logf("%d pods in %s: RSS %d MB (peak %d MB, before the first connection %d MB), live heap %d MB",
		got.Pods, got.SyncedAfter.Round(time.Millisecond), got.RSS>>20, got.PeakRSS>>20, got.BaseRSS>>20, got.Heap>>20)
	if got.Pods < pods {
		t.Errorf("%d pods were seen, not %d", got.Pods, pods)
	}
	if got.PeakRSS > 95<<20 {
		t.Errorf("watching needed %d MB at its peak; the rest of the program needs room within 120 MB too", got.PeakRSS>>20)
	}
}

// watchProcess is the process that is measured.
func watchProcess(file string) int {
	err := func() error {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		f := footprint{BaseRSS: memory("VmRSS")}
		begin := time.Now()
		conn, end, err := fleet.Connect("big", data)
		if err != nil {
			return err
		}
		defer end()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := conn.WaitSynced(ctx); err != nil {
			return err
		}
		f.SyncedAfter, f.Pods = time.Since(begin), conn.Pods().Len()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		f.Heap = int64(m.HeapAlloc)
		debug.FreeOSMemory()
		f.RSS, f.PeakRSS = memory("VmRSS"), memory("VmHWM")
		return json.NewEncoder(os.Stdout).Encode(f)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
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
