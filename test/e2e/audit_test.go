package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// auditedEvictions reads the audit log of an API server: accepted evictions by pod.
func auditedEvictions(t *testing.T, dir string) map[string]int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no audit log in %s: %v", dir, err)
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
				ObjectRef      struct{ Name, Subresource string }
				ResponseStatus struct{ Code int }
			}
			if json.Unmarshal(lines.Bytes(), &e) == nil && e.Stage == "ResponseComplete" && e.ObjectRef.Subresource == "eviction" && e.ResponseStatus.Code < 300 {
				out[e.ObjectRef.Name]++
			}
		}
	}
	return out
}
