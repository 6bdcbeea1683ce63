package controlplanetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Evictions counts, from the API server's own audit log, the accepted evictions of each pod of a namespace, by name.
func (a *API) Evictions(t testing.TB, namespace string) map[string]int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(a.Dir, "audit", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no audit log in %s: %v", a.Dir, err)
	}
	out := map[string]int{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(data))
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
	}
	return out
}
