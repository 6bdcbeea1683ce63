package controlplane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process describes one child.
type Process struct {
	// Name is unique within a supervisor; log and pid files are named after it.
	Name string
	// Path of the program; it is started without a shell.
	Path string
	// Args is asked for the arguments before every start. settled is true once the process has been ready: others may know its
	// addresses from then on, so they must not change. An error counts as a failed start and is shown as the reason.
	Args func(settled bool) ([]string, error)
	// Ready is nil when the process can do its work. It is asked every few seconds for as long as the process runs.
	Ready func(ctx context.Context) error
	// After names processes that must have been ready before this one is started for the first time; it is stopped before them.
	After []string
	// Hold, unless nil, keeps the process from being started for the first time until it is closed.
	Hold <-chan struct{}
	// Prepare, unless nil, may change what is about to be started, such as the account it runs as.
	Prepare func(*exec.Cmd)
	// StopTimeout is how long the process may take to end after SIGTERM before it is killed; 0 means 10 s.
	StopTimeout time.Duration
}

// State of a process.
type State string

const (
	StateWaiting  State = "Waiting"  // for another process to become ready
	StateStarting State = "Starting" // runs, not ready yet
	StateReady    State = "Ready"
	StateNotReady State = "NotReady" // runs, was ready, and does not answer as it should
	StateBackOff  State = "BackOff"  // ended by itself, or could not be started; the next try comes after a pause
	StateStopped  State = "Stopped"
)

// Status of a process as an operator should read it.
type Status struct {
	Name  string
	State State
	// Reason says why the process is not ready.
	Reason string
	PID    int
	// Restarts counts the times that it ended by itself.
	Restarts int
	// Since is when State was entered.
	Since time.Time
	// Log is the path of what it prints.
	Log string
}

const (
	firstBackOff  = time.Second
	maxBackOff    = 30 * time.Second
	backOffForget = time.Minute // a process that ran for so long starts over with the shortest pause
	probeFast     = 25 * time.Millisecond
	probeSlow     = 5 * time.Second
	probeTimeout  = 4 * time.Second
)

// child runs one Process for as long as its supervisor wants it.
type child struct {
	Process
	log     *slog.Logger
	logPath string
	pidPath string
	changed func(Status)

	stop    context.CancelFunc
	done    chan struct{} // closed when run has returned and the process is gone
	settled chan struct{} // closed when the process was ready for the first time

	mu      sync.Mutex
	status  Status
	process *os.Process // nil when none runs
}

func newChild(p Process, dir string, log *slog.Logger, changed func(Status)) *child {
	c := &child{
		Process: p,
		log:     log.With("process", p.Name),
		logPath: filepath.Join(dir, "logs", p.Name+".log"),
		pidPath: filepath.Join(dir, "run", p.Name+".json"),
		changed: changed,
		done:    make(chan struct{}),
		settled: make(chan struct{}),
	}
	c.status = Status{Name: p.Name, State: StateStopped, Since: time.Now(), Log: c.logPath}
	return c
}

func (c *child) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

func (c *child) set(state State, reason string, change func(*Status)) {
	c.mu.Lock()
	before := c.status
	if before.State != state {
		c.status.Since = time.Now()
	}
	c.status.State, c.status.Reason = state, reason
	if change != nil {
		change(&c.status)
	}
	now := c.status
	c.mu.Unlock()
	if now.State == before.State && now.Reason == before.Reason && now.PID == before.PID {
		return
	}
	level := slog.LevelInfo
	switch {
	case state == StateBackOff || state == StateNotReady:
		level = slog.LevelWarn
	case state == before.State:
		level = slog.LevelDebug
	}
	c.log.Log(context.Background(), level, "process state", "state", string(state), "reason", reason, "pid", now.PID, "restarts", now.Restarts)
	if state == StateReady {
		select {
		case <-c.settled:
		default:
			close(c.settled)
		}
	}
	if c.changed != nil {
		c.changed(now)
	}
}

