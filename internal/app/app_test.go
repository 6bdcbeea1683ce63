package app

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
	"kanrin.dev/kanrin/internal/kubebin"
)

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func newApp(t *testing.T, conf Configuration, progress func(Progress)) *App {
	t.Helper()
	a, err := New(conf, Dependencies{Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), Progress: progress})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopApp(t, a) })
	return a
}

func startApp(t *testing.T, conf Configuration) *App {
	t.Helper()
	a := newApp(t, conf, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	began := time.Now()
	if err := a.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("started after %v", time.Since(began).Round(time.Millisecond))
	return a
}

func stopApp(t *testing.T, a *App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	began := time.Now()
	if err := a.Stop(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Logf("stopped after %v", took.Round(time.Millisecond))
	}
	if left := processesOf(t, a.conf.DataDir); len(left) > 0 {
		t.Errorf("still running: %q", left)
	}
}

// processesOf are the command lines that name a directory.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		if data, err := os.ReadFile(f); err == nil && strings.Contains(string(data), dir) { // processes come and go
			out = append(out, strings.ReplaceAll(string(data), "\x00", " "))
		}
	}
	return out
}

var anyCertificate = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := anyCertificate.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited for a minute: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestUp(t *testing.T) {
	conf := Configuration{DataDir: filepath.Join(t.TempDir(), "data"), Listen: freeAddress(t), Version: "v1.2.3"}
	a := startApp(t, conf)
	info := a.Info()
	if info.URL != "https://"+conf.Listen || len(info.Fingerprint) < 64 || info.User != "admin" || len(info.Password) < 10 {
		t.Errorf("what a newcomer needs: %+v", info)
	}
	for _, path := range []string{info.PasswordFile, info.Kubeconfig} {
		if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", path, err)
		}
	}
	if code, body := get(t, info.URL+"/readyz"); code != http.StatusOK {
		t.Errorf("/readyz: %d %s", code, body)
	}
	eventually(t, "it leads", func() bool { return a.parts.leader.Load().Check() == nil })

	t.Run("the directory is taken", func(t *testing.T) {
		other := newApp(t, Configuration{DataDir: conf.DataDir, Listen: freeAddress(t)}, nil)
		var inUse *InUseError
		if err := other.Start(t.Context()); !errors.As(err, &inUse) || inUse.PID != os.Getpid() || inUse.DataDir != conf.DataDir {
			t.Errorf("got %v", err)
		}
		other.conf.DataDir = t.TempDir() // for the clean-up's look at what is left
	})
	t.Run("the port is taken", func(t *testing.T) {
		began := time.Now()
		other := newApp(t, Configuration{DataDir: t.TempDir(), Listen: conf.Listen}, nil)
		err := other.Start(t.Context())
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), conf.Listen) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("found out after %v only", took)
		}
	})
	t.Run("a child that ends is told, and comes back", func(t *testing.T) {
		etcd := a.parts.management.Status()[0]
		if err := syscall.Kill(etcd.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "/readyz names it", func() bool {
			code, body := get(t, info.URL+"/readyz?verbose")
			return code != http.StatusOK && strings.Contains(body, "management")
		})
		eventually(t, "/readyz is well again", func() bool { code, _ := get(t, info.URL+"/readyz"); return code == http.StatusOK })
	})

	stopApp(t, a)
	again := startApp(t, conf)
	if now := again.Info(); now.Password != info.Password || now.Fingerprint != info.Fingerprint {
		t.Error("the second start does not have the state of the first")
	}
	eventually(t, "it leads at once, although the last term was not long ago", func() bool { return again.parts.leader.Load().Check() == nil })
}

