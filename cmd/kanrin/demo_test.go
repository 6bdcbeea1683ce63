package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	server "kanrin.dev/kanrin/internal/app"
)

// TestOnATerminal drives a real server with its demo cluster as a person at a terminal does. What scripts do is tested in test/e2e.
func TestOnATerminal(t *testing.T) {
	nowhere(t)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	info := demo(t)
	config := filepath.Join(t.TempDir(), "config")
	t.Setenv("KUBECONFIG", config)

	t.Run("a stranger's certificate is refused", func(t *testing.T) {
		text := onTerminal(t, "login", info.URL).await("[y/N]").typed("n").ended(130)
		if !strings.Contains(text, info.Fingerprint) || !strings.Contains(text, "Nothing was sent") {
			t.Errorf("shown:\n%s", text)
		}
		if _, err := os.Stat(config); err == nil {
			t.Error("a kubeconfig was written")
		}
	})
	t.Run("breaking off at the password", func(t *testing.T) {
		onTerminal(t, "login", info.URL).await("[y/N]").typed("y").await("User name:").typed("admin").await("Password").breakOff().ended(130)
	})
	t.Run("a wrong password", func(t *testing.T) {
		onTerminal(t, "login", info.URL, "--username", "admin", "--fingerprint", info.Fingerprint).await("Password").typed("wrong").ended(8)
	})
	t.Run("sign in", func(t *testing.T) {
		text := onTerminal(t, "login", info.URL).await("[y/N]").typed("y").await("User name:").typed("admin").await("Password").typed(info.Password).ended(0)
		if strings.Contains(text, info.Password) {
			t.Error("the password was shown")
		}
		for _, want := range []string{"Signed in to " + info.URL + " as admin", "Commands mean cluster demo"} {
			if !strings.Contains(text, want) {
				t.Errorf("shown:\n%s\nwithout %q", text, want)
			}
		}
	})
	t.Run("a plan that is declined leaves nothing", func(t *testing.T) {
		onTerminal(t, "drain", "w6").await("Run this plan? [y/N]").typed("").ended(130)
		onTerminal(t, "drain", "w6").await("Run this plan? [y/N]").breakOff().ended(130)
		if _, out, _ := command(t, "get", "operations", "--phase", "planned", "-o", "name"); out != "" {
			t.Errorf("still waiting for an approval: %s", out)
		}
	})
	t.Run("a pod's name has to be typed", func(t *testing.T) {
		_, pod, _ := command(t, "get", "pods", "--node", "w6", "--sort-by", "name", "-o", "jsonpath={.items[0].namespace}/{.items[0].name}")
		text := onTerminal(t, "drain", "w6", "--delete", pod).await("Type its name").typed("yes").ended(130)
		if strings.Contains(text, "Run this plan?") {
			t.Errorf("a name that was not typed was good enough:\n%s", text)
		}
	})
	t.Run("a drain is watched, left and cancelled", func(t *testing.T) {
		text := onTerminal(t, "drain", "w6", "w9").await("Run this plan? [y/N]").typed("y").await("▸").breakOff().ended(130)
		if !strings.Contains(text, "the operation goes on") {
			t.Errorf("shown:\n%s", text)
		}
		_, name, _ := command(t, "get", "operations", "--phase", "running", "-o", "name")
		name = strings.TrimSpace(name)
		if name == "" {
			t.Fatal("the operation did not go on")
		}
		onTerminal(t, "cancel", name).await("Cancel it? [y/N]").typed("n").ended(130)
		onTerminal(t, "cancel", name).await("Cancel it? [y/N]").typed("y").await("undone").ended(0)
		onTerminal(t, "watch", name).await("cancelled:").ended(1)
		if _, out, _ := command(t, "get", "nodes", "w6", "w9"); strings.Contains(out, "SchedulingDisabled") {
			t.Errorf("still cordoned:\n%s", out)
		}
	})
	t.Run("a drain to its end, in Japanese", func(t *testing.T) {
		settled(t)
		text := onTerminal(t, "drain", "w6", "--lang", "ja").await("この計画を実施しますか? [y/N]").typed("y").await("完了").ended(0)
		if !strings.Contains(text, "\x1b[J") || !strings.Contains(text, "予測") {
			t.Errorf("shown:\n%s", text)
		}
	})
	t.Run("changes of a list", func(t *testing.T) {
		x := onTerminal(t, "get", "nodes", "-w").await("w9")
		if code, _, talk := command(t, "uncordon", "w6", "--yes"); code != 0 {
			t.Fatal(talk)
		}
		x.await("w6").breakOff().ended(130)
	})
	t.Run("a password is asked for twice", func(t *testing.T) {
		onTerminal(t, "users", "add", "sato", "--role", "viewer").await("New password").typed("a good password").await("Once more").typed("another one").ended(2)
		onTerminal(t, "users", "add", "sato", "--role", "viewer").await("New password").typed("a good password").await("Once more").typed("a good password").ended(0)
		onTerminal(t, "users", "remove", "sato").await("Type the name").typed("tanaka").ended(130)
		onTerminal(t, "users", "remove", "sato").await("Type the name").typed("sato").ended(0)
	})
	t.Run("a cluster's name has to be typed", func(t *testing.T) {
		onTerminal(t, "cluster", "remove", "demo").await("Type its name").typed("no").ended(130)
	})
	t.Run("sign out", func(t *testing.T) {
		onTerminal(t, "logout").ended(0)
		onTerminal(t, "whoami").await("kanrin login").ended(8)
	})
}

// settled waits until every workload has all its pods again.
func settled(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(2 * time.Minute)
	for {
		_, progressing, _ := command(t, "get", "workloads", "--state", "Progressing", "-o", "name")
		_, degraded, _ := command(t, "get", "workloads", "--state", "Degraded", "-o", "name")
		_, terminating, _ := command(t, "get", "pods", "--state", "Terminating", "-o", "name")
		if progressing+degraded+terminating == "" {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not settled: %s%s%s", progressing, degraded, terminating)
		}
	}
}

// demo starts the server with its demo cluster.
func demo(t *testing.T) server.Info {
	t.Helper()
	dir, err := os.MkdirTemp("", "kanrin-cli-") // t.TempDir is removed before the server's end is waited for
	if err != nil {
		t.Fatal(err)
	}
	x, err := server.New(server.Configuration{DataDir: dir, Listen: "127.0.0.1:0", Demo: true, Version: "test"}, server.Dependencies{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := x.Stop(ctx); err != nil {
			t.Errorf("stopping the server: %v", err)
		}
		_ = os.RemoveAll(dir) // nothing of it is open any more
	})
	if err := x.Start(ctx); err != nil {
		t.Fatalf("starting the server: %v", err)
	}
	return x.Info()
}
