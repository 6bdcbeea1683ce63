package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/explain"
	"kanrin.dev/kanrin/internal/cli/follow"
	"kanrin.dev/kanrin/internal/cli/render"
)

// planLimit is how long a command waits for a plan. Facts and rehearsal of the largest cluster take seconds; past this something else
// is wrong, and has been said every 10 s.
const planLimit = 5 * time.Minute

var errPlanLimit = errors.New("no plan within 5 minutes")

// planned waits until the operation has a plan, or never will have one.
func (r *act) planned(ctx context.Context) error {
	isPlanned := func(op *v1alpha1.Operation) bool {
		return op.Status.Phase != "" && op.Status.Phase != v1alpha1.PhasePending
	}
	if isPlanned(r.op) {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, planLimit, errPlanLimit)
	defer cancel()
	err := r.until(ctx, isPlanned)
	if err == nil || !errors.Is(context.Cause(ctx), errPlanLimit) {
		return err
	}
	a := r.s.app
	e := &cli.Error{Code: cli.Failed, What: a.t("cli.what.plan", "what", render.What(r.op, a.onErr())), Why: a.t("cli.why.planLimit"), Cause: err}
	if r.op.Status.Reason != "" {
		e.Why = render.Status(a.lang, r.op)
	}
	return e
}