// TestInterruptedStart cuts the start short at its beginning, in the middle and at its end.
func TestInterruptedStart(t *testing.T) {
	for stage, after := range map[Stage]time.Duration{StageManagement: 50 * time.Millisecond, StageAccess: 0, StageOperations: 0} {
		t.Run(string(stage), func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			a := newApp(t, Configuration{DataDir: t.TempDir(), Listen: freeAddress(t)}, func(p Progress) {
				if p.Stage == stage && !p.Done && !p.Stopping {
					time.Sleep(after)
					cancel()
				}
			})
			err := a.Start(ctx)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if left := processesOf(t, a.conf.DataDir); len(left) > 0 {
				t.Errorf("still running: %q", left)
			}
			if l, err := takeLock(a.conf.DataDir); err != nil {
				t.Errorf("the directory is still locked: %v", err)
			} else if err := l.release(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWithoutKube(t *testing.T) {
	a := newApp(t, Configuration{DataDir: t.TempDir(), Listen: freeAddress(t), Kube: "/nowhere/kanrin-kube"}, nil)
	if err := a.Start(t.Context()); !errors.Is(err, kubebin.ErrNotFound) || !strings.Contains(err.Error(), "/nowhere/kanrin-kube") {
		t.Errorf("got %v", err)
	}
}

// TestTwoOnOneManagementAPI: with an external management API several may run, and one leads.
func TestTwoOnOneManagementAPI(t *testing.T) {
	api := controlplanetest.Start(t)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, api.Kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	var apps [2]*App
	var starting sync.WaitGroup
	errs := make([]error, len(apps))
	for i := range apps {
		apps[i] = newApp(t, Configuration{DataDir: t.TempDir(), Listen: freeAddress(t), ManagementKubeconfig: path}, nil)
		starting.Go(func() { errs[i] = apps[i].Start(t.Context()) }) // both install at the same time
	}
	starting.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	leads := func(i int) bool { return apps[i].parts.leader.Load().Check() == nil }
	eventually(t, "one leads", func() bool { return leads(0) || leads(1) })
	if leads(0) && leads(1) {
		t.Fatal("both lead")
	}
	first := 0
	if leads(1) {
		first = 1
	}
	epoch := apps[first].parts.leader.Load().Epoch()
	for _, a := range apps {
		if code, body := get(t, a.Info().URL+"/readyz"); code != http.StatusOK {
			t.Errorf("/readyz: %d %s", code, body)
		}
		if cp := a.parts.management; cp != nil {
			t.Error("a management API was started besides")
		}
	}
	stopApp(t, apps[first])
	eventually(t, "the other leads", func() bool { return leads(1 - first) })
	if got := apps[1-first].parts.leader.Load().Epoch(); got <= epoch {
		t.Errorf("after epoch %d comes %d", epoch, got)
	}
}

func TestUnusableManagementKubeconfig(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"garbage":     {"\x00\x01", "reading the management kubeconfig"},
		"nobody home": {"apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\nclusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: a, user: {token: x}}]\n", "127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kubeconfig")
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			a := newApp(t, Configuration{DataDir: t.TempDir(), Listen: freeAddress(t), ManagementKubeconfig: path}, nil)
			if err := a.Start(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestConfigurationValidate(t *testing.T) {
	for name, conf := range map[string]Configuration{
		"no directory":       {},
		"relative directory": {DataDir: "x"},
		"no address":         {DataDir: "/x", Listen: "nonsense"},
		"half a certificate": {DataDir: "/x", CertFile: "/c"},
	} {
		if _, err := New(conf, Dependencies{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestLogFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "kanrin.log")
	l, err := OpenLog(path)
	if err != nil {
		t.Fatal(err)
	}
	line := []byte(strings.Repeat("x", 1<<20-1) + "\n")
	for range 90 {
		if n, err := l.Write(line); err != nil || n != len(line) {
			t.Fatal(n, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 1+keptLogs {
		t.Errorf("kept %q, %v", files, err)
	}
	for _, f := range files {
		if i, err := os.Stat(f); err != nil || i.Size() > maxLogBytes+int64(len(line)) || i.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, i, err)
		}
	}
}
