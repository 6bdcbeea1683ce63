package hoststest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// NewUser makes an unprivileged user until the test ends, with the given line of sudoers (after the name) if any. The test is skipped
// unless it runs as root with useradd and sudo.
func NewUser(t testing.TB, sudoers string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can make a user")
	}
	for _, program := range []string{"useradd", "userdel", "sudo"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("no %s here: run hack/prepare.sh test", program)
		}
	}
	name := fmt.Sprintf("kanrin%d", os.Getpid())
	// A password of * lets nobody in; a locked one (!) would make sshd without PAM refuse keys too.
	if out, err := exec.Command("useradd", "--no-create-home", "--shell", "/bin/sh", "--password", "*", name).CombinedOutput(); err != nil {
		t.Fatalf("useradd: %v: %s", err, out)
	}
	rules := filepath.Join("/etc/sudoers.d", name)
	t.Cleanup(func() {
		_ = os.Remove(rules)
		if out, err := exec.Command("userdel", "--force", name).CombinedOutput(); err != nil {
			t.Logf("userdel: %v: %s", err, out)
		}
	})
	if sudoers != "" {
		write(t, rules, []byte(name+" "+sudoers+"\n"), 0o440)
	}
	return name
}
