package simulate

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"kanrin.dev/kanrin/kube/snapshot"
)

// BenchmarkDrain reads a cluster of 1,000 nodes and 10,000 pods and drains ten
// nodes. The aim is 5 s and 512 MiB for a whole process.
func BenchmarkDrain(b *testing.B) {
	const nodes, pods, drained = 1000, 10_000, 10
	s := snapshot.Scenario{Name: "drain", Rounds: []snapshot.Round{{}}}
	for i := range drained {
		s.Cordon = append(s.Cordon, fmt.Sprintf("w%d", i))
		for j := i; j < pods; j += nodes {
			s.Rounds[0].Evict = append(s.Rounds[0].Evict, snapshot.Eviction{Namespace: "shop", Name: fmt.Sprintf("app%d-%d", j%(pods/20), j), Recreate: true})
		}
	}
	input := encode(b, []snapshot.Scenario{s}, large(nodes, pods)...).Bytes()
	for b.Loop() {
		header, snap, err := snapshot.Read(bytes.NewReader(input))
		if err != nil {
			b.Fatal(err)
		}
		r, err := Run(context.Background(), header, snap, Options{})
		if err != nil {
			b.Fatal(err)
		}
		for _, p := range r[0].Placements {
			if p.Node == "" {
				b.Fatalf("%s has no node: %s", p.Replacement, p.Reason)
			}
		}
	}
	b.ReportMetric(float64(peakBytes())/(1<<20), "peak-MiB")
}
