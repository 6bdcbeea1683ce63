package fleet

import (
	"context"
	"time"

	"kanrin.dev/kanrin/internal/fleet/kubeconfig"
	"kanrin.dev/kanrin/internal/fleet/reach"
)

const (
	// retryAfter is the pause after a heartbeat that failed, and between looks while the caches are not current.
	retryAfter = time.Second
	// pokeAfter is the shortest pause between two heartbeats.
	pokeAfter = 200 * time.Millisecond
)

// beat asks the API server at regular intervals whether it is there, until the connection is closed.
func (c *Connection) beat() {
	for c.ended.Err() == nil {
		if c.suspended() {
			select {
			case <-c.poke:
			case <-c.ended.Done():
			}
			continue
		}
		ctx, cancel := context.WithTimeout(c.ended, c.settings.HeartbeatTimeout)
		err := c.ask(ctx)
		silent := ctx.Err() != nil
		cancel()
		if c.ended.Err() != nil {
			return
		}
		c.note(err)
		if err != nil && silent {
			// The line may be dead without having been closed, and every watch hangs on it.
			c.wire.line.Load().cut()
		}
		c.look()
		c.rest()
	}
}

// hurry asks for a heartbeat now.
func (c *Connection) hurry() {
	select {
	case c.poke <- struct{}{}:
	default: // one is asked for already
	}
}

// rest sleeps until the next heartbeat is due or asked for.
func (c *Connection) rest() {
	pause := c.settings.Heartbeat
	if !c.State().Fresh || c.lagging() {
		pause = retryAfter
	}
	timer := time.NewTimer(pokeAfter)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ended.Done():
		return
	}
	timer.Reset(pause)
	select {
	case <-timer.C:
	case <-c.poke:
	case <-c.ended.Done():
	}
}

// ask sends one request that goes through to the cluster's etcd, so that an API server that has lost it does not pass for
// alive, and reads the version when it is not known.
func (c *Connection) ask(ctx context.Context) error {
	uid, err := askUID(ctx, c.watcher)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.uid = uid
	c.mu.Unlock()
	if c.Version() != "" && c.State().Fresh {
		return nil
	}
	v, err := askVersion(ctx, c.watcher)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.version = v
	c.mu.Unlock()
	return nil
}

// note records the outcome of a heartbeat.
func (c *Connection) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused != nil {
		return // asked before the credentials were withdrawn
	}
	if err == nil {
		if !c.missed.IsZero() {
			c.log.Info("the cluster answers", "server", c.subject.Server, "version", c.version)
		}
		c.heard, c.missed, c.problem = time.Now(), time.Time{}, nil
		c.gate.set(true)
		return
	}
	problem := c.subject.Classify(err)
	if c.problem == nil || c.problem.Reason != problem.Reason || c.problem.Why != problem.Why {
		c.log.Warn("the cluster does not answer", "server", c.subject.Server, "reason", problem.Reason, "err", err)
	}
	c.problem = problem
	if c.missed.IsZero() {
		c.missed = c.heard
	}
	c.gate.set(false)
}

// rotate goes on with other credentials: all requests under way end, and the caches are read anew, because it may be
// another cluster.
func (c *Connection) rotate(creds *kubeconfig.Credentials) error {
	next, err := newLine(creds.Config)
	if err != nil {
		return err
	}
	c.mu.Lock()
	stop := c.stop
	c.subject = reach.SubjectOf(c.Name, creds)
	c.missed, c.problem, c.refused, c.version = time.Now(), nil, nil, ""
	c.mu.Unlock()
	c.gate.set(false)
	stop()
	c.wire.line.Swap(next).cut()
	c.feeding.Wait()
	c.feed()
	c.look()
	c.hurry()
	return nil
}

// refuse ends all traffic: the credentials were withdrawn. A later rotate goes on.
func (c *Connection) refuse(problem *reach.Error) {
	c.mu.Lock()
	if c.missed.IsZero() {
		c.missed = time.Now()
	}
	c.refused = problem
	stop := c.stop
	c.mu.Unlock()
	c.gate.set(false)
	stop()
	c.wire.line.Swap(closedLine(c.wire.origin)).cut()
	c.feeding.Wait()
	c.look()
}

func (c *Connection) suspended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused != nil
}
