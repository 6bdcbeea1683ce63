package kubeconfig

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	set := func(data string, names ...string) string {
		for _, name := range names {
			e := entry
			e.Name, e.Server, e.CA = name, "https://"+name+":8443", nil
			out, err := Set([]byte(data), e)
			if err != nil {
				t.Fatal(err)
			}
			data = string(out)
		}
		return data
	}
	current := func(data, name string) string {
		lines := strings.Split(data, "\n")
		for i, line := range lines {
			if strings.HasPrefix(line, "current-context:") {
				lines[i] = "current-context: " + name
			}
		}
		return strings.Join(lines, "\n")
	}
	unmarked := strings.ReplaceAll(foreign, "exec: {apiVersion: client.authentication.k8s.io/v1, command: get-token, interactiveMode: Never}", "token: x")

	for _, tc := range []struct {
		name     string
		file     string
		explicit bool
		wanted   string
		context  string
		err      error
	}{
		{name: "no file", err: ErrNotSignedIn},
		{name: "the one that signing in made current", file: set(foreign, "kanrin-a"), context: "kanrin-a"},
		{name: "current is another cluster, one of ours", file: current(set(foreign, "kanrin-a"), "prod"), context: "kanrin-a"},
		{name: "current is another cluster, two of ours", file: current(set(foreign, "kanrin-a", "kanrin-b"), "prod"), err: ErrSeveral},
		{name: "two of ours, one current", file: current(set(foreign, "kanrin-a", "kanrin-b"), "kanrin-a"), context: "kanrin-a"},
		{name: "named", file: current(set(foreign, "kanrin-a", "kanrin-b"), "prod"), wanted: "kanrin-b", context: "kanrin-b"},
		{name: "named and absent", file: foreign, wanted: "nope", err: ErrNoSuchContext},
		{name: "an explicit file's current context", file: current(set(unmarked, "kanrin-a"), "prod"), explicit: true, context: "prod"},
		{name: "none of ours", file: unmarked, context: "prod"},
		{name: "of nothing", file: "\x00", err: ErrGarbage},
		{name: "without contexts", file: "apiVersion: v1\nkind: Config\n", err: ErrNotSignedIn},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			if tc.file != "" {
				if err := os.WriteFile(path, []byte(tc.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("KUBECONFIG", path)
			explicit := ""
			if tc.explicit {
				explicit = path
			}
			got, err := Choose(explicit, tc.wanted)
			if tc.err != nil {
				if !errors.Is(err, tc.err) {
					t.Fatalf("error %v, want %v", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Context != tc.context {
				t.Errorf("context %s, want %s", got.Context, tc.context)
			}
		})
	}
	nothing := filepath.Join(t.TempDir(), "nothing")
	if err := os.WriteFile(nothing, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Choose(nothing, ""); !errors.Is(err, ErrGarbage) {
		t.Errorf("an empty file: %v", err)
	}
	if _, err := Choose(filepath.Join(t.TempDir(), "absent"), ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an explicit file that does not exist: %v", err)
	}
}

func TestContextName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if got := ContextName(path, "ops", "8443", "https://ops:8443"); got != "kanrin-ops" {
		t.Errorf("no file yet: %s", got)
	}
	data, err := Set(nil, entry)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := ContextName(path, "ops", "8443", "https://ops:8443"); got != "kanrin-ops" {
		t.Errorf("the same console: %s", got)
	}
	if got := ContextName(path, "ops", "9443", "https://ops:9443"); got != "kanrin-ops-9443" {
		t.Errorf("another console on that host: %s", got)
	}
}
