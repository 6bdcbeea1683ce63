package leader

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
)

// Configuration of an election. All times must be whole seconds.
type Configuration struct {
	Namespace, Name string
	// Identity of this process, unique among all; empty makes one of the host name, the process number and chance.
	Identity string
	// LeaseDuration is how long a lease is respected by others after its last renewal.
	LeaseDuration time.Duration
	// RenewDeadline is after how long without a successful renewal the term is ended.
	RenewDeadline time.Duration
	// RetryPeriod is the time between renewals and between attempts.
	RetryPeriod time.Duration
	// Margin before the end of LeaseDuration at which Check begins to refuse; it must cover a call begun just before.
	Margin time.Duration
	// Exclusive says that no other process can be using this management API at the start (a file lock proves it). What holds the
	// lease then is dead and is not waited for.
	Exclusive bool
}

// Default is the election that Kanrin uses.
func Default() Configuration {
	return Configuration{
		Namespace: "kanrin-system", Name: "kanrin-leader",
		LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second, Margin: 2 * time.Second,
	}
}

// Validate reports what is missing or wrong.
func (c Configuration) Validate() error {
	var errs []error
	if c.Namespace == "" || c.Name == "" {
		errs = append(errs, errors.New("the lease lacks a namespace or a name"))
	}
	if c.RetryPeriod <= 0 || c.RenewDeadline < 2*c.RetryPeriod || c.Margin <= 0 || c.LeaseDuration-c.Margin < c.RenewDeadline {
		errs = append(errs, errors.New("of the election's times, retry × 2 ≤ renew deadline ≤ lease duration − margin must hold"))
	}
	if c.LeaseDuration%time.Second != 0 {
		errs = append(errs, errors.New("the lease duration is not in whole seconds"))
	}
	return errors.Join(errs...)
}

// Dependencies of an election.
type Dependencies struct {
	Client kubernetes.Interface
	Log    *slog.Logger
	// Lead does the work of a leader until ctx ends, which it does when the term does. It must return then; the next election
	// waits for it.
	Lead func(ctx context.Context, term *Term)
}

// Leader takes part in elections until it is stopped.
type Leader struct {
	conf Configuration
	deps Dependencies

	stop context.CancelFunc
	done chan struct{}

	mu   sync.Mutex
	term *Term
}

// New prepares an election; nothing happens before Start.
func New(conf Configuration, deps Dependencies) (*Leader, error) {
	if err := conf.Validate(); err != nil {
		return nil, err
	}
	if deps.Client == nil || deps.Lead == nil {
		return nil, errors.New("an election needs a client and something to do")
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if conf.Identity == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("naming this process: %w", err)
		}
		conf.Identity = fmt.Sprintf("%s-%d-%s", host, os.Getpid(), rand.Text()[:8])
	}
	return &Leader{conf: conf, deps: deps, done: make(chan struct{})}, nil
}

// Identity of this process.
func (l *Leader) Identity() string { return l.conf.Identity }

// Start begins to take part. ctx bounds only the start.
func (l *Leader) Start(ctx context.Context) error {
	dead, err := l.deadHolder(ctx)
	if err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	go l.run(run, dead) // Stop waits for done
	return nil
}

// deadHolder is who holds the lease although it cannot be alive.
func (l *Leader) deadHolder(ctx context.Context) (string, error) {
	if !l.conf.Exclusive {
		return "", nil
	}
	lease, err := l.deps.Client.CoordinationV1().Leases(l.conf.Namespace).Get(ctx, l.conf.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading lease %s/%s: %w", l.conf.Namespace, l.conf.Name, err)
	}
	if lease.Spec.HolderIdentity == nil {
		return "", nil
	}
	return *lease.Spec.HolderIdentity, nil
}

// Stop ends a term in order (the work ends, then the lease is released) and returns when nothing is left.
func (l *Leader) Stop(ctx context.Context) error {
	if l.stop == nil {
		return nil // never started
	}
	l.stop()
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("ending leadership: %w", ctx.Err())
	}
}

