package hosts

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// hostKeyAlgorithms that are accepted, best first. SHA-1 (ssh-rsa) and DSA are not among them.
var hostKeyAlgorithms = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512,
}

// preferring puts the algorithms of key's type first: a server with several keys then shows the one that was pinned. The others stay,
// so that a server which has lost that one is told from a silent one.
func preferring(key ssh.PublicKey) []string {
	own := []string{key.Type()}
	if key.Type() == ssh.KeyAlgoRSA {
		own = []string{ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512}
	}
	return append(own, slices.DeleteFunc(slices.Clone(hostKeyAlgorithms), func(a string) bool { return slices.Contains(own, a) })...)
}

// errOtherKey ends a handshake at the host key.
var errOtherKey = errors.New("the machine shows another host key than the pinned one")

// dial connects and signs in, within the limits. The error is an *Error, or that of ctx.
func dial(ctx context.Context, t *target, l Limits) (*connection, error) {
	deadline := time.Now().Add(l.Handshake)
	conn, err := connect(ctx, t.address(), min(l.Connect, l.Handshake))
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, t.unreachable(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_ = conn.SetDeadline(deadline) // it fails on a closed connection only, which the handshake finds out

	var shown ssh.PublicKey
	c, channels, requests, err := ssh.NewClientConn(conn, t.address(), &ssh.ClientConfig{
		User: t.user, ClientVersion: "SSH-2.0-Kanrin",
		HostKeyAlgorithms: preferring(t.pinned),
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if shown = key; !bytes.Equal(key.Marshal(), t.pinned.Marshal()) {
				return errOtherKey
			}
			return nil
		},
		Auth: []ssh.AuthMethod{ssh.PublicKeys(t.signer)},
	})
	if err != nil {
		_ = conn.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, t.refused(err, shown, l)
	}
	if !stop() {
		_ = conn.Close()
		return nil, ctx.Err()
	}
	_ = conn.SetDeadline(time.Time{}) // from here on keepalives notice
	return newConnection(ssh.NewClient(c, channels, requests), conn, t, l), nil
}

func connect(ctx context.Context, address string, limit time.Duration) (net.Conn, error) {
	return (&net.Dialer{Timeout: limit, KeepAlive: 15 * time.Second}).DialContext(ctx, "tcp", address)
}

// unreachable says why there is no TCP connection.
func (t *target) unreachable(err error) *Error {
	var dns *net.DNSError
	why := ""
	switch {
	case errors.As(err, &dns):
		why = "name"
	case errors.Is(err, syscall.ECONNREFUSED):
		why = "refused"
	case silent(err):
		why = "silent"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		why = "route"
	}
	return t.fail(v1alpha1.HostUnreachable, why, err)
}

// refused says why a handshake failed: by how far it came, as the errors of package ssh carry no types.
func (t *target) refused(err error, shown ssh.PublicKey, l Limits) *Error {
	var algorithms *ssh.AlgorithmNegotiationError
	seconds := int(l.Handshake.Seconds())
	switch {
	case errors.Is(err, errOtherKey):
		return t.fail(v1alpha1.HostKeyChanged, "", err, "pinned", Fingerprint(t.pinned), "shown", Fingerprint(shown))
	case silent(err):
		return t.fail(v1alpha1.HostNoAnswer, "", err, "seconds", seconds)
	case errors.As(err, &algorithms):
		return t.fail(v1alpha1.HostNoAnswer, "algorithms", err, "seconds", seconds)
	case broken(err), shown == nil:
		return t.fail(v1alpha1.HostNoAnswer, "broken", err, "seconds", seconds)
	}
	// The server may offer no sign-in with keys at all; that, too, is a refusal.
	return t.fail(v1alpha1.HostUnauthorized, "", err)
}

func silent(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

func broken(err error) bool {
	var network *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.As(err, &network)
}
