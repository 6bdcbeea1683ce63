package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestDispatch(t *testing.T) {
	defer func(args []string) { os.Args = args }(os.Args)
	tests := []struct {
		args []string
		code int
		// seen is os.Args as the component found it.
		seen           []string
		stdout, stderr string
	}{
		{args: []string{"/opt/kanrin-kube", "etcd", "--version"}, code: 7, seen: []string{"etcd", "--version"}},
		{args: []string{"/usr/bin/etcd", "kubectl"}, code: 7, seen: []string{"/usr/bin/etcd", "kubectl"}},
		{args: []string{"kanrin-kube"}, stdout: "the store"},
		{args: []string{"kanrin-kube", "--help"}, stdout: "the store"},
		{args: []string{"kanrin-kube", "etc"}, code: 2, stderr: `unknown component "etc"`},
		{args: []string{"kanrin-kube", ""}, code: 2, stderr: `unknown component ""`},
	}
	for _, tt := range tests {
		var seen []string
		all := []component{
			{"kubectl", "the client", func() int { t.Error("kubectl was run"); return 0 }},
			{"etcd", "the store", func() int { seen = os.Args; return 7 }},
		}
		os.Args = tt.args
		var stdout, stderr bytes.Buffer
		if code := dispatch(all, &stdout, &stderr); code != tt.code || !slices.Equal(seen, tt.seen) {
			t.Errorf("%q: exit code %d, arguments %q", tt.args, code, seen)
		}
		if !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) || (tt.stderr == "") != (stderr.Len() == 0) {
			t.Errorf("%q: %q and %q", tt.args, stdout.String(), stderr.String())
		}
	}
}

func TestComponentsAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range components() {
		if seen[c.name] || c.name == "" || c.about == "" || c.run == nil {
			t.Errorf("component %q", c.name)
		}
		seen[c.name] = true
	}
}
