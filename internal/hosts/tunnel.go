package hosts

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// Dial connects to an address as the machine sees it, through its SSH server (which must allow it: AllowTcpForwarding). The connection
// takes no deadlines: close it to end a call.
func (m *Machine) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	for attempt := 0; ; attempt++ {
		c, err := m.pool.acquire(ctx, m.target)
		if err != nil {
			return nil, err
		}
		if !c.hold() {
			if attempt == 0 {
				continue // it ended just now: a new one is made
			}
			return nil, m.target.lost(errLost)
		}
		limited, cancel := context.WithTimeout(ctx, c.limits.Handshake)
		conn, err := c.client.DialContext(limited, network, address)
		cancel()
		if err != nil {
			c.release()
			return nil, fmt.Errorf("connecting to %s through %s: %w", address, m.Name, err)
		}
		return &tunnel{Conn: conn, release: sync.OnceFunc(c.release)}, nil
	}
}

// tunnel is a connection inside another.
type tunnel struct {
	net.Conn
	release func()
}

func (t *tunnel) Close() error {
	defer t.release()
	return t.Conn.Close()
}

// Channels of SSH know no deadlines. Who sets one closes the connection when it is over, as HTTP/2 clients do.
func (t *tunnel) SetDeadline(time.Time) error      { return nil }
func (t *tunnel) SetReadDeadline(time.Time) error  { return nil }
func (t *tunnel) SetWriteDeadline(time.Time) error { return nil }
