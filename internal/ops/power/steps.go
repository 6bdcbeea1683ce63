package power

import (
	"context"
	"time"

	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// Register makes stop, start, restart and recover known to the engine. Their cordons and evictions are the steps of package drain.
func Register(r *plan.Registry, d Dependencies) {
	b := base{call.Base{Fleet: d.Fleet, Hosts: d.Hosts}, d}
	addPlanners(r, b)
	r.AddBehaviour(KindRemember, remember{b})
	r.AddBehaviour(KindForget, forget{b})
	r.AddBehaviour(KindScaleDown, scaleDown{b})
	r.AddBehaviour(KindScaleUp, scaleUp{b})
	r.AddBehaviour(KindSuspend, suspend{b})
	r.AddBehaviour(KindRestore, restore{b})
	r.AddBehaviour(KindStopKubelet, stopKubelet{b})
	r.AddBehaviour(KindStopRuntime, stopRuntime{b})
	r.AddBehaviour(KindStartKubelet, startKubelet{b})
	r.AddBehaviour(KindStartRuntime, startRuntime{b})
	r.AddBehaviour(KindOff, off{b})
	r.AddBehaviour(KindOn, on{b})
	r.AddBehaviour(KindGateEtcd, gateEtcd{b})
	r.AddBehaviour(KindGateAPI, gateAPI{b})
	r.AddBehaviour(KindGateNodes, gateNodes{b})
	r.AddBehaviour(KindGateCore, gateCore{b})
	r.AddBehaviour(KindRestart, restart{b})
	r.AddBehaviour(KindRecover, rung{b})
	r.AddBehaviour(KindRecovered, recovered{b})
}

// clock measures what a step spends on machines.
func clock(s *plan.Scope) func() {
	began := time.Now()
	return func() { s.Measure(MeasureMachines, time.Since(began).Milliseconds()) }
}

// remember writes down what the cluster was like, before anything is changed.
type remember struct{ base }

// Done implements plan.Behaviour.
func (b remember) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	st, err := ReadState(ctx, b.d.Client, s.Cluster)
	return st != nil && st.Operation == s.ID(), err
}

// Do implements plan.Behaviour.
func (b remember) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[stateArgs](s)
	if err != nil {
		return err
	}
	found, err := ReadState(ctx, b.d.Client, s.Cluster)
	if err != nil {
		return err
	}
	if found != nil && found.Operation != s.ID() {
		return plan.Fail("StateForeign", s.Cluster, nil, "operation", found.Operation)
	}
	a.State.At = time.Now().UTC().Truncate(time.Second)
	return b.Persist(ctx, s, func(ctx context.Context) error { return writeState(ctx, b.d.Client, s.Cluster, a.State) })
}

// Undo implements plan.Undoer.
func (b remember) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	found, err := ReadState(ctx, b.d.Client, s.Cluster)
	if err != nil || found == nil || found.Operation != s.ID() {
		return false, err
	}
	return true, b.Persist(ctx, s, func(ctx context.Context) error { return dropState(ctx, b.d.Client, s.Cluster) })
}

// forget drops what was written down, when all of it is so again.
type forget struct{ base }

// Done implements plan.Behaviour.
func (b forget) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	st, err := ReadState(ctx, b.d.Client, s.Cluster)
	return st == nil, err
}

// Do implements plan.Behaviour.
func (b forget) Do(ctx context.Context, s *plan.Scope) error {
	return b.Persist(ctx, s, func(ctx context.Context) error { return dropState(ctx, b.d.Client, s.Cluster) })
}
