package proof

import (
	"context"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"

	"kanrin.dev/kanrin/internal/controlplane"
)

// account is whom a database server runs as, and what it is kept from: what a dump may make it do must not be done as root,
// and not over a network.
type account struct {
	changed  bool
	uid, gid int
	flags    uintptr
}

// isolation gives a server a network without connections, and processes and shared memory that go with it.
const isolation = syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWPID

// findAccount chooses an account without rights when this process is root (PostgreSQL refuses root altogether); another
// process keeps its own, without isolation.
func findAccount(ctx context.Context) *account {
	a := &account{uid: os.Getuid(), gid: os.Getgid()}
	if a.uid != 0 {
		return a
	}
	for _, name := range []string{"nobody", "postgres", "mysql"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil && uid != 0 {
			a.uid, a.gid, a.changed = uid, gid, true
			break
		}
	}
	// In a container, root may lack the right.
	a.flags = isolation
	if err := controlplane.Run(ctx, io.Discard, func(c *exec.Cmd) { a.apply(c, "/") }, "/bin/true"); err != nil {
		a.flags = 0
	}
	return a
}

func (a *account) apply(c *exec.Cmd, dir string) {
	c.Dir = dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "LC_ALL=C.UTF-8", "TZ=UTC"}
	c.SysProcAttr.Cloneflags = a.flags
	if a.changed {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
}
