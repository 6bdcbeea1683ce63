//go:build linux

package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestManual is for building the thing; replaced below.
func TestManual(t *testing.T) {
	if os.Getenv("KANRIN_LAB_MANUAL") == "" {
		t.Skip()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	start := time.Now()
	progress := func(key string, pairs ...any) func(error) {
		began := time.Now()
		fmt.Println(key, pairs)
		return func(err error) { fmt.Println(key, time.Since(began), err) }
	}
	home, _ := os.UserHomeDir()
	cp, w := 1, 1
	fmt.Sscanf(os.Getenv("KANRIN_LAB_MANUAL"), "%d+%d", &cp, &w)
	l, err := Up(ctx, Options{
		Dir: DefaultDir, Cache: filepath.Join(home, ".cache/kanrin/lab"), Name: "lab", ControlPlanes: cp, Workers: w, Bare: 1,
		Programs: Programs{Kube: "/work/main/bin/kanrin-kube", Dir: "/work/main/bin/lab"},
	}, progress)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(l.Status(ctx), time.Since(start))
}

func TestManualDown(t *testing.T) {
	if os.Getenv("KANRIN_LAB_MANUAL") == "" {
		t.Skip()
	}
	if err := Down(context.Background(), DefaultDir, "lab"); err != nil {
		t.Fatal(err)
	}
}
