package nodes

import (
	"context"
	_ "embed"
	"errors"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"kanrin.dev/kanrin/internal/hosts"
)

//go:embed listen.sh
var listenScript string

const listenLimit = 3 * time.Second

// listen tries the machine from here: TCP on the ports that a node has, and ping where there is one. A refused connection is an answer:
// only a machine that runs can refuse.
func listen(ctx context.Context, who string, addresses []string, ssh int) []string {
	var mu sync.Mutex
	var heard []string
	var trying sync.WaitGroup
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, who+": "+what)
	}
	for _, a := range addresses {
		for _, port := range []int{ssh, 10250, 6443} {
			trying.Go(func() {
				hostport := net.JoinHostPort(a, strconv.Itoa(port))
				c, err := (&net.Dialer{Timeout: listenLimit}).DialContext(ctx, "tcp", hostport)
				if err == nil {
					_ = c.Close() // nothing was said
				}
				if err == nil || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) {
					note("tcp " + hostport)
				}
			})
		}
		trying.Go(func() {
			limited, cancel := context.WithTimeout(ctx, listenLimit)
			defer cancel()
			if exec.CommandContext(limited, "ping", "-c", "1", "-W", "2", a).Run() == nil {
				note("ping " + a)
			}
		})
	}
	trying.Wait()
	slices.Sort(heard)
	return heard
}

// listenFrom does the same on another machine.
func listenFrom(ctx context.Context, m *hosts.Machine, addresses []string, ssh int) ([]string, error) {
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r, err := m.Script(limited, listenScript, append([]string{strconv.Itoa(ssh)}, addresses...)...)
	if err != nil {
		return nil, err
	}
	var heard []string
	whole := false
	for line := range strings.Lines(string(r.Stdout)) {
		if line = strings.TrimSpace(line); line == "end" {
			whole = true
		} else if line != "" {
			heard = append(heard, m.Name+": "+line)
		}
	}
	if !whole {
		return nil, errors.New("it cannot listen: bash is missing there")
	}
	return heard, nil
}

const powerOff = string(hosts.PowerOff)

// power asks the machine's power control, if it has one.
func (b base) power(ctx context.Context, f *RemoveFacts) {
	control, err := b.d.Hosts.Power(ctx, f.Cluster, f.Host)
	if errors.Is(err, hosts.ErrNoPower) {
		return
	}
	if err == nil {
		var state hosts.PowerState
		if state, err = control.State(ctx); err == nil {
			f.Power = string(state)
			return
		}
	}
	f.Power, f.PowerError = string(hosts.PowerUnknown), true
}
