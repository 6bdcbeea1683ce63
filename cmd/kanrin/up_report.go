package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	server "kanrin.dev/kanrin/internal/app"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/kubebin"
)

// upReport tells the person at the terminal what the server does: progress on stderr, and on stdout what one needs to use it.
type upReport struct {
	*app
	o     upOptions
	began time.Time

	mu     sync.Mutex
	stages map[server.Stage]time.Time
}

func newUpReport(a *app, o upOptions) *upReport {
	return &upReport{app: a, o: o, began: a.now(), stages: map[server.Stage]time.Time{}}
}

func (r *upReport) starting() { r.say("up.starting", "dir", r.o.conf.DataDir) }

// progress prints a line when a stage has ended, and while it lasts when somebody is watching.
func (r *upReport) progress(p server.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what := r.t("up.stage." + string(p.Stage))
	if !p.Done {
		if _, begun := r.stages[p.Stage]; !begun {
			r.stages[p.Stage] = r.now()
		}
		if r.streams.ErrTerminal && !r.verbose {
			fmt.Fprintf(r.streams.Err, "  … %s\r", what)
		}
		return
	}
	line := r.t("up.started", "what", what, "seconds", seconds(r.now().Sub(r.stages[p.Stage])))
	if p.Stopping {
		line = r.t("up.ended", "what", what)
	}
	if r.streams.ErrTerminal && !r.verbose {
		fmt.Fprint(r.streams.Err, "\x1b[K")
	}
	fmt.Fprintln(r.streams.Err, line)
	if p.Stage == server.StageConsole && !p.Stopping && r.o.conf.Demo {
		r.say("up.consoleFirst", "address", r.o.conf.Listen)
	}
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) }

// ready prints everything that a newcomer needs.
func (r *upReport) ready(info server.Info) {
	out := func(key string, pairs ...any) { fmt.Fprintln(r.streams.Out, r.t(key, pairs...)) }
	fmt.Fprintln(r.streams.Out)
	out("up.ready", "seconds", seconds(r.now().Sub(r.began)))
	fmt.Fprintln(r.streams.Out)
	out("up.ready.console", "url", info.URL)
	out("up.ready.certificate", "fingerprint", info.Fingerprint)
	if info.Password != "" {
		out("up.ready.password", "user", info.User, "password", info.Password, "file", info.PasswordFile)
	} else {
		out("up.ready.user", "user", info.User)
	}
	fmt.Fprintln(r.streams.Out)
	out("up.ready.try")
	fmt.Fprintln(r.streams.Out)
	fmt.Fprintf(r.streams.Out, "    export KUBECONFIG=%s\n", shellQuote(info.Kubeconfig))
	commands := []string{"get clusters", "cluster add NAME --kubeconfig FILE", "login " + info.URL}
	if r.o.conf.Demo {
		commands = []string{"get nodes", "drain w3 --plan-only", "capacity"}
	}
	for _, c := range commands {
		fmt.Fprintf(r.streams.Out, "    %s %s\n", shellQuote(callName()), c)
	}
	fmt.Fprintln(r.streams.Out)
	out("up.ready.stop", "dir", r.o.conf.DataDir)
}

func (r *upReport) stopping() {
	fmt.Fprintln(r.streams.Err)
	r.say("up.stopping")
}

func (r *upReport) stopped() { r.say("up.stopped", "dir", r.o.conf.DataDir) }

// callName is how this program is called in this shell.
func callName() string {
	self, err := os.Executable()
	if err != nil {
		return "kanrin"
	}
	if found, err := exec.LookPath("kanrin"); err == nil {
		if a, err := os.Stat(found); err == nil {
			if b, err := os.Stat(self); err == nil && os.SameFile(a, b) {
				return "kanrin"
			}
		}
	}
	if cwd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(cwd, self); err == nil && filepath.IsLocal(rel) {
			return "." + string(filepath.Separator) + rel
		}
	}
	return self
}

// shellQuote makes a word that a shell reads as it is.
func shellQuote(s string) string {
	for _, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '/' || c == '.' || c == '-' || c == '_' || c == ':' || c == '@' || c == ',') {
			return "'" + replaceQuotes(s) + "'"
		}
	}
	return s
}

func replaceQuotes(s string) string {
	var out []byte
	for i := range len(s) {
		if s[i] == '\'' {
			out = append(out, `'\''`...)
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}

// upError says what stands in the way of the start, and what to do about it.
func (a *app) upError(o upOptions, err error) error {
	e := &cli.Error{Code: cli.Failed, What: a.t("up.what.start"), Why: err.Error(), Next: a.t("up.next.logs", "dir", o.conf.DataDir), Cause: err}
	var inUse *server.InUseError
	switch {
	case errors.As(err, &inUse) && inUse.PID > 0:
		e.Why, e.Next = a.t("up.why.inUse", "dir", inUse.DataDir, "pid", inUse.PID), a.t("up.next.inUse", "pid", inUse.PID)
	case errors.As(err, &inUse):
		e.Why, e.Next = a.t("up.why.inUseByAnother", "dir", inUse.DataDir), a.t("up.next.inUseByAnother")
	case errors.Is(err, syscall.EADDRINUSE):
		e.Why, e.Next = a.t("up.why.portTaken", "address", o.conf.Listen), a.t("up.next.portTaken")
	case errors.Is(err, kubebin.ErrNotFound):
		e.Next = a.t("up.next.kube")
	}
	return e
}