// until follows the operation until stop; what was seen last is the operation from then on, whatever ended it.
func (r *act) until(ctx context.Context, stop func(*v1alpha1.Operation) bool) error {
	if r.follower == nil {
		r.follower = follow.New(follow.Configuration{
			Streams: r.s.app.streams, Lang: r.s.app.lang, Ref: r.ref(), Server: r.s.Server, Explain: r.s.subject().Why,
		})
		if r.skip {
			r.follower.Skip(r.op)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	sights := r.s.Tail(ctx, r.op.Namespace, r.op.Name)
	defer func() {
		cancel()
		for range sights { // ends with ctx
		}
	}()
	op, err := r.follower.Until(ctx, sights, stop)
	if op != nil {
		r.op = op
	}
	return err
}

// ref is the operation as the person would type it in the next command.
func (r *act) ref() string { return r.s.ref(r.op.Namespace, r.op.Name) }

// approve approves exactly the plan of that digest, and only if no approval is there: approving a used plan again would be no change to
// the API, and must not look like a success.
func (s *session) approve(ctx context.Context, op *v1alpha1.Operation, digest, what string) (*v1alpha1.Operation, error) {
	user, err := s.me(ctx)
	if err != nil {
		return nil, s.explain(what, err)
	}
	changed, err := s.PatchOperation(ctx, op.Namespace, op.Name, "approve",
		client.Change{Op: "test", Path: "/spec/approvedPlan", Value: ""},
		client.Change{Op: "add", Path: "/spec/approvedPlan", Value: digest},
		client.Change{Op: "add", Path: "/spec/approvedBy", Value: user},
	)
	if err == nil {
		return changed, nil
	}
	if code := statusCode(err); code == http.StatusUnprocessableEntity || code == http.StatusBadRequest || code == http.StatusConflict {
		if now, getErr := s.Operation(ctx, op.Namespace, op.Name); getErr == nil {
			if refused := s.approvable(now, digest, what); refused != nil {
				return nil, refused
			}
		}
	}
	return nil, s.explain(what, err)
}

// approvable says why a plan cannot be approved; nil when it can.
func (s *session) approvable(op *v1alpha1.Operation, digest, what string) error {
	a := s.app
	ref := s.ref(op.Namespace, op.Name)
	refused := func(code cli.Code, key string, pairs ...any) error {
		pairs = append(pairs, "ref", ref)
		return &cli.Error{Code: code, What: what, Why: a.t("cli.why."+key, pairs...), Next: a.t("cli.next."+key, pairs...)}
	}
	p := op.Status.Plan
	switch {
	case op.Status.Phase == "" || op.Status.Phase == v1alpha1.PhasePending || p == nil && !op.Status.Phase.Terminal():
		return refused(cli.Refused, "notPlanned")
	case op.Status.Phase != v1alpha1.PhasePlanned || op.Spec.ApprovedPlan != "":
		return refused(cli.Refused, explain.MarkerUsed, "phase", op.Status.Phase)
	case digest != p.Digest:
		return refused(cli.Refused, explain.MarkerStale, "digest", digest)
	case len(render.Blockers(p)) > 0:
		return refused(cli.Blocked, explain.MarkerBlocked, "count", len(render.Blockers(p)))
	}
	return nil
}

func statusCode(err error) int {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return int(status.Status().Code)
	}
	return 0
}

// started waits until an approved operation runs, or the approval was taken back.
func (r *act) started(ctx context.Context) error {
	return r.until(ctx, func(op *v1alpha1.Operation) bool {
		return op.Status.Phase != v1alpha1.PhasePlanned && op.Status.Phase != v1alpha1.PhasePending || refusalOf(op) != ""
	})
}

// refusalOf is why Kanrin took an approval back; "" when it has not.
func refusalOf(op *v1alpha1.Operation) string {
	if op.Status.Phase != v1alpha1.PhasePlanned || op.Spec.ApprovedPlan != "" {
		return ""
	}
	if c := meta.FindStatusCondition(op.Status.Conditions, v1alpha1.ConditionApproved); c != nil && c.Status == metav1.ConditionFalse {
		return c.Reason
	}
	return ""
}

// atRest reports whether following has come to its end: the operation is over, or waits for a person.
func atRest(op *v1alpha1.Operation) bool {
	return op.Status.Phase.Terminal() || op.Status.Phase == v1alpha1.PhasePaused || refusalOf(op) != ""
}

// lost ends a command that can no longer see its operation, or whose person has broken off.
func (r *act) lost(ctx context.Context, err error) error {
	ref := r.ref()
	if isInterrupted(ctx, err) {
		r.s.app.say("cli.follow.stopped", "ref", ref)
		return cli.Exit(cli.Interrupted)
	}
	if client.IsGone(err) {
		return &cli.Error{Code: cli.NotFound, What: r.what, Why: r.s.app.t("cli.why.deleted", "ref", ref), Cause: err}
	}
	explained := r.s.explain(r.what, err)
	var e *cli.Error
	if errors.As(explained, &e) && e.Code != cli.NotFound {
		e.Next = r.s.app.t("cli.next.watchAgain", "ref", ref)
	}
	return explained
}

// finish follows what runs, and ends the command with what became of the operation.
func (r *act) finish(ctx context.Context) error {
	a := r.s.app
	if !atRest(r.op) {
		if r.o.detach {
			a.say("cli.act.detached", "ref", r.ref())
			return r.print()
		}
		// Breaking off ends the showing, never the operation.
		if err := r.until(ctx, atRest); err != nil {
			return r.lost(ctx, err)
		}
	}
	if err := r.print(); err != nil {
		return err
	}
	if failure := r.outcome(); failure != nil {
		return failure
	}
	out, options := a.streams.Out, a.onOut()
	if !r.format.Human() {
		out, options = a.streams.Err, a.onErr()
	}
	text := render.Outcome(r.op, options) + render.Report(r.op, options)
	if a.streams.OutTerminal {
		text = "\n" + text // apart from the lines of the steps
	}
	_, err := fmt.Fprint(out, text)
	return err
}

// outcome is the error that an operation at rest stands for; nil when it succeeded.
func (r *act) outcome() error {
	a, op, ref := r.s.app, r.op, r.ref()
	e := &cli.Error{Code: cli.Failed, What: r.what, Why: render.Status(a.lang, op)}
	digest := ""
	if op.Status.Plan != nil {
		digest = op.Status.Plan.Digest
	}
	switch op.Status.Phase {
	case v1alpha1.PhaseSucceeded:
		return nil
	case v1alpha1.PhasePaused:
		e.Code = cli.Partly
		e.What = a.t("cli.what.paused", "what", render.What(op, a.onErr()))
		e.Next = a.t("cli.next.paused", "ref", ref)
		if op.Status.Reason == v1alpha1.ReasonDiskFull {
			e.Next = a.t("cli.next.watchAgain", "ref", ref)
		}
	case v1alpha1.PhasePlanned:
		switch refusalOf(op) {
		case v1alpha1.ReasonStalePlan:
			e.Code, e.Next = cli.Refused, a.t("cli.next.StalePlan", "ref", ref)
		case v1alpha1.ReasonBlocked:
			e.Code, e.Next = cli.Blocked, a.t("cli.next.Blocked", "ref", ref)
		case v1alpha1.ReasonLocked:
			e.Code, e.Next = cli.Locked, a.t("cli.next.locked", "ref", ref, "digest", digest)
		}
	case v1alpha1.PhaseFailed:
		switch op.Status.Reason {
		case v1alpha1.ReasonNotFound:
			e.Code = cli.NotFound
		case v1alpha1.ReasonInvalidInput:
			e.Code = cli.Usage
		}
		if op.Status.StartedAt != nil {
			e.What = a.t("cli.what.failed", "what", render.What(op, a.onErr()))
			e.Next = a.t("cli.next.describe", "ref", ref)
		}
	case v1alpha1.PhaseCancelled:
		e.What = a.t("cli.what.cancelled", "what", render.What(op, a.onErr()))
	}
	return e
}
