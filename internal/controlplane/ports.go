package controlplane

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
)

// Ports are chosen below the range from which the kernel takes ports for outgoing connections (Linux: from 32768) and below
// that of Kubernetes' node ports (from 30000).
const (
	firstPort = 20000
	lastPort  = 29999
)

// ports remembers one loopback port for each purpose in a file, so that addresses stay the same over restarts.
type ports struct {
	path string

	mu     sync.Mutex
	chosen map[string]int
}

// openPorts reads the file; one that is missing or damaged only means that ports are chosen anew.
func openPorts(path string) *ports {
	p := &ports{path: path, chosen: map[string]int{}}
	if data, err := os.ReadFile(path); err == nil {
		var read map[string]int
		if json.Unmarshal(data, &read) == nil && read != nil {
			maps.DeleteFunc(read, func(_ string, port int) bool { return port < firstPort || port > lastPort })
			p.chosen = read
		}
	}
	return p
}

// address of the port chosen for a purpose, such as 127.0.0.1:20123.
func (p *ports) address(purpose string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return loopback(p.chosen[purpose])
}

// claim makes sure that the ports for the purposes can be listened on, and chooses others for those that a stranger has
// taken. When fixed, others know the addresses already: then a taken port is an error.
func (p *ports) claim(fixed bool, purposes ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := maps.Clone(p.chosen)
	for _, purpose := range purposes {
		port, ok := p.chosen[purpose]
		if ok && canListen(port) {
			continue
		}
		if fixed {
			return fmt.Errorf("cannot be started: %s is in use by another process", loopback(port))
		}
		if port, ok = p.choose(); !ok {
			return fmt.Errorf("cannot be started: no free port between %d and %d on 127.0.0.1", firstPort, lastPort)
		}
		p.chosen[purpose] = port
	}
	if maps.Equal(before, p.chosen) {
		return nil
	}
	data, err := json.Marshal(p.chosen)
	if err != nil {
		return fmt.Errorf("encoding ports: %w", err)
	}
	return writeFile(p.path, append(data, '\n'), 0o600)
}

func (p *ports) choose() (int, bool) {
	for range 200 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		taken := false
		for _, other := range p.chosen {
			taken = taken || other == port
		}
		if !taken && canListen(port) {
			return port, true
		}
	}
	return 0, false
}

func canListen(port int) bool {
	l, err := net.Listen("tcp4", loopback(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
