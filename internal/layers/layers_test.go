// Package layers holds no code: its test enforces which package may import which (docs/design/0001-architecture.md).
package layers

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "kanrin.dev/kanrin/"

// rules: packages below "from" may import of Kanrin only what is listed (and themselves).
var rules = []struct {
	from string
	may  []string
}{
	{"api/v1alpha1", nil},
	{"api/inventory", []string{"api/v1alpha1"}},
	{"internal/lang", nil},
	{"internal/httpapi", nil},
	{"internal/disruption", nil},
	{"internal/rehearse", nil},
	{"internal/plan", []string{"api", "internal/lang"}},
	{"internal/fleet", []string{"api", "internal/lang", "internal/disruption", "internal/check", "internal/httpapi"}},
	{"internal/ops/drain", []string{"api", "internal/lang", "internal/plan", "internal/fleet", "internal/disruption", "internal/rehearse"}},
	{"internal/ops/call", []string{"api", "internal/plan", "internal/fleet", "internal/hosts"}},
	// Emptying nodes is drain's: its steps are the others' too.
	{"internal/ops/power", []string{"api", "internal/lang", "internal/plan", "internal/fleet", "internal/hosts", "internal/ops/call", "internal/ops/drain"}},
	{"internal/ops/nodes", []string{"api", "internal/lang", "internal/plan", "internal/fleet", "internal/hosts", "internal/disruption", "internal/etcd", "internal/ops/call", "internal/ops/drain"}},
	{"internal/etcd", []string{"internal/hosts"}},
	{"internal/ops/restore", []string{"api", "internal/lang", "internal/plan", "internal/fleet", "internal/hosts", "internal/etcd", "internal/backup", "internal/ops/call"}},
	{"internal/ops/backup", []string{"api", "internal/lang", "internal/plan", "internal/fleet", "internal/hosts", "internal/backup", "internal/ops/call"}},
	{"internal/backup/boltfile", nil},
	{"internal/backup/snapshot", []string{"internal/backup/boltfile"}},
	{"internal/backup/object", []string{"internal/backup/snapshot"}},
	{"internal/backup/spool", nil},
	{"internal/backup/archive", nil},
	{"internal/backup/repository", nil},
	{"internal/backup/retention", nil},
	{"internal/backup/schedule", nil},
	{"internal/backup/proof", []string{"internal/backup", "internal/controlplane"}},
	{"internal/ops/controller", []string{"api", "internal/lang", "internal/plan", "internal/httpapi"}},
	{"internal/controlplane", []string{"internal/kubebin"}},
	{"internal/hosts", []string{"api", "internal/lang", "internal/httpapi"}},
	{"internal/access", []string{"api", "internal/lang", "internal/httpapi"}},
}

func TestLayers(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", module+"...").Output()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		pkg, imports, _ := strings.Cut(line, " ")
		pkg = strings.TrimPrefix(pkg, module)
		for _, imp := range strings.Fields(imports) {
			imp, ours := strings.CutPrefix(imp, module)
			if strings.HasPrefix(imp, "k8s.io/kubernetes") {
				t.Errorf("%s imports %s: only kanrin-kube may", pkg, imp)
			}
			if ours {
				check(t, pkg, imp)
			}
		}
	}
}

func check(t *testing.T, pkg, imp string) {
	for _, r := range rules {
		// Test support below a package (plantest, fleettest) may reach further.
		if !within(pkg, r.from) || strings.HasSuffix(pkg, "test") || within(imp, r.from) {
			continue
		}
		allowed := false
		for _, m := range r.may {
			allowed = allowed || within(imp, m)
		}
		if !allowed {
			t.Errorf("%s imports %s, which its layer may not (see internal/layers)", pkg, imp)
		}
	}
	if strings.HasPrefix(pkg, "internal/") && within(imp, "cmd") {
		t.Errorf("%s imports a command", pkg)
	}
}

func within(pkg, root string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }
