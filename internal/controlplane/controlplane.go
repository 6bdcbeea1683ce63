package controlplane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"
)

// Configuration of a control plane.
type Configuration struct {
	// Name says which one it is, such as management or demo.
	Name string
	// Dir is its directory, kept over restarts.
	Dir string
	// Binary is the path of kanrin-kube.
	Binary string
	// Scheduling adds kube-controller-manager and kube-scheduler.
	Scheduling bool
	// Kwok adds kwok with this configuration file, see KwokStages; nil leaves it out.
	Kwok []byte
	// Unsynced lets etcd skip fsync. For tests: a crash of the machine may lose data.
	Unsynced bool
	// Restored says that the store in Dir/etcd comes from a snapshot and is only to be read; nil for a control plane of one's own.
	Restored *Restored
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,40}$`)

// Validate reports what is missing or wrong.
func (c Configuration) Validate() error {
	var errs []error
	if !nameForm.MatchString(c.Name) {
		errs = append(errs, fmt.Errorf("control plane name %q is not a lower-case word", c.Name))
	}
	if !filepath.IsAbs(c.Dir) {
		errs = append(errs, fmt.Errorf("control plane directory %q is not an absolute path", c.Dir))
	}
	if !filepath.IsAbs(c.Binary) {
		errs = append(errs, fmt.Errorf("path of kanrin-kube %q is not absolute", c.Binary))
	}
	return errors.Join(errs...)
}

// Dependencies of a control plane; all may be left out.
type Dependencies struct {
	Log *slog.Logger
	// Changed is called with every change of a process's status, from several goroutines; it must not block.
	Changed func(Status)
}

// ControlPlane is etcd and kube-apiserver with what belongs to them.
type ControlPlane struct {
	conf Configuration
	deps Dependencies

	pki        *PKI
	ports      *ports
	supervisor *Supervisor
	renewal    sync.WaitGroup
	letGo      chan struct{} // closed by StartAPI; nil unless Restored
	stop       context.CancelFunc
}

// New prepares a control plane; nothing is touched before Start.
func New(conf Configuration, deps Dependencies) (*ControlPlane, error) {
	if err := conf.Validate(); err != nil {
		return nil, err
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	deps.Log = deps.Log.With("controlplane", conf.Name)
	c := &ControlPlane{conf: conf, deps: deps}
	if conf.Restored != nil {
		c.letGo = make(chan struct{})
	}
	return c, nil
}

// Start makes what is missing in the directory, ends what an earlier run left behind, and starts the processes. It does not
// wait for them: see WaitReady.
func (c *ControlPlane) Start(ctx context.Context) error {
	if err := privateDir(c.conf.Dir); err != nil {
		return err
	}
	haveData := c.conf.Restored == nil // a restored store has nothing that was encrypted with a key of this PKI
	if _, err := os.Stat(filepath.Join(c.conf.Dir, "etcd", "member")); errors.Is(err, os.ErrNotExist) {
		haveData = false
	}
	var err error
	if c.pki, err = OpenPKI(filepath.Join(c.conf.Dir, "pki"), c.conf.Name, haveData, time.Now, c.deps.Log); err != nil {
		return err
	}
	if err := privateDir(filepath.Join(c.conf.Dir, "etcd")); err != nil {
		return err
	}
	if err := c.writeSettings(); err != nil {
		return err
	}
	c.ports = openPorts(filepath.Join(c.conf.Dir, "ports.json"))
	c.supervisor, err = NewSupervisor(c.conf.Dir, c.deps.Log, c.deps.Changed, c.processes()...)
	if err != nil {
		return err
	}
	if err := c.supervisor.Start(ctx); err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	c.renewal.Go(func() { c.renew(run) })
	return nil
}

// renew looks at the certificates twice a day.
func (c *ControlPlane) renew(ctx context.Context) {
	tick := time.NewTicker(12 * time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := c.pki.Renew(); err != nil {
			c.deps.Log.Error("certificates cannot be renewed", "error", err)
		}
	}
}

// Stop ends the processes in reverse order and returns when all are gone. What is left when ctx ends is killed.
func (c *ControlPlane) Stop(ctx context.Context) error {
	if c.stop == nil {
		return nil // never started
	}
	c.stop()
	c.renewal.Wait()
	return c.supervisor.Stop(ctx)
}

// WaitReady waits until every process has been ready. It gives up when ctx ends, or earlier when a process keeps ending.
func (c *ControlPlane) WaitReady(ctx context.Context) error {
	if err := c.supervisor.WaitReady(ctx); err != nil {
		return fmt.Errorf("control plane %s: %w", c.conf.Name, err)
	}
	return nil
}

func (c *ControlPlane) writeSettings() error {
	if c.conf.Restored != nil {
		return c.writeRestored()
	}
	return c.writeAuditPolicy()
}

// Status of the processes in the order of their start; nil before Start.
func (c *ControlPlane) Status() []Status {
	if c.supervisor == nil {
		return nil
	}
	return c.supervisor.Status()
}

// Check returns nil while every process is ready, and otherwise says which is not, and why.
func (c *ControlPlane) Check() error {
	var errs []error
	for _, s := range c.Status() {
		if s.State == StateReady {
			continue
		}
		err := fmt.Errorf("%s of the %s API is %s since %s", s.Name, c.conf.Name, s.State, s.Since.UTC().Format(time.RFC3339))
		if s.Reason != "" {
			err = fmt.Errorf("%w: %s", err, s.Reason)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
