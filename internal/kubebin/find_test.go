package kubebin

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func file(t *testing.T, mode os.FileMode, parts ...string) string {
	t.Helper()
	path := filepath.Join(parts...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	explicit := file(t, 0o755, dir, "explicit", "kk")
	plain := file(t, 0o644, dir, "plain", "kk")
	onPath := file(t, 0o755, dir, "path", Name)
	data := file(t, 0o755, dir, "data", "bin", Name)
	data2 := file(t, 0o755, dir, "data2", Name)
	above := file(t, 0o755, dir, "tree", "bin", Name)
	cwd := filepath.Join(dir, "tree", "a", "b")
	if err := os.MkdirAll(cwd, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		explicit, env, path, data, cwd string
		want                           string
	}{
		"explicit wins":                  {explicit: explicit, env: onPath, want: explicit},
		"explicit must exist":            {explicit: filepath.Join(dir, "none"), env: onPath},
		"explicit must be executable":    {explicit: plain, env: onPath},
		"explicit must be a file":        {explicit: dir},
		"environment":                    {env: explicit, path: filepath.Dir(onPath), want: explicit},
		"environment must be right":      {env: plain, path: filepath.Dir(onPath)},
		"PATH before the data directory": {path: filepath.Dir(onPath), data: filepath.Join(dir, "data"), want: onPath},
		"data directory, bin":            {data: filepath.Join(dir, "data"), want: data},
		"data directory itself":          {data: filepath.Join(dir, "data2"), want: data2},
		"upwards from a test":            {cwd: cwd, want: above},
		"nowhere":                        {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(Variable, c.env)
			t.Setenv("PATH", c.path)
			if c.cwd == "" {
				c.cwd = dir
			}
			t.Chdir(c.cwd)
			got, err := Find(c.explicit, c.data)
			if c.want == "" {
				if !errors.Is(err, ErrNotFound) {
					t.Fatalf("got %q, %v; want ErrNotFound", got, err)
				}
				return
			}
			if err != nil || got != c.want {
				t.Fatalf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}