// run keeps the process running until ctx ends. Its thread is the parent of the process for the kernel, which kills the
// process when that thread is gone; so the goroutine keeps its thread, and ends only after the process has.
func (c *child) run(ctx context.Context, after []*child) {
	defer close(c.done)
	runtime.LockOSThread()
	for _, other := range after {
		c.set(StateWaiting, "waiting for "+other.Name, nil)
		select {
		case <-other.settled:
		case <-ctx.Done():
			c.set(StateStopped, "", nil)
			return
		}
	}
	if c.Hold != nil {
		c.set(StateWaiting, "waiting to be let go", nil)
		select {
		case <-c.Hold:
		case <-ctx.Done():
			c.set(StateStopped, "", nil)
			return
		}
	}
	pause := firstBackOff
	for {
		began := time.Now()
		reason := c.once(ctx)
		if ctx.Err() != nil {
			c.set(StateStopped, "", func(s *Status) { s.PID = 0 })
			return
		}
		if time.Since(began) > backOffForget {
			pause = firstBackOff
		}
		c.set(StateBackOff, reason, func(s *Status) { s.PID, s.Restarts = 0, s.Restarts+1 })
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			c.set(StateStopped, "", nil)
			return
		}
		pause = min(2*pause, maxBackOff)
	}
}

// once starts the process and stays until it is gone; it says why it ended.
func (c *child) once(ctx context.Context) (reason string) {
	settled := false
	select {
	case <-c.settled:
		settled = true
	default:
	}
	c.set(StateStarting, "", nil)
	args, err := c.Args(settled)
	if err != nil {
		return err.Error()
	}
	out, err := openLog(c.logPath)
	if err != nil {
		return err.Error()
	}
	defer out.Close()
	cmd := exec.Command(c.Path, args...)
	cmd.Env = childEnvironment()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = childAttributes()
	if c.Prepare != nil {
		c.Prepare(cmd)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Sprintf("cannot be started: %v", err)
	}
	if err := rememberProcess(c.pidPath, cmd.Process.Pid); err != nil {
		c.log.Warn("the process would not be recognised after a crash", "error", err)
	}
	defer os.Remove(c.pidPath)
	c.setProcess(cmd.Process)
	defer c.setProcess(nil)
	c.set(StateStarting, "not ready yet", func(s *Status) { s.PID = cmd.Process.Pid })

	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }() // received below on every path
	err = c.watch(ctx, exited)
	if errors.Is(err, errStopRequested) {
		c.terminate(cmd.Process, exited)
		return ""
	}
	return fmt.Sprintf("ended by itself (%s)%s; its log is %s", exitText(err), lastLine(c.logPath), c.logPath)
}

func (c *child) setProcess(p *os.Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process = p
}

// kill ends the process at once, if one runs.
func (c *child) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process != nil {
		_ = c.process.Kill() // fails only for a process that is gone
	}
}

var errStopRequested = errors.New("stop requested")

// watch probes the process until it ends or ctx does.
func (c *child) watch(ctx context.Context, exited <-chan error) error {
	probes, wait := time.NewTimer(0), probeFast
	defer probes.Stop()
	for {
		select {
		case err := <-exited:
			return err
		case <-ctx.Done():
			return errStopRequested
		case <-probes.C:
		}
		probe, cancel := context.WithTimeout(ctx, probeTimeout)
		err := c.Ready(probe)
		cancel()
		switch state := c.Status().State; {
		case ctx.Err() != nil:
		case err == nil:
			c.set(StateReady, "", nil)
			wait = probeSlow
		case state == StateReady || state == StateNotReady:
			c.set(StateNotReady, err.Error(), nil)
			wait = time.Second
		default:
			c.set(StateStarting, "not ready yet: "+err.Error(), nil)
			wait = min(wait*5/4, 250*time.Millisecond)
		}
		probes.Reset(wait)
	}
}

// terminate asks the process to end, and makes it end.
func (c *child) terminate(p *os.Process, exited <-chan error) {
	timeout := c.StopTimeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	_ = p.Signal(syscall.SIGTERM) // fails only for a process that is gone, which exited tells
	select {
	case <-exited:
		return
	case <-time.After(timeout):
	}
	c.log.Info("the process does not end in time and is killed", "after", timeout)
	_ = p.Kill()
	<-exited
}

func exitText(err error) string {
	if err == nil {
		return "status 0"
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.String()
	}
	return err.Error()
}

// childEnvironment is small on purpose: etcd takes settings from ETCD_*, kubectl and others from KUBE*.
func childEnvironment() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TZ"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// lastLine is the end of a log, for a reason that people can use.
func lastLine(path string) string {
	line := strings.TrimSpace(tail(path, 2048))
	if i := strings.LastIndexByte(line, '\n'); i >= 0 {
		line = line[i+1:]
	}
	if len(line) > 300 {
		line = line[:300] + "…"
	}
	if line == "" {
		return ""
	}
	return ": " + strings.ToValidUTF8(line, "?")
}
