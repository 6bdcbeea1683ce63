//go:build linux

package lab

import "context"

// HostStatus is a host as it stands.
type HostStatus struct {
	Name    string `json:"name"`
	Role    string `json:"role"`
	Address string `json:"address"`
	// State is On, Off, Paused or Cut.
	State string `json:"state"`
}

// States of hosts.
const (
	StateOn     = "On"
	StateOff    = "Off"
	StatePaused = "Paused"
	StateCut    = "Cut"
)

// Status looks at every host.
func (l *Lab) Status(ctx context.Context) []HostStatus {
	out := make([]HostStatus, 0, len(l.Hosts))
	for _, h := range l.Hosts {
		s := HostStatus{Name: h.Name, Role: h.Role, Address: h.Address.String(), State: StateOn}
		switch {
		case !l.Running(h):
			s.State = StateOff
		case l.Frozen(h):
			s.State = StatePaused
		case l.IsCut(ctx, h):
			s.State = StateCut
		}
		out = append(out, s)
	}
	return out
}
