package hosts

import (
	"cmp"
	"context"
	"errors"
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	"kanrin.dev/kanrin/api/v1alpha1"
)

var errSeen = errors.New("the key was seen")

// Scan asks a machine for its host key, as ssh-keyscan does, and signs in nowhere. Port 0 means 22. It takes at most 10 s. The error is
// an *Error of HostUnreachable or HostNoAnswer, or that of ctx.
func Scan(ctx context.Context, address string, port int) (ssh.PublicKey, error) {
	l := Limits{}.complete()
	t := &target{host: address, addr: address, port: cmp.Or(port, DefaultPort)}
	deadline := time.Now().Add(l.Handshake)
	conn, err := connect(ctx, t.address(), l.Connect)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, t.unreachable(err)
	}
	defer conn.Close() //nolint:errcheck // nothing was sent that could be lost
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_ = conn.SetDeadline(deadline)

	var shown ssh.PublicKey
	_, _, _, err = ssh.NewClientConn(conn, t.address(), &ssh.ClientConfig{
		User: "kanrin", ClientVersion: "SSH-2.0-Kanrin", HostKeyAlgorithms: hostKeyAlgorithms,
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			shown = key
			return errSeen
		},
	})
	switch {
	case shown != nil:
		return shown, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case silent(err):
		return nil, t.fail(v1alpha1.HostNoAnswer, "", err, "seconds", int(l.Handshake.Seconds()))
	}
	return nil, t.fail(v1alpha1.HostNoAnswer, "broken", err, "seconds", int(l.Handshake.Seconds()))
}
