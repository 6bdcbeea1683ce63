package object

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/internal/backup/snapshot"
	"kanrin.dev/kanrin/internal/kubebin"
)

// What is compared with another program runs as a process of its own, which is this test binary with these variables set.
const (
	childVariable = "KANRIN_BENCH_CHILD"
	childFile     = "KANRIN_BENCH_FILE"
)

const benchPods = 100_000

func TestMain(m *testing.M) {
	if job := os.Getenv(childVariable); job != "" {
		if err := child(job, os.Getenv(childFile)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child does a job of the benchmark: "keys" lists all keys of a snapshot from nothing; "get" gives an object of a snapshot
// that has an index beside it; "fresh" makes the index for that.
func child(job, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	if job == "keys" || strings.HasPrefix(job, "fresh ") {
		x, _, err := snapshot.Build(context.Background(), f, info.Size(), snapshot.Options{})
		if err != nil {
			return err
		}
		if job != "keys" {
			return get(out, f, x, strings.TrimPrefix(job, "fresh "))
		}
		for e := range x.Prefix("") {
			fmt.Fprintln(out, e.Key)
		}
		return out.Flush()
	}
	file, err := os.Open(path + ".index")
	if err != nil {
		return err
	}
	defer file.Close()
	x, err := snapshot.ReadIndex(file, 1<<30)
	if err != nil {
		return err
	}
	return get(out, f, x, strings.TrimPrefix(job, "get "))
}

func get(out *bufio.Writer, f io.ReaderAt, x *snapshot.Index, name string) error {
	b, err := one(f, x, name)
	if err != nil {
		return err
	}
	_, _ = out.Write(b)
	return out.Flush()
}

func one(f io.ReaderAt, x *snapshot.Index, name string) ([]byte, error) {
	e, ok := x.Lookup(snapshot.Name{Resource: "pods", Namespace: "bench", Name: name})
	if !ok {
		return nil, fmt.Errorf("no pod %s", name)
	}
	value, err := snapshot.Value(f, e)
	if err != nil {
		return nil, err
	}
	u, err := Decode(value)
	if err != nil {
		return nil, err
	}
	return YAML(u)
}

// TestBenchSnapshot measures the reading of a snapshot with 100,000 pods. KANRIN_AUGER names the binary of auger
// (github.com/etcd-io/auger) to compare with; KANRIN_BENCH_RUNS the number of runs (5).
func TestBenchSnapshot(t *testing.T) {
	if os.Getenv("KANRIN_BENCH") == "" {
		t.Skip("set KANRIN_BENCH=1")
	}
	runs, err := strconv.Atoi(os.Getenv("KANRIN_BENCH_RUNS"))
	if err != nil {
		runs = 5
	}
	path := benchSnapshot(t)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d pods, %d bytes", benchPods, info.Size())

	var built, peak, read, found []float64
	var x *snapshot.Index
	for range runs {
		x = nil
		runtime.GC()
		stop := watchHeap()
		start := time.Now()
		if x, _, err = snapshot.Build(t.Context(), f, info.Size(), snapshot.Options{RequireChecksum: true}); err != nil {
			t.Fatal(err)
		}
		built = append(built, time.Since(start).Seconds())
		peak = append(peak, float64(stop())/1e6)

		var b bytes.Buffer
		if _, err := x.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+".index", b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		start = time.Now()
		if x, err = snapshot.ReadIndex(&b, 1<<30); err != nil {
			t.Fatal(err)
		}
		read = append(read, time.Since(start).Seconds()*1000)
		start = time.Now()
		if _, err := one(f, x, podName(77_777)); err != nil {
			t.Fatal(err)
		}
		found = append(found, time.Since(start).Seconds()*1000)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("index of all: %s s, heap %s MB at the peak, %.1f MB afterwards", summary(built), summary(peak), float64(m.HeapAlloc)/1e6)
	t.Logf("index file: read in %s ms; one object from the index: %s ms", summary(read), summary(found))
	if built[len(built)/2] > 5 || slices.Max(peak) > 150 || slices.Max(found) > 50 {
		t.Error("slower or larger than promised")
	}
	runtime.KeepAlive(x)
	compareWithAuger(t, path, runs)
}

func compareWithAuger(t *testing.T, path string, runs int) {
	auger := os.Getenv("KANRIN_AUGER")
	if auger == "" {
		t.Log("KANRIN_AUGER is not set: nothing to compare with")
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	kanrin := func(job string) func() *exec.Cmd {
		return func() *exec.Cmd {
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), childVariable+"="+job, childFile+"="+path)
			return cmd
		}
	}
	name := podName(77_777)
	key := "/registry/pods/bench/" + name
	for _, job := range []struct {
		what         string
		mine, theirs func() *exec.Cmd
	}{
		{"all keys", kanrin("keys"), func() *exec.Cmd { return exec.Command(auger, "extract", "-f", path) }},
		{"one object, no index", kanrin("fresh " + name), func() *exec.Cmd { return exec.Command(auger, "extract", "-f", path, "-k", key) }},
		{"one object, index file", kanrin("get " + name), func() *exec.Cmd { return exec.Command(auger, "extract", "-f", path, "-k", key) }},
	} {
		var a, b measured
		for range runs {
			a.add(t, job.mine())
			b.add(t, job.theirs())
		}
		t.Logf("%s: Kanrin %s; auger %s", job.what, a, b)
		if a.lines != b.lines && job.what == "all keys" {
			t.Errorf("%s: %d lines, %d lines", job.what, a.lines, b.lines)
		}
	}
}

type measured struct {
	wall, cpu, rss []float64
	lines          int
}

func (m *measured) add(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	start := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, errs.String())
	}
	m.wall = append(m.wall, time.Since(start).Seconds())
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	m.cpu = append(m.cpu, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	m.rss = append(m.rss, float64(usage.Maxrss)/1e3)
	m.lines = bytes.Count(out.Bytes(), []byte("\n"))
}

func (m measured) String() string {
	return fmt.Sprintf("%s s, CPU %s s, %s MB resident", summary(m.wall), summary(m.cpu), summary(m.rss))
}

// summary gives the median and the range.
func summary(v []float64) string {
	s := slices.Sorted(slices.Values(v))
	return fmt.Sprintf("%.3g (%.3g–%.3g)", s[len(s)/2], s[0], s[len(s)-1])
}

// watchHeap samples the heap until the function that it returns is called, which gives the most that was added.
func watchHeap() func() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	before, most := sample[0].Value.Uint64(), uint64(0)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(done)
		<-ended
		return most - min(before, most)
	}
}

