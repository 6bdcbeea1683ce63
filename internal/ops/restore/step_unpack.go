package restore

import (
	"bytes"
	"context"
	"path"
	"time"

	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// unpack gives a bare host its own files from the set. Its static pods stay away until it is their turn.
type unpack struct{ base }

// Done implements plan.Behaviour.
func (b unpack) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	out, err := b.ask(ctx, s, a, "placed")
	return out != "", err
}

// Do implements plan.Behaviour.
func (b unpack) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	set, err := b.open(ctx, s, a.Backup)
	if err != nil {
		return err
	}
	defer set.Close() //nolint:errcheck // only read from
	files, err := packed(ctx, set, path.Join(a.Keys, a.Host+fileKeys))
	if err != nil {
		return plan.Fail("RestoreSetUnreadable", a.Backup, err)
	}
	if _, err := b.change(ctx, s, a, "room"); err != nil {
		return err
	}
	err = b.onMachine(ctx, s, a.Host, func(ctx context.Context, m *hosts.Machine) error {
		_, err := m.Run(ctx, hosts.Command{Args: []string{"sh", "-c", hostScript, "sh", "unpack", s.Operation.Name, a.DataDir}, Stdin: bytes.NewReader(files)})
		return err
	})
	if err != nil {
		return err
	}
	_, err = b.change(ctx, s, a, "place")
	return err
}

// Undo implements plan.Undoer.
func (b unpack) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil || passed(s) {
		return false, err
	}
	if _, err := b.change(ctx, s, a, "unplace"); err != nil {
		return false, err
	}
	return b.sweep(ctx, s)
}

// kubeletUp enables and starts the kubelet of a host that has its files back.
type kubeletUp struct{ base }

// Done implements plan.Behaviour.
func (b kubeletUp) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return false, err
	}
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return false, err
	}
	u, err := m.Unit(ctx, "kubelet")
	return err == nil && s.Resumed && u.Enabled && u.Active == "active", call.OnHost(ctx, a.Host, err)
}

// Do implements plan.Behaviour.
func (b kubeletUp) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[hostArgs](s)
	if err != nil {
		return err
	}
	return b.unit(ctx, s, a, `systemctl daemon-reload && systemctl enable kubelet && systemctl --no-block restart kubelet`, "active")
}

// Undo implements plan.Undoer.
func (b kubeletUp) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[hostArgs](s)
	if err != nil || passed(s) {
		return false, err
	}
	err = b.unit(ctx, s, a, `systemctl --no-block stop kubelet && systemctl disable kubelet`, "inactive")
	return err == nil, err
}

// unit gives an order to systemd and waits until the kubelet is in a state.
func (b base) unit(ctx context.Context, s *plan.Scope, a hostArgs, order, state string) error {
	err := b.onMachine(ctx, s, a.Host, func(ctx context.Context, m *hosts.Machine) error {
		_, err := m.Script(ctx, order)
		return err
	})
	if err != nil {
		return err
	}
	for {
		m, err := b.Machine(ctx, s, a.Host)
		if err != nil {
			return err
		}
		u, err := m.Unit(ctx, "kubelet")
		if err == nil && (u.Active == state || state == "inactive" && u.Active == "failed") {
			s.GoOn()
			return nil
		}
		if err != nil && !lost(err) {
			return call.OnHost(ctx, a.Host, err)
		}
		s.Wait("Unit", a.Host, "unit", "kubelet", "state", u.Active)
		if err := call.Sleep(ctx, 300*time.Millisecond); err != nil {
			return err
		}
	}
}
