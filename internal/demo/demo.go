package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"kanrin.dev/kanrin/internal/controlplane"
)

// Name of the demo cluster.
const Name = "demo"

// Pace of its pods: quick enough not to bore, slow enough to be watched.
var Pace = controlplane.Pace{
	Start: controlplane.Span{Min: 1 * time.Second, Max: 4 * time.Second},
	Run:   controlplane.Span{Min: 3 * time.Second, Max: 8 * time.Second},
	Stop:  controlplane.Span{Min: 1 * time.Second, Max: 3 * time.Second},
}

// Configuration of the demo cluster.
type Configuration struct {
	// Dir is its directory, kept over restarts.
	Dir string
	// Binary is the path of kanrin-kube.
	Binary string
}

// Dependencies of the demo cluster; all may be left out.
type Dependencies struct {
	Log *slog.Logger
}

// Demo is the component.
type Demo struct {
	cp     *controlplane.ControlPlane
	log    *slog.Logger
	seeded atomic.Bool
}

// New prepares the cluster; nothing is touched before Start.
func New(conf Configuration, deps Dependencies) (*Demo, error) {
	cp, err := controlplane.New(controlplane.Configuration{
		Name: Name, Dir: conf.Dir, Binary: conf.Binary, Scheduling: true, Kwok: controlplane.KwokStages(Pace),
	}, controlplane.Dependencies{Log: deps.Log})
	if err != nil {
		return nil, err
	}
	log := deps.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Demo{cp: cp, log: log.With("component", "demo")}, nil
}

// Start begins to start the control plane; WaitReady waits for it, and the content comes with Seed.
func (d *Demo) Start(ctx context.Context) error { return d.cp.Start(ctx) }

// WaitReady returns when the control plane is ready.
func (d *Demo) WaitReady(ctx context.Context) error { return d.cp.WaitReady(ctx) }

// Stop ends the control plane.
func (d *Demo) Stop(ctx context.Context) error { return d.cp.Stop(ctx) }

// Kubeconfig of an administrator; final after WaitReady.
func (d *Demo) Kubeconfig() ([]byte, error) { return d.cp.Kubeconfig() }

// Status of the processes.
func (d *Demo) Status() []controlplane.Status { return d.cp.Status() }

// Check returns nil while the control plane is ready and has its content.
func (d *Demo) Check() error {
	if err := d.cp.Check(); err != nil {
		return err
	}
	if !d.seeded.Load() {
		return errors.New("the demo cluster is being filled")
	}
	return nil
}

// Seed makes the content, if this was not done before, and waits until it has settled. A cluster that does not settle in
// time is used as it is.
func (d *Demo) Seed(ctx context.Context) error {
	s, err := newSeeder(d.cp.RESTConfig(), d.log)
	if err != nil {
		return err
	}
	if err := s.seed(ctx); err != nil {
		return fmt.Errorf("filling the demo cluster: %w", err)
	}
	d.seeded.Store(true)
	return nil
}

// Etcd is how its etcd is reached; final after WaitReady.
func (d *Demo) Etcd() (controlplane.EtcdFiles, error) { return d.cp.EtcdFiles() }