func (l *Leader) run(ctx context.Context, dead string) {
	defer close(l.done)
	for n := 1; ctx.Err() == nil; n++ {
		l.oneTerm(ctx, n, dead)
	}
}

// oneTerm waits for the lease, has the work done while it is held, and returns when the work has ended.
func (l *Leader) oneTerm(ctx context.Context, n int, dead string) {
	lock := &termLock{
		LeaseLock: resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: l.conf.Namespace, Name: l.conf.Name},
			Client:     l.deps.Client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: termIdentity(l.conf.Identity, n)},
		},
		valid: l.conf.LeaseDuration - l.conf.Margin,
		log:   l.deps.Log,
	}
	lock.isDead = func(holder string) bool {
		return holder == dead || (ofProcess(holder, l.conf.Identity) && holder != lock.Identity())
	}
	won := make(chan struct{})
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, Name: l.conf.Name,
		LeaseDuration: l.conf.LeaseDuration, RenewDeadline: l.conf.RenewDeadline, RetryPeriod: l.conf.RetryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(won) },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		l.deps.Log.Error("the election cannot be held", "error", err) // Validate leaves no such configuration
		<-ctx.Done()
		return
	}
	// The election outlives ctx by the time that the work takes to end, so that the lease is held until then. Its own log is
	// left out: the lock says what is worth saying, and an orderly end is no error.
	electing, stopElecting := context.WithCancel(klog.NewContext(context.WithoutCancel(ctx), logr.Discard()))
	defer stopElecting()
	over := make(chan struct{})
	go func() { defer close(over); elector.Run(electing) }() // waited for below on every path

	select {
	case <-won:
	case <-over:
		return
	case <-ctx.Done():
		stopElecting()
		<-over
		if t := lock.current(); t != nil { // won in the very last moment
			t.end()
			l.release(lock)
		}
		return
	}
	l.lead(ctx, lock.current(), over)
	stopElecting()
	<-over
	l.release(lock)
}

// lead has the work done until ctx ends, the election says that the term is over, or Check refuses.
func (l *Leader) lead(ctx context.Context, term *Term, over <-chan struct{}) {
	l.setTerm(term)
	defer l.setTerm(nil)
	l.deps.Log.Debug("leading", "epoch", term.Epoch(), "identity", l.conf.Identity)
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() { defer close(ended); l.deps.Lead(work, term) }() // waited for below

	deadline := time.NewTimer(time.Until(term.Deadline()))
	defer deadline.Stop()
	for leading := true; leading; {
		select {
		case <-ctx.Done():
			leading = false
		case <-over:
			term.end()
			leading = false
		case <-deadline.C:
			if leading = term.Check() == nil; leading {
				deadline.Reset(time.Until(term.Deadline()))
			} else {
				term.end()
			}
		}
	}
	cancel()
	<-ended
	term.end()
	l.deps.Log.Debug("no longer leading", "epoch", term.Epoch(), "identity", l.conf.Identity)
}

// release is a courtesy: without it the others wait until the lease has run out.
func (l *Leader) release(lock *termLock) {
	ctx, cancel := context.WithTimeout(context.Background(), l.conf.RetryPeriod)
	defer cancel()
	if err := lock.release(ctx); err != nil {
		l.deps.Log.Warn("the lease is not released and runs out by itself", "error", err)
	}
}

func (l *Leader) setTerm(t *Term) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.term = t
}

// Term is the present term, nil while this process does not lead.
func (l *Leader) Term() *Term {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.term
}

// Check returns nil only while this process leads and no other can.
func (l *Leader) Check() error {
	if t := l.Term(); t != nil {
		return t.Check()
	}
	return ErrNotLeading
}

// Deadline is that of the present term, and lies in the past while there is none.
func (l *Leader) Deadline() time.Time {
	if t := l.Term(); t != nil {
		return t.Deadline()
	}
	return time.Now().Add(-time.Nanosecond)
}

// Epoch is that of the present term, 0 while there is none.
func (l *Leader) Epoch() int64 {
	if t := l.Term(); t != nil {
		return t.Epoch()
	}
	return 0
}
