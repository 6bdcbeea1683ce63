package hosts

import (
	"cmp"
	"log/slog"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Options of a Pool. Zero limits mean the values of Limits' comments.
type Options struct {
	Client  client.Client // of the management API
	DataDir string        // holds power.d
	Log     *slog.Logger
	Limits  Limits
}

// Limits of what is waited for, and of how much is done at once.
type Limits struct {
	Connect   time.Duration // of the TCP connection: 5 s
	Handshake time.Duration // of connection, key exchange and sign-in together, and of the start of a command: 10 s
	// A connection on which nothing is heard is taken for dead after Keepalive + KeepaliveReply: 5 s + 8 s.
	Keepalive      time.Duration
	KeepaliveReply time.Duration
	Idle           time.Duration // after which an unused connection is closed: 1 min
	Command        time.Duration // of a command whose context and Timeout say nothing: 15 min
	Dials          int           // at once: 64
	Sessions       int           // on one connection at once: 8 (sshd allows 10, MaxSessions)
}

func (l Limits) complete() Limits {
	return Limits{
		Connect: cmp.Or(l.Connect, 5*time.Second), Handshake: cmp.Or(l.Handshake, 10*time.Second),
		Keepalive: cmp.Or(l.Keepalive, 5*time.Second), KeepaliveReply: cmp.Or(l.KeepaliveReply, 8*time.Second),
		Idle: cmp.Or(l.Idle, time.Minute), Command: cmp.Or(l.Command, 15*time.Minute),
		Dials: cmp.Or(l.Dials, 64), Sessions: cmp.Or(l.Sessions, 8),
	}
}
