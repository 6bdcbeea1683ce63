package fleettest

import (
	"net"
	"sync"
	"testing"
)

// Proxy stands between a client and a server on this machine, and breaks the connection in the ways in which networks do.
type Proxy struct {
	// Address to connect to, host:port.
	Address string

	t       testing.TB
	target  string
	mu      sync.Mutex
	thaw    chan struct{} // closed while bytes flow
	listen  net.Listener
	conns   map[net.Conn]struct{}
	serving sync.WaitGroup
}

// NewProxy begins to pass connections on to target (host:port), until the test ends.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	p := &Proxy{t: t, target: target, thaw: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	close(p.thaw)
	p.listenOn("127.0.0.1:0")
	p.Address = p.listen.Addr().String()
	t.Cleanup(func() {
		p.Thaw()
		p.Refuse()
		p.serving.Wait()
	})
	return p
}

func (p *Proxy) listenOn(address string) {
	p.t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.listen = l
	p.mu.Unlock()
	p.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.serving.Go(func() { p.pass(c) })
		}
	})
}

// Refuse closes all connections and the port.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	l := p.listen
	p.mu.Unlock()
	_ = l.Close()
	p.Cut()
}

// Serve opens the port again after Refuse.
func (p *Proxy) Serve() { p.listenOn(p.Address) }

// Cut closes the present connections; new ones are accepted.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

// Freeze accepts connections and passes on nothing, neither on new ones nor on those that are open.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thaw = make(chan struct{})
}

// Thaw ends Freeze.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.thaw:
	default:
		close(p.thaw)
	}
}

func (p *Proxy) pass(in net.Conn) {
	p.await()
	out, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = in.Close()
		return
	}
	p.mu.Lock()
	p.conns[in], p.conns[out] = struct{}{}, struct{}{}
	p.mu.Unlock()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		both.Go(func() {
			buf := make([]byte, 32<<10)
			for {
				n, err := way[0].Read(buf)
				p.await()
				if n > 0 {
					if _, werr := way[1].Write(buf[:n]); werr != nil {
						err = werr
					}
				}
				if err != nil {
					_ = way[0].Close()
					_ = way[1].Close()
					return
				}
			}
		})
	}
	both.Wait()
}

func (p *Proxy) await() {
	p.mu.Lock()
	thaw := p.thaw
	p.mu.Unlock()
	<-thaw
}
