package controlplanetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Evictions counts, from the API server's own audit log, the accepted evictions of each pod of a namespace, by name.
func (a *API) Evictions(t testing.TB, namespace string) map[string]int {
	t.Helper()
	out := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(a.auditLog(t)))
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		if !bytes.Contains(lines.Bytes(), []byte(`"eviction"`)) {
			continue
		}
		var e struct {
			Stage          string
			ObjectRef      struct{ Namespace, Name, Subresource string }
			ResponseStatus struct{ Code int }
		}
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.Stage == "ResponseComplete" && e.ObjectRef.Subresource == "eviction" &&
			e.ObjectRef.Namespace == namespace && e.ResponseStatus.Code < 300 {
			out[e.ObjectRef.Name]++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("reading the audit log: %v", err)
	}
	return out
}

// auditLog is the whole log. The API server renames a file that is full and begins a new one: when that happened in the middle, what
// was read has a hole and is read again.
func (a *API) auditLog(t testing.TB) []byte {
	t.Helper()
	pattern := filepath.Join(a.Dir, "audit", "*")
	for {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no audit log in %s: %v", a.Dir, err)
		}
		var all []byte
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			all = append(all, data...)
		}
		if after, _ := filepath.Glob(pattern); slices.Equal(files, after) {
			return all
		}
	}
}
