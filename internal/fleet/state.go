package fleet

import (
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet/reach"
)

// State is the truth about a connection at one moment.
type State struct {
	// Reachable: the API server answers and lets Kanrin in.
	Reachable bool
	// Synced: the caches were filled once, so there is something to show, fresh or not.
	Synced bool
	// Fresh: the caches follow the cluster. Nothing may be decided on what is not fresh.
	Fresh bool
	// StaleSince is when the cluster was last followed; nil when Fresh.
	StaleSince *time.Time
	// Reason is one of v1alpha1.Reason…, reach.ReasonNotServing, or empty while the first contact is under way.
	Reason string
	// Problem says what stands in the way, nil when nothing does.
	Problem *reach.Error
	// LastSeen is when the API server last answered, zero for never.
	LastSeen time.Time
	Version  string
	Server   string
	// Expires is when the credential runs out by its own account, zero when it does not say.
	Expires time.Time
}

// toldState is what subscribers of AreaState were last woken for.
type toldState struct {
	fresh, synced, reachable bool
	reason, why, version     string
}

// State tells how the connection stands now.
func (c *Connection) State() State {
	now := time.Now()
	c.mu.Lock()
	s := State{
		Reachable: !c.heard.IsZero() && c.missed.IsZero(), Problem: c.problem,
		LastSeen: c.heard, Version: c.version, Server: c.subject.Server, Expires: c.subject.Expires,
	}
	if c.refused != nil {
		s.Problem = c.refused
	}
	since, subject := c.missed, c.subject
	// A heartbeat that is overdue says as much as one that failed: the machine may have slept.
	if late := c.heard.Add(c.settings.Heartbeat + c.settings.HeartbeatTimeout + rollover); s.Reachable && now.After(late) {
		s.Reachable, since = false, c.heard
	}
	c.mu.Unlock()

	s.Synced = true
	for _, f := range c.feeds {
		synced, stale, err := f.status(now)
		s.Synced = s.Synced && synced
		if stale.IsZero() {
			continue
		}
		if since.IsZero() || stale.Before(since) {
			since = stale
		}
		if err != nil && s.Problem == nil {
			s.Problem = subject.Classify(err)
		}
	}
	s.Fresh = s.Reachable && s.Synced && since.IsZero()
	switch {
	case s.Fresh:
		s.Problem, s.Reason = nil, v1alpha1.ReasonConnected
	case s.Problem != nil:
		s.Reason = s.Problem.Reason
		s.Reachable = false
	}
	if !s.Fresh {
		s.StaleSince = &since
	}
	return s
}

// look wakes subscribers of AreaState when the state differs from what they were last woken for.
func (c *Connection) look() {
	s := c.State()
	t := toldState{fresh: s.Fresh, synced: s.Synced, reachable: s.Reachable, reason: s.Reason, version: s.Version}
	if s.Problem != nil {
		t.why = s.Problem.Why
	}
	c.mu.Lock()
	changed := t != c.told
	c.told = t
	c.mu.Unlock()
	if changed {
		c.hub.changed(AreaState)
	}
}

// lagging reports whether a watch is missing, even if not yet for long enough to call the caches stale.
func (c *Connection) lagging() bool {
	for _, f := range c.feeds {
		if !f.following() {
			return true
		}
	}
	return false
}
