package hosts

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Unit is what systemd says of a unit.
type Unit struct {
	Exists  bool
	Active  string // active, inactive, failed, activating …; empty when it does not exist
	Sub     string // running, dead, exited …
	Enabled bool   // it starts at boot
}

const (
	unitTimeout      = 20 * time.Second
	systemctlTimeout = 4 * time.Minute // a unit may take 90 s to stop and as long again to start
)

var (
	unitName       = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9:_.@\\-]{0,254}$`)
	systemctlVerbs = []string{"start", "stop", "restart", "enable", "disable", "reset-failed", "daemon-reload"}
)

// Unit asks for the state of a unit. A machine without systemd is an *ExitError.
func (m *Machine) Unit(ctx context.Context, name string) (Unit, error) {
	if !unitName.MatchString(name) {
		return Unit{}, fmt.Errorf("%q is not the name of a unit", name)
	}
	r, err := m.Run(ctx, Command{
		Args:    []string{"systemctl", "show", "-p", "LoadState,ActiveState,SubState,UnitFileState", name},
		Timeout: unitTimeout,
	})
	if err != nil {
		return Unit{}, fmt.Errorf("asking for unit %s: %w", name, err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(r.Stdout)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[k] = v
	}
	u := Unit{Exists: values["LoadState"] != "" && values["LoadState"] != "not-found"}
	if u.Exists {
		u.Active, u.Sub = values["ActiveState"], values["SubState"]
		u.Enabled = strings.HasPrefix(values["UnitFileState"], "enabled")
	}
	return u, nil
}

// Systemctl runs one of start, stop, restart, enable, disable, reset-failed and daemon-reload (for which unit is empty), and waits for
// its end.
func (m *Machine) Systemctl(ctx context.Context, verb, unit string) error {
	if !slices.Contains(systemctlVerbs, verb) {
		return fmt.Errorf("systemctl %s is not among what may be done", verb)
	}
	args := []string{"systemctl", verb}
	if verb != "daemon-reload" {
		if !unitName.MatchString(unit) {
			return fmt.Errorf("%q is not the name of a unit", unit)
		}
		args = append(args, unit)
	}
	if _, err := m.Run(ctx, Command{Args: args, Timeout: systemctlTimeout}); err != nil {
		return fmt.Errorf("systemctl %s %s: %w", verb, unit, err)
	}
	return nil
}
