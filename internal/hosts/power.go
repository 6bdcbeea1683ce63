package hosts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Power switches one machine on and off from outside. Each call has a deadline of its own: 60 s of a command, 25 s of a BMC.
type Power interface {
	State(ctx context.Context) (PowerState, error)
	// On and Off do nothing when the machine is in that state already. They return when the order was given, not when it was carried
	// out. Off is hard: the operating system is not asked.
	On(ctx context.Context) error
	Off(ctx context.Context) error
}

// PowerState is HostStatus.Power.
type PowerState string

const (
	PowerOn      PowerState = "on"
	PowerOff     PowerState = "off"
	PowerUnknown PowerState = "unknown"
)

// PowerDir below the data directory holds the executables that PowerSpec.Command may name.
const PowerDir = "power.d"

// DefaultBMCPort of RMCP.
const DefaultBMCPort = 623

// ErrNoPower is a host with neither a BMC nor a command.
var ErrNoPower = errors.New("the host has no power control: neither spec.power.bmc nor spec.power.command is set")

// Power returns the power control of a host, or ErrNoPower.
func (p *Pool) Power(ctx context.Context, cluster, host string) (Power, error) {
	var h v1alpha1.Host
	if err := p.client.Get(ctx, client.ObjectKey{Namespace: cluster, Name: host}, &h); err != nil {
		return nil, fmt.Errorf("reading host %s: %w", host, err)
	}
	return p.power(ctx, &h)
}

func (p *Pool) power(ctx context.Context, h *v1alpha1.Host) (Power, error) {
	switch spec := h.Spec.Power; {
	case spec.Command != "":
		return &powerCommand{dir: filepath.Join(p.dataDir, PowerDir), name: spec.Command, host: h.Name, address: h.Spec.Address}, nil
	case spec.BMC != nil:
		var secret corev1.Secret
		key := client.ObjectKey{Namespace: h.Namespace, Name: spec.BMC.CredentialsSecret}
		if err := p.client.Get(ctx, key, &secret); err != nil {
			return nil, fmt.Errorf("reading the credentials of the BMC of %s: %w", h.Name, err)
		}
		return newBMC(h.Name, spec.BMC.Address, cmp.Or(int(spec.BMC.Port), DefaultBMCPort),
			string(secret.Data[corev1.BasicAuthUsernameKey]), string(secret.Data[corev1.BasicAuthPasswordKey]))
	}
	return nil, ErrNoPower
}
