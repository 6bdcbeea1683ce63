package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kanrin.dev/kanrin/internal/cli"
)

// terminal is a pseudo terminal with a command line at one end and a test at the other.
type terminal struct {
	t      *testing.T
	master *os.File
	mu     sync.Mutex
	shown  strings.Builder
	from   int // what an await has seen already
	more   chan struct{}
	code   chan cli.Code
	read   chan struct{} // closed when everything has been read
	cancel context.CancelFunc
}

// onTerminal runs a command line on a terminal.
func onTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	master, slave := pty(t)
	ctx, cancel := context.WithCancel(t.Context())
	x := &terminal{t: t, master: master, more: make(chan struct{}, 1), code: make(chan cli.Code, 1), read: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(x.read)
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			x.mu.Lock()
			x.shown.Write(b[:n])
			x.mu.Unlock()
			select {
			case x.more <- struct{}{}:
			default:
			}
			if err != nil {
				return // the other end is closed
			}
		}
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		x.code <- execute(ctx, cli.NewStreams(slave, slave, slave), args)
		_ = slave.Close()
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		_ = master.Close()
		<-x.read
	})
	return x
}

func pty(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	number := 0
	control := raw.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err != nil {
			return
		}
		if number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); err != nil {
			return
		}
		err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 110})
	})
	if control != nil || err != nil {
		t.Fatal(control, err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

func (x *terminal) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return strings.ReplaceAll(x.shown.String(), "\r\n", "\n")
}

// await waits until the terminal shows text that it did not show at the last await.
func (x *terminal) await(want string) *terminal {
	x.t.Helper()
	limit := time.After(2 * time.Minute)
	for {
		if all := x.text(); strings.Contains(all[min(x.from, len(all)):], want) {
			x.from = len(all)
			return x
		}
		select {
		case <-x.more:
		case <-limit:
			x.t.Fatalf("the terminal does not show %q:\n%s", want, x.text())
		}
	}
}

func (x *terminal) typed(line string) *terminal {
	x.t.Helper()
	if _, err := x.master.WriteString(line + "\n"); err != nil {
		x.t.Fatal(err)
	}
	return x
}

// breakOff is what Ctrl-C comes to.
func (x *terminal) breakOff() *terminal { x.cancel(); return x }

// ended waits for the end and returns all that was shown.
func (x *terminal) ended(want cli.Code) string {
	x.t.Helper()
	select {
	case got := <-x.code:
		_, _ = x.master.WriteString("\n") // ends a read of a password that nobody waits for any more
		<-x.read
		if got != want {
			x.t.Errorf("exit code %d, want %d:\n%s", got, want, x.text())
		}
	case <-time.After(2 * time.Minute):
		x.t.Fatalf("no end:\n%s", x.text())
	}
	return x.text()
}
