package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/follow"
	"kanrin.dev/kanrin/internal/cli/output"
	"kanrin.dev/kanrin/internal/cli/render"
)

// actOptions are what all verbs have that plan first and act then.
type actOptions struct {
	planOnly bool
	dryRun   bool
	yes      bool
	detach   bool
}

func (a *app) actFlags(c *cobra.Command, o *actOptions) {
	f := c.Flags()
	f.BoolVar(&o.planOnly, "plan-only", false, a.t("cli.flag.act.planOnly"))
	f.BoolVar(&o.dryRun, "dry-run", false, a.t("cli.flag.act.dryRun"))
	f.BoolVarP(&o.yes, "yes", "y", false, a.t("cli.flag.act.yes"))
	f.BoolVar(&o.detach, "detach", false, a.t("cli.flag.act.detach"))
	a.exclusive(c, "plan-only", "dry-run")
	a.exclusive(c, "plan-only", "yes")
	a.exclusive(c, "plan-only", "detach")
}

// act is one run of plan → show → ask → approve → follow.
type act struct {
	s      *session
	o      actOptions
	format output.Format
	what   string
	op     *v1alpha1.Operation
	// follower shows the operation; skip leaves out what happened before the command.
	follower *follow.Follower
	skip     bool
	// printed is set when the operation has been written to stdout in a machine format: it is written once.
	printed bool
}

// run asks for the operation and takes it as far as the options say.
func (a *app) act(ctx context.Context, spec v1alpha1.OperationSpec, o actOptions) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	what := a.cannot(spec, "")
	s, err := a.connect(what)
	if err != nil {
		return err
	}
	cluster, err := s.clusterOf(ctx, what)
	if err != nil {
		return err
	}
	return s.act(ctx, cluster, spec, o, format)
}

// cannot is what an error about a request begins with; cluster is "" before it is known.
func (a *app) cannot(spec v1alpha1.OperationSpec, cluster string) string {
	names := nodeList(render.Subjects(&v1alpha1.Operation{Spec: spec}))
	if cluster == "" {
		return a.t("cli.what.act."+render.Kind(&spec), "nodes", names)
	}
	return a.t("cli.what.actOf."+render.Kind(&spec), "nodes", names, "cluster", cluster)
}

// act is app.act of a cluster that is known already.
func (s *session) act(ctx context.Context, cluster string, spec v1alpha1.OperationSpec, o actOptions, format output.Format) error {
	what := s.app.cannot(spec, cluster)
	user, err := s.me(ctx)
	if err != nil {
		return s.explain(what, err)
	}
	draft := &v1alpha1.Operation{Spec: spec}
	draft.Namespace, draft.GenerateName, draft.Spec.RequestedBy = cluster, prefixOf(spec.Type), user
	op, err := s.CreateOperation(ctx, draft)
	if err != nil {
		return s.explain(what, err)
	}
	run := &act{s: s, o: o, format: format, what: what, op: op}
	return run.start(ctx)
}

// prefixOf is the type in small letters: the beginning of an operation's name.
func prefixOf(t v1alpha1.OperationType) string {
	var b strings.Builder
	for i, r := range string(t) {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String() + "-"
}

// start plans, shows and, when nothing stands in the way, runs.
func (r *act) start(ctx context.Context) error {
	a := r.s.app
	if err := r.planned(ctx); err != nil {
		return r.abandon(ctx, err)
	}
	for round := 1; ; round++ {
		if err := r.show(ctx); err != nil {
			return r.abandon(ctx, err)
		}
		stop, err := r.decide(ctx)
		if stop {
			return err
		}
		op, err := r.s.approve(ctx, r.op, r.op.Status.Plan.Digest, r.what)
		if err != nil {
			return r.refused(ctx, err)
		}
		r.op = op
		if err := r.started(ctx); err != nil {
			return r.lost(ctx, err)
		}
		if refusal := refusalOf(r.op); refusal == v1alpha1.ReasonStalePlan && round < maxRounds {
			a.say("cli.act.stale")
			continue
		}
		return r.finish(ctx)
	}
}

// maxRounds is how often a plan that went stale between its making and its approval is shown again.
const maxRounds = 3

// show writes the plan: to stdout, or to stderr when stdout is for a machine. With -o wide every pod is named.
func (r *act) show(ctx context.Context) error {
	a := r.s.app
	if r.op.Status.Plan == nil {
		return nil
	}
	if !r.format.Human() {
		_, err := fmt.Fprint(a.streams.Err, render.Plan(r.op, a.onErr())+"\n")
		return err
	}
	text := render.Plan(r.op, a.onOut())
	if r.format.Kind == output.Wide {
		members, err := r.s.members(ctx, r.op)
		if err != nil {
			return err
		}
		text += members
	}
	_, err := fmt.Fprint(a.streams.Out, text+"\n")
	return err
}

// print writes the operation for machines, once.
func (r *act) print() error {
	if r.format.Human() || r.printed {
		return nil
	}
	r.printed = true
	op := r.op.DeepCopy()
	op.ManagedFields = nil
	return r.s.app.document(r.format, output.Document{Value: op, Items: []output.Item{{Name: "operation.kanrin.dev/" + op.Name, Value: op}}})
}

// withdraw cancels the operation, so that nothing of it waits for an approval.
func (r *act) withdraw(ctx context.Context) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	_, err := r.s.PatchOperation(ctx, r.op.Namespace, r.op.Name, "patch", client.Change{Op: "add", Path: "/spec/cancelled", Value: true})
	if err != nil {
		return r.s.explain(r.s.app.t("cli.what.withdraw", "ref", r.ref()), err)
	}
	// It is cancelled from here on; who lists operations next should see it so.
	seen, stop := context.WithTimeout(ctx, 3*time.Second)
	defer stop()
	over := false
	for s := range r.s.Tail(seen, r.op.Namespace, r.op.Name) {
		if over = over || s.Operation != nil && s.Operation.Status.Phase.Terminal(); over {
			stop()
		}
	}
	return nil
}

// abandon ends the command with err after withdrawing the operation.
func (r *act) abandon(ctx context.Context, err error) error {
	if withdrawn := r.withdraw(ctx); withdrawn != nil {
		cli.PrintError(r.s.app.streams.Err, r.s.app.lang, withdrawn, r.s.app.verbose)
	} else if isInterrupted(ctx, err) {
		r.s.app.say("cli.act.declined")
		return cli.Exit(cli.Interrupted)
	}
	return r.s.explain(r.what, err)
}

// refused ends the command after an approval that the API did not take. The operation stays: who may not approve has planned for
// somebody who may.
func (r *act) refused(ctx context.Context, err error) error {
	var e *cli.Error
	if isInterrupted(ctx, err) || !errors.As(err, &e) || e.Code != cli.NotAllowed {
		return r.abandon(ctx, err)
	}
	if printed := r.print(); printed != nil {
		return printed
	}
	e.Next = r.s.app.t("cli.next.approveElsewhere", "ref", r.ref(), "digest", r.op.Status.Plan.Digest)
	return e
}

func nodeList(nodes []string) string { return render.List(nodes) }
