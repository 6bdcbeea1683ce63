package fleet_test

import (
	"os"
	"testing"
	"time"

	"kanrin.dev/kanrin/internal/fleet/fleettest"
)

func TestKeep(t *testing.T) {
	if os.Getenv("KEEP") == "" {
		t.Skip()
	}
	os.WriteFile("/tmp/fleet.kubeconfig", api.Kubeconfig, 0o600)
	fleettest.Fill(t, api.Config, fleettest.Size{Nodes: 100, Pods: 10000, PerWorkload: 10})
	os.WriteFile("/tmp/fleet.ready", nil, 0o600)
	time.Sleep(3 * time.Hour)
}
