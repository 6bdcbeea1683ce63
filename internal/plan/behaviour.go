package plan

import (
	"context"
	"fmt"
	"sort"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Behaviour is what a kind of step does. It is registered once and holds no state of any one operation.
type Behaviour interface {
	// Done looks, without changing anything, whether the world is already as the step wants it.
	Done(ctx context.Context, s *Scope) (bool, error)
	// Do brings it there. It is idempotent: after a crash it is called again and does what is left. It calls s.Guard before every
	// change and returns its error as it is.
	Do(ctx context.Context, s *Scope) error
}

// Undoer is a Behaviour whose changes can be taken back.
type Undoer interface {
	// Undo takes back exactly what the operation changed, and nothing that anybody else did. It reports whether there was
	// anything of ours. It is idempotent too.
	Undo(ctx context.Context, s *Scope) (bool, error)
}

// Planner makes plans for one type of operation.
type Planner interface {
	// Plan gathers facts, plays them through and returns a draft. It changes nothing. A *Failure refuses the request.
	Plan(ctx context.Context, op *v1alpha1.Operation) (*Draft, error)
	// Facts gathers the facts alone: the same value as Draft.Facts of a plan made now. It is how a plan is found fresh without
	// rehearsing it again.
	Facts(ctx context.Context, op *v1alpha1.Operation) (any, error)
	// Report compares the finished operation with its plan.
	Report(ctx context.Context, op *v1alpha1.Operation, members []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error)
}

// Registry knows the planners and behaviours. It is filled by wiring before anything runs.
type Registry struct {
	planners   map[v1alpha1.OperationType]Planner
	behaviours map[string]Behaviour
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry {
	return &Registry{planners: map[v1alpha1.OperationType]Planner{}, behaviours: map[string]Behaviour{}}
}

// AddPlanner registers the planner of a type; a type has one.
func (r *Registry) AddPlanner(t v1alpha1.OperationType, p Planner) {
	if _, twice := r.planners[t]; twice {
		panic(fmt.Sprintf("plan: type %s has two planners", t))
	}
	r.planners[t] = p
}

// AddBehaviour registers what steps of a kind do; a kind has one.
func (r *Registry) AddBehaviour(kind string, b Behaviour) {
	if _, twice := r.behaviours[kind]; twice {
		panic(fmt.Sprintf("plan: step kind %s has two behaviours", kind))
	}
	r.behaviours[kind] = b
}

// Planner returns the planner of a type.
func (r *Registry) Planner(t v1alpha1.OperationType) (Planner, error) {
	if p, ok := r.planners[t]; ok {
		return p, nil
	}
	return nil, Refuse(v1alpha1.ReasonInvalidInput, "UnknownType", string(t))
}

// Kinds returns the registered step kinds, sorted.
func (r *Registry) Kinds() []string {
	out := make([]string, 0, len(r.behaviours))
	for k := range r.behaviours {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Scope is what a behaviour gets to work with: its step, and the ways to talk to the engine.
type Scope struct {
	Operation *v1alpha1.Operation // a copy; the request and the plan, not live
	Cluster   string
	Step      v1alpha1.Step
	Members   []v1alpha1.Member
	// Resumed says that the step was started before, by this or by another executor.
	Resumed bool

	run *run
}

// ID names the operation in ownership marks: cluster/name.
func (s *Scope) ID() string { return s.Cluster + "/" + s.Operation.Name }

// Guard returns nil when the executor may make one more change now. Behaviours call it right before each change.
func (s *Scope) Guard() error { return s.run.guard() }

// Call returns a context for one call that changes something. It is not cut off by a pause (a change half-made is worse than one
// change more), but it never outlives the executor's right to act.
func (s *Scope) Call(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	deadline := time.Now().Add(limit)
	if d := s.run.x.Fence.Deadline(); d.Before(deadline) {
		deadline = d
	}
	return context.WithDeadline(context.WithoutCancel(ctx), deadline)
}

// Progress says how far the step is. It is durable soon, not at once.
func (s *Scope) Progress(done, total int) { s.run.progress(s.Step.ID, done, total) }

// Measure leaves a number for the report; durable with the step's end.
func (s *Scope) Measure(name string, value int64) { s.run.measure(s.Step.ID, name, value) }

// Wait says what the step waits for; the clock of "since when" starts with the first call for the same code and object.
func (s *Scope) Wait(code, object string, pairs ...any) { s.run.wait(code, object, pairs...) }

// GoOn says that the step waits no longer.
func (s *Scope) GoOn() { s.run.goOn() }

// Log writes one line to the operation's journal.
func (s *Scope) Log(level, code, object string, pairs ...any) {
	s.run.log.add(level, s.Step.ID, code, object, pairs...)
}
