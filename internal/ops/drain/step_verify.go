package drain

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/plan"
)

func decodeArgs(s *plan.Scope, into any) error {
	if s.Step.Args == nil {
		return fmt.Errorf("step %s: %w", s.Step.ID, errNoArgs)
	}
	if err := json.Unmarshal(s.Step.Args.Raw, into); err != nil {
		return fmt.Errorf("reading the arguments of step %s: %w", s.Step.ID, err)
	}
	return nil
}

// verify looks that nothing is left on the nodes but what stays. It changes nothing: pods that came after the plan are named, not
// evicted, because nobody has read a plan that touches them.
type verify struct{ base }

// left lists the pods that should not be there any more, and those on their way out.
func left(c *fleet.Connection, nodes []string) (there, leaving []string) {
	for _, n := range nodes {
		for _, p := range c.Pods().ByNode(n) {
			switch disruption.ClassOf(p) {
			case disruption.DaemonSet, disruption.Static:
			case disruption.Terminating:
				leaving = append(leaving, p.Namespace+"/"+p.Name)
			default:
				there = append(there, p.Namespace+"/"+p.Name)
			}
		}
	}
	return there, leaving
}

// Done implements plan.Behaviour.
func (b verify) Done(context.Context, *plan.Scope) (bool, error) {
	return false, nil // looking is its work: it is never skipped
}

// Do implements plan.Behaviour.
func (b verify) Do(ctx context.Context, s *plan.Scope) error {
	c, err := b.connect(ctx, s)
	if err != nil {
		return err
	}
	changes, stop := c.Subscribe(fleet.AreaPods, fleet.AreaState)
	defer stop()
	for {
		if !c.State().Fresh { // nothing is verified on old data
			if c, err = b.connect(ctx, s); err != nil {
				return err
			}
		}
		there, leaving := left(c, s.Step.Targets)
		switch {
		case len(there) > 0:
			return plan.Fail("PodsLeft", there[0], nil, "count", len(there))
		case len(leaving) == 0:
			return nil
		}
		s.Wait("Pods", leaving[0], "count", len(leaving))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changes:
		case <-time.After(2 * time.Second):
		}
	}
}

// settle waits until the workloads that lost pods are whole again, or for settleTimeout at most: the nodes are empty already, so a
// workload that takes longer is told of in the report and does not fail the drain.
type settle struct{ base }

// Done implements plan.Behaviour.
func (b settle) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	c, err := b.connect(ctx, s)
	if err != nil {
		return false, err
	}
	missing, _, err := b.missing(c, s)
	return missing == "", err
}

// missing names one workload that lacks replicas; all counts the whole ones.
func (b settle) missing(c *fleet.Connection, s *plan.Scope) (string, scalable, error) {
	var a settleArgs
	if err := decodeArgs(s, &a); err != nil {
		return "", scalable{}, err
	}
	whole, first, of := 0, "", scalable{}
	for _, key := range a.Workloads {
		w, ok := findScalable(c, key)
		if !ok || readyOf(c, w) >= w.replicas {
			whole++
		} else if first == "" {
			first, of = key, w
		}
	}
	s.Progress(whole, len(a.Workloads))
	return first, of, nil
}

// Do implements plan.Behaviour.
func (b settle) Do(ctx context.Context, s *plan.Scope) error {
	c, err := b.connect(ctx, s)
	if err != nil {
		return err
	}
	changes, stop := c.Subscribe(fleet.AreaPods, fleet.AreaWorkloads, fleet.AreaState)
	defer stop()
	patience := time.NewTimer(settleTimeout * time.Second)
	defer patience.Stop()
	for {
		key, w, err := b.missing(c, s)
		if err != nil || key == "" {
			return err
		}
		s.Wait("Replicas", workloadName(key), "ready", readyOf(c, w), "desired", w.replicas)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-patience.C:
			return nil
		case <-changes:
			// Readiness changes often while pods start; a look now and then is enough.
			if err := sleep(ctx, 200*time.Millisecond); err != nil {
				return err
			}
		case <-time.After(5 * time.Second):
		}
	}
}