func podName(i int) string {
	return fmt.Sprintf("web-%05d-%s", i, strconv.FormatInt(int64(i)*7919, 36))
}

// benchSnapshot fills a real etcd with pods of about 4 kB and takes a snapshot of it.
func benchSnapshot(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("KANRIN_BENCH_SNAPSHOT"); path != "" {
		return path
	}
	binary, err := kubebin.Find("", "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	client, _ := startEtcd(t, binary, filepath.Join(dir, "etcd"))
	var next sync.Mutex
	i := 0
	var wait sync.WaitGroup
	for range 64 {
		wait.Go(func() {
			for {
				next.Lock()
				n := i
				i++
				next.Unlock()
				if n >= benchPods {
					return
				}
				if _, err := client.Put(t.Context(), "/registry/pods/bench/"+podName(n), string(benchPod(n))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	r, err := client.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path := filepath.Join(dir, "snapshot.db")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = io.Copy(f, r); err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func benchPod(n int) []byte {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	text := func(size int) string {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte('a' + random.IntN(26))
		}
		return string(b)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: podName(n), Namespace: "bench", Labels: map[string]string{"app": text(12)}, Annotations: map[string]string{"a": text(200)},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubelet", FieldsV1: metav1.NewFieldsV1(`{"f:` + text(700) + `":{}}`)}},
	}}
	for range 3 {
		c := corev1.Container{Name: text(8), Image: "registry.example.org/" + text(40), Command: []string{text(50)}}
		for range 12 {
			c.Env = append(c.Env, corev1.EnvVar{Name: text(12), Value: text(24)})
		}
		pod.Spec.Containers = append(pod.Spec.Containers, c)
	}
	var b bytes.Buffer
	pod.APIVersion, pod.Kind = "v1", "Pod"
	if err := decoder.Encode(pod, &b); err != nil {
		panic(err)
	}
	return b.Bytes()
}
