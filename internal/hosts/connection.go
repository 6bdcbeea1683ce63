package hosts

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// connection is one SSH connection, over which several commands may run at once.
type connection struct {
	client *ssh.Client
	raw    net.Conn
	target *target
	limits Limits
	slots  chan struct{} // one per session
	done   chan struct{} // closed when the connection has ended

	sudo struct { // asked once per connection
		sync.Mutex
		works bool
	}

	mu     sync.Mutex
	users  int
	used   time.Time
	closed bool
}

func newConnection(client *ssh.Client, raw net.Conn, t *target, l Limits) *connection {
	return &connection{
		client: client, raw: raw, target: t, limits: l,
		slots: make(chan struct{}, l.Sessions), done: make(chan struct{}), used: time.Now(),
	}
}

// alive reports whether the connection is not known to have ended.
func (c *connection) alive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed
}

// hold keeps the connection from being closed as idle; false when it has ended.
func (c *connection) hold() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.users++
	return true
}

func (c *connection) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users--
	c.used = time.Now()
}

// close ends the connection unless it is idle only and somebody uses it.
func (c *connection) close(onlyIdle bool) bool {
	c.mu.Lock()
	if onlyIdle && (c.users > 0 || time.Since(c.used) < c.limits.Idle) {
		c.mu.Unlock()
		return false
	}
	c.closed = true
	c.mu.Unlock()
	_ = c.raw.Close() // it is of no more use, whatever close says
	return true
}

// look watches over the connection until it ends: dead, idle, or with ctx.
func (c *connection) look(ctx context.Context) {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	tasks.Go(func() {
		_ = c.client.Wait() // why it ended is told to who uses it
		c.close(false)
		close(c.done)
	})
	defer c.close(false)
	tick := time.NewTicker(min(c.limits.Keepalive, c.limits.Idle))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.done:
			return
		case <-tick.C:
			if c.close(true) || !c.answers(&tasks) {
				return
			}
		}
	}
}

// answers asks for a sign of life: any reply is one, a refusal too (RFC 4254, section 4).
func (c *connection) answers(tasks *sync.WaitGroup) bool {
	reply := make(chan error, 1)
	tasks.Go(func() {
		_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
		reply <- err
	})
	timer := time.NewTimer(c.limits.KeepaliveReply)
	defer timer.Stop()
	select {
	case err := <-reply:
		return err == nil
	case <-timer.C:
		return false
	}
}

// session opens a session. A server that allows fewer at once than we do is asked again while others of ours are open.
func (c *connection) session(ctx context.Context) (*ssh.Session, func(), error) {
	select {
	case c.slots <- struct{}{}:
	case <-c.done:
		return nil, nil, errLost
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	free := func() { <-c.slots }
	for {
		s, err := c.newSession(ctx)
		if err == nil {
			return s, free, nil
		}
		var full *ssh.OpenChannelError
		if !errors.As(err, &full) || len(c.slots) < 2 {
			free()
			return nil, nil, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			free()
			return nil, nil, ctx.Err()
		}
	}
}

var (
	errLost   = errors.New("the connection was lost")
	errSilent = errors.New("no answer in time")
)

// newSession gives up after the handshake limit. A machine that answers keepalives and opens no session is not waited for either.
func (c *connection) newSession(ctx context.Context) (*ssh.Session, error) {
	type result struct {
		session *ssh.Session
		err     error
	}
	opened := make(chan result, 1)
	go func() { // ends at the latest when the connection is closed
		s, err := c.client.NewSession()
		opened <- result{s, err}
	}()
	timer := time.NewTimer(c.limits.Handshake)
	defer timer.Stop()
	var why error
	select {
	case r := <-opened:
		return r.session, r.err
	case <-timer.C:
		why = errSilent
	case <-ctx.Done():
		why = ctx.Err()
	}
	go func() {
		if r := <-opened; r.err == nil {
			_ = r.session.Close()
		}
	}()
	return nil, why
}

// lost describes a connection that ended, or stood still, under a command.
func (t *target) lost(err error) *Error {
	return t.fail(v1alpha1.HostNoAnswer, "lost", err)
}
