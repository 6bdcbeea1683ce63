package access

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/httpapi"
)

// Configuration of who may come in and for how long. The zero value of a duration or of Hash means its default.
type Configuration struct {
	// DataDir is where admin-password and admin.kubeconfig are written.
	DataDir string
	// SessionTTL is how long a sign-in is valid; 12 h.
	SessionTTL time.Duration
	// MachineTTL is how long the token of admin.kubeconfig is valid; 90 days. It is renewed when less than a third is left.
	MachineTTL time.Duration
	// CacheTTL bounds how long this server believes a session or a right that ended elsewhere; 3 s, at most 5 s.
	CacheTTL time.Duration
	// Hash are the parameters of new password hashes.
	Hash HashParameters
	// Namespace of the current context of admin.kubeconfig: the cluster that plain kubectl operates. Empty: the only cluster, if there
	// is exactly one.
	Namespace string
}

func (c *Configuration) setDefaults() {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&c.SessionTTL, 12*time.Hour)
	set(&c.MachineTTL, 90*24*time.Hour)
	set(&c.CacheTTL, 3*time.Second)
	if c.Hash == (HashParameters{}) {
		c.Hash = DefaultHashParameters
	}
}

// Validate reports what cannot work.
func (c Configuration) Validate() error {
	c.setDefaults()
	switch {
	case c.DataDir == "":
		return errors.New("access: DataDir is not set: there is no place for the first administrator's password")
	case c.SessionTTL < time.Minute || c.MachineTTL < time.Minute:
		return errors.New("access: sessions of less than a minute are of no use")
	case c.CacheTTL < 0 || c.CacheTTL > 5*time.Second:
		return errors.New("access: CacheTTL is above 5 s: what was revoked would be believed for too long")
	}
	if _, _, _, err := decodeHash(encodeHash(c.Hash, make([]byte, saltBytes), make([]byte, hashBytes))); err != nil {
		return fmt.Errorf("access: parameters of password hashes: %w", err)
	}
	return nil
}

// Dependencies of Access.
type Dependencies struct {
	// Management reaches the management API with the right to read and write Secrets in kanrin-system and role bindings everywhere.
	Management *rest.Config
	Log        *slog.Logger
	// Clock is the real one when nil.
	Clock clock.WithTicker
}

// Access is the component. It can be used between Start and Stop.
type Access struct {
	conf  Configuration
	log   *slog.Logger
	clock clock.WithTicker

	hasher   *hasher
	accounts *accounts
	sessions *sessions
	bindings *bindings
	reviewer *reviewer
	cache    *sessionCache

	// changes serialises changes of users on this server, so that two of them cannot remove the last two administrators.
	changes sync.Mutex
	// inForce is the number of sessions when they were last counted.
	inForce atomic.Int64

	mu       sync.Mutex
	ended    []func(Ended)
	endpoint Endpoint

	cancel context.CancelFunc
	done   chan struct{}
}

// New makes the component; it asks nothing of the API yet.
func New(conf Configuration, deps Dependencies) (*Access, error) {
	conf.setDefaults()
	if err := conf.Validate(); err != nil {
		return nil, err
	}
	if deps.Clock == nil {
		deps.Clock = clock.RealClock{}
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	mgmt := rest.CopyConfig(deps.Management)
	mgmt.QPS = -1 // the API's own priority and fairness decides, not this client
	client, err := kubernetes.NewForConfig(mgmt)
	if err != nil {
		return nil, fmt.Errorf("making a client of the management API: %w", err)
	}
	secrets := client.CoreV1().Secrets(v1alpha1.SystemNamespace)
	a := &Access{
		conf: conf, log: deps.Log, clock: deps.Clock,
		hasher:   newHasher(conf.Hash),
		accounts: &accounts{client: secrets},
		sessions: &sessions{client: secrets, clock: deps.Clock},
		bindings: &bindings{client: client},
		reviewer: &reviewer{client: client, clock: deps.Clock, ttl: conf.CacheTTL, answers: map[question]answer{}},
		done:     make(chan struct{}),
	}
	a.cache = newSessionCache(deps.Clock, conf.CacheTTL, a.lookUp)
	return a, nil
}

// Start makes the first administrator when there is none, and begins to clean up expired sessions.
func (a *Access) Start(ctx context.Context) error {
	if err := a.bootstrap(ctx); err != nil {
		return fmt.Errorf("making the first administrator: %w", err)
	}
	ctx, a.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go a.keep(ctx)
	return nil
}

// Stop ends the clean-up and waits for it.
func (a *Access) Stop(ctx context.Context) error {
	if a.cancel == nil {
		return nil
	}
	a.cancel()
	select {
	case <-a.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the clean-up of sessions to end: %w", ctx.Err())
	}
}

// keepInterval is how often expired sessions are removed and admin.kubeconfig is looked after.
const keepInterval = 10 * time.Minute

func (a *Access) keep(ctx context.Context) {
	defer close(a.done)
	ticker := a.clock.NewTicker(keepInterval)
	defer ticker.Stop()
	for {
		if err := a.sweep(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("expired sessions were not removed; the next try is in ten minutes", "error", err)
		}
		if err := a.renewAdminKubeconfig(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("admin.kubeconfig was not renewed; the next try is in ten minutes", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
	}
}

// Ended tells which sessions are no longer in force, or are to be judged anew: one session, or all of a user.
type Ended struct {
	Session string
	User    string
}

// OnEnded calls f, which must not block, whenever sessions end on this server by being revoked or because their user changes, so that
// what still streams to them can be cut.
func (a *Access) OnEnded(f func(Ended)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = append(a.ended, f)
}

// changed makes a change effective on this server at once.
func (a *Access) changed(e Ended) {
	a.cache.forget()
	if e.User != "" {
		a.reviewer.forget()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.ended {
		f(e)
	}
}

// Allowed reports whether the caller may do verb to resource of group kanrin.dev in a cluster ("": in all of them), by the management
// API's RBAC. Answers are up to CacheTTL old, but never older than the last change of roles made on this server.
func (a *Access) Allowed(ctx context.Context, caller httpapi.Caller, verb, resource, cluster string) (bool, error) {
	return a.reviewer.allowed(ctx, caller, verb, resource, cluster)
}

// Require is Allowed as an error: nil, or the refusal that names the missing verb.
func (a *Access) Require(ctx context.Context, caller httpapi.Caller, verb, resource, cluster string) error {
	ok, err := a.Allowed(ctx, caller, verb, resource, cluster)
	if err != nil {
		return err
	}
	if !ok {
		return forbidden(caller.User, verb, resource, cluster)
	}
	return nil
}

// Role is the highest role that user has in any cluster, "" when none.
func (a *Access) Role(ctx context.Context, user string) (Role, error) {
	roles, err := a.bindings.of(ctx, user)
	if err != nil {
		return "", Unavailable(err)
	}
	return highest(roles), nil
}

// Sessions is the number of sessions in force when they were last counted, at most ten minutes ago.
func (a *Access) Sessions() int64 { return max(a.inForce.Load(), 0) }

// Ready returns why the management API, without which nobody can be let in, does not answer.
func (a *Access) Ready(ctx context.Context) error {
	if err := a.bindings.client.CoreV1().RESTClient().Get().AbsPath("readyz").Do(ctx).Error(); err != nil {
		return fmt.Errorf("asking the management API whether it is ready: %w", err)
	}
	return nil
}
