package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kanrin.dev/kanrin/internal/access"
	"kanrin.dev/kanrin/internal/console"
)

// App is `kanrin up`.
type App struct {
	conf Configuration
	deps Dependencies

	kube    string // path of kanrin-kube
	parts   parts
	started []started
}

// step is one component in the order of the start.
type step struct {
	stage Stage // told as progress; "" is not told
	// later says that another step ends the stage.
	later bool
	// start returns what stops the component again; with an error too, when it left something to stop.
	start func(context.Context) (stop, error)
}

type stop func(context.Context) error

type started struct {
	stage Stage
	stop  stop
}

// New prepares everything; nothing is touched before Start.
func New(conf Configuration, deps Dependencies) (*App, error) {
	if conf.Listen == "" {
		conf.Listen = console.DefaultListen
	}
	if err := conf.Validate(); err != nil {
		return nil, err
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Progress == nil {
		deps.Progress = func(Progress) {}
	}
	return &App{conf: conf, deps: deps}, nil
}

// Start starts everything in order. When it fails, or ctx ends, what was started is stopped again.
func (a *App) Start(ctx context.Context) error {
	for _, s := range a.steps() {
		a.tell(Progress{Stage: s.stage})
		stop, err := s.start(ctx)
		if stop != nil {
			a.started = append(a.started, started{s.stage, stop})
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
			defer cancel()
			return errors.Join(err, a.Stop(clean))
		}
		if !s.later {
			a.tell(Progress{Stage: s.stage, Done: true})
		}
	}
	return nil
}

// stopTimeout bounds the stop after a failed start.
const stopTimeout = 30 * time.Second

// Stop stops everything in reverse order. When ctx ends, the rest is stopped without courtesy; child processes are gone in
// any case when it returns.
func (a *App) Stop(ctx context.Context) error {
	var errs []error
	for i := len(a.started) - 1; i >= 0; i-- {
		s := a.started[i]
		a.tell(Progress{Stage: s.stage, Stopping: true})
		if err := s.stop(ctx); err != nil {
			a.deps.Log.Warn("stopping", "stage", string(s.stage), "error", err)
			errs = append(errs, err)
		}
		a.tell(Progress{Stage: s.stage, Stopping: true, Done: true})
	}
	a.started = nil
	return errors.Join(errs...)
}

func (a *App) tell(p Progress) {
	if p.Stage != "" {
		a.deps.Progress(p)
	}
}

// Failed tells when something ended by itself that Kanrin cannot be without. It is to be read after Start.
func (a *App) Failed() <-chan error { return a.parts.console.Failed() }

// Info is what people need to know to use what was started.
type Info struct {
	URL string
	// Fingerprint is the SHA-256 of the console's certificate.
	Fingerprint string
	// User and Password of the first administrator; Password is empty once it was changed.
	User, Password, PasswordFile string
	// Kubeconfig of the first administrator for programs on this machine.
	Kubeconfig string
}

// Info may be called after Start.
func (a *App) Info() Info {
	info := Info{
		URL: a.parts.console.URL(), Fingerprint: a.parts.console.Fingerprint(),
		User: access.FirstAdministrator, PasswordFile: filepath.Join(a.conf.DataDir, "admin-password"),
		Kubeconfig: filepath.Join(a.conf.DataDir, "admin.kubeconfig"),
	}
	if data, err := os.ReadFile(info.PasswordFile); err == nil {
		info.Password = strings.TrimSpace(string(data))
	}
	return info
}

// checkListen finds out before anything is started whether the console's address is free.
func (a *App) checkListen(ctx context.Context) (stop, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.conf.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", a.conf.Listen, err)
	}
	return nil, l.Close()
}
