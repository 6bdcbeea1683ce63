package fleet

import (
	"log/slog"

	"kanrin.dev/kanrin/internal/fleet/kubeconfig"
)

// Connect connects without a fleet.
func Connect(name string, data []byte) (*Connection, func(), error) {
	creds, err := kubeconfig.Parse(data, "")
	if err != nil {
		return nil, nil, err
	}
	c, err := newConnection(name, creds, Configuration{}.withDefaults(), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	c.start()
	return c, c.close, nil
}
