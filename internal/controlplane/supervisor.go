package controlplane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Supervisor keeps a set of child processes running.
type Supervisor struct {
	dir      string
	log      *slog.Logger
	children []*child

	rotate     sync.WaitGroup
	stopRotate context.CancelFunc
}

// NewSupervisor prepares processes whose logs and pid files lie in dir/logs and dir/run. changed may be nil; it is called
// with every change of a status, from several goroutines, and must not block.
func NewSupervisor(dir string, log *slog.Logger, changed func(Status), processes ...Process) (*Supervisor, error) {
	s := &Supervisor{dir: dir, log: log}
	for _, p := range processes {
		if p.Name == "" || p.Path == "" || p.Args == nil || p.Ready == nil {
			return nil, fmt.Errorf("process %q lacks a name, a path, arguments or a readiness probe", p.Name)
		}
		for _, name := range p.After {
			if s.find(name) == nil {
				return nil, fmt.Errorf("process %q is to start after %q, which is not among those before it", p.Name, name)
			}
		}
		if s.find(p.Name) != nil {
			return nil, fmt.Errorf("process %q stands twice", p.Name)
		}
		s.children = append(s.children, newChild(p, dir, log, changed))
	}
	return s, nil
}

func (s *Supervisor) find(name string) *child {
	i := slices.IndexFunc(s.children, func(c *child) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return s.children[i]
}

// Start ends what an earlier run left behind and starts the processes. It does not wait for them to be ready, and ctx bounds
// only the start; they run until Stop.
func (s *Supervisor) Start(ctx context.Context) error {
	for _, d := range []string{s.dir, filepath.Join(s.dir, "logs"), filepath.Join(s.dir, "run")} {
		if err := privateDir(d); err != nil {
			return err
		}
	}
	if err := stopLeftovers(ctx, s.dir, s.log); err != nil {
		return err
	}
	for _, c := range s.children {
		run, cancel := context.WithCancel(context.Background())
		c.stop = cancel
		var after []*child
		for _, name := range c.After {
			after = append(after, s.find(name))
		}
		go c.run(run, after) // Stop waits for c.done
	}
	rotate, cancel := context.WithCancel(context.Background())
	s.stopRotate = cancel
	s.rotate.Go(func() { s.rotateLogs(rotate) })
	return nil
}

func (s *Supervisor) rotateLogs(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, c := range s.children {
			if err := rotateLog(c.logPath); err != nil {
				s.log.Warn("a log grows on", "error", err)
			}
		}
	}
}

// Stop ends the processes, each before those that it was started after, and returns when all are gone. When ctx ends, what
// is left is killed.
func (s *Supervisor) Stop(ctx context.Context) error {
	if s.stopRotate == nil {
		return nil // never started
	}
	s.stopRotate()
	s.rotate.Wait()
	stopped := map[string]bool{}
	for len(stopped) < len(s.children) {
		var now []*child
		for _, c := range s.children {
			if !stopped[c.Name] && !slices.ContainsFunc(s.children, func(other *child) bool {
				return !stopped[other.Name] && slices.Contains(other.After, c.Name)
			}) {
				now = append(now, c)
			}
		}
		for _, c := range now {
			c.stop()
		}
		for _, c := range now {
			select {
			case <-c.done:
			case <-ctx.Done():
				for _, left := range s.children {
					left.stop()
					left.kill()
				}
				<-c.done
			}
			stopped[c.Name] = true
		}
	}
	return nil
}

// Status of each process in the order of their start.
func (s *Supervisor) Status() []Status {
	out := make([]Status, len(s.children))
	for i, c := range s.children {
		out[i] = c.Status()
	}
	return out
}

// startAttempts is how often a process may end before it was ever ready until waiting for it is given up. It is started
// again nevertheless.
const startAttempts = 3

// WaitReady waits until every process, or each of those named, has been ready. It gives up when ctx ends, or when a process keeps ending before it
// is ready; the error then names the process, its reason and its log.
func (s *Supervisor) WaitReady(ctx context.Context, names ...string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, c := range s.children {
		for waiting := len(names) == 0 || slices.Contains(names, c.Name); waiting; {
			select {
			case <-c.settled:
				waiting = false
				continue
			default:
			}
			if st := c.Status(); st.State == StateBackOff && st.Restarts >= startAttempts {
				return fmt.Errorf("starting %s: it %s", c.Name, st.Reason)
			}
			select {
			case <-c.done:
				return fmt.Errorf("starting %s: %w", c.Name, errStopRequested)
			case <-ctx.Done():
				st := c.Status()
				return errors.Join(fmt.Errorf("starting %s: %s, %s; its log is %s", c.Name, st.State, st.Reason, st.Log), ctx.Err())
			case <-tick.C:
			}
		}
	}
	return nil
}
