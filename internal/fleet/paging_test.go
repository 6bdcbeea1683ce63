package fleet_test

import (
	"testing"

	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/fleettest"
)

// A server that cannot stream what it has is read in pages, and then watched.
func TestPagesOfAnOldServer(t *testing.T) {
	cluster := fleettest.Fill(t, api.Config, fleettest.Size{Nodes: 3, Pods: 40, PerWorkload: 4, Prefix: "old-"})
	defer cluster.Empty(t)
	conn, end, err := fleet.ConnectWithoutStreaming("old", api.Kubeconfig, 7)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	fleettest.Synced(t, conn)
	seen := 0
	for _, node := range cluster.Nodes {
		for _, p := range conn.Pods().ByNode(node) {
			seen++
			if p.Status.Phase != "Running" || len(p.OwnerReferences) != 1 || conn.Pods().Requests(p).CPUMilli != 150 || len(p.Status.Conditions) != 2 {
				t.Fatalf("pod as kept: %+v, requests %+v", p, conn.Pods().Requests(p))
			}
		}
	}
	if seen != 40 {
		t.Errorf("%d pods were read, not 40", seen)
	}
	fleettest.Namespace(t, api.Client, "old-late")
	if _, err := api.Client.CoreV1().Pods("old-late").Create(t.Context(), podOf("old-late", "late", cluster.Nodes[0]), createOptions); err != nil {
		t.Fatal(err)
	}
	fleettest.Eventually(t, "what comes later is seen", has(conn, "old-late", "late", true))
	if err := api.Client.CoreV1().Pods("old-late").Delete(t.Context(), "late", deleteNow); err != nil {
		t.Fatal(err)
	}
	fleettest.Eventually(t, "what goes later is seen", has(conn, "old-late", "late", false))
}
