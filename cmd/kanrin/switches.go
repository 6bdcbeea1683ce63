package main

import (
	"context"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/render"
)

func (a *app) newPause() *cobra.Command {
	return a.newSwitch("pause", func(ctx context.Context, r *act) error { return r.pause(ctx) })
}

func (a *app) newResume() *cobra.Command {
	return a.newSwitch("resume", func(ctx context.Context, r *act) error { return r.resume(ctx) })
}

func (a *app) newCancel() *cobra.Command {
	return a.newSwitch("cancel", func(ctx context.Context, r *act) error { return r.cancel(ctx) })
}

func (a *app) newSwitch(verb string, run func(context.Context, *act) error) *cobra.Command {
	var o actOptions
	watch := false
	c := a.command(verb, verb+" OPERATION [flags]", func(cmd *cobra.Command, args []string) error {
		r, err := a.actOn(cmd.Context(), args[0], verb)
		if err != nil {
			return err
		}
		r.o, r.skip = o, true
		if verb == "resume" {
			r.o.detach = !watch
		}
		return run(cmd.Context(), r)
	})
	c.Args = a.arguments(1, 1, "OPERATION")
	c.Example = "  kanrin " + verb + " operation/drain-x7k2p"
	if verb == "resume" { // it returns when the operation goes on; the others when it has stopped
		c.Flags().BoolVarP(&watch, "watch", "w", false, a.t("cli.flag.switch.watch"))
	} else {
		c.Flags().BoolVar(&o.detach, "detach", false, a.t("cli.flag.switch.detach"))
	}
	if verb == "cancel" {
		c.Flags().BoolVarP(&o.yes, "yes", "y", false, a.t("cli.flag.cancel.yes"))
	}
	c.ValidArgsFunction = a.completeNames("operations")
	return c
}

// flip sets one of the operation's switches. On somebody else's operation the API asks for the verb approve.
func (r *act) flip(ctx context.Context, name string, value bool) error {
	op, err := r.s.PatchOperation(ctx, r.op.Namespace, r.op.Name, "approve", client.Change{Op: "add", Path: "/spec/" + name, Value: value})
	if err != nil {
		return r.s.explain(r.what, err)
	}
	r.op = op
	return nil
}

// wrongPhase is the error for a switch that means nothing in the operation's phase.
func (r *act) wrongPhase(key string) error {
	a := r.s.app
	return a.badInput(r.what, a.t("cli.why."+key, "phase", r.op.Status.Phase), a.t("cli.next.describe", "ref", r.ref()))
}

func (r *act) pause(ctx context.Context) error {
	a := r.s.app
	switch r.op.Status.Phase {
	case v1alpha1.PhasePaused:
		a.say("cli.pause.already", "text", render.Status(a.lang, r.op))
		return r.print()
	case v1alpha1.PhaseRunning:
	default:
		return r.wrongPhase("notRunning")
	}
	if err := r.flip(ctx, "paused", true); err != nil {
		return err
	}
	if !r.o.detach {
		if err := r.until(ctx, atRest); err != nil {
			return r.lost(ctx, err)
		}
	}
	if r.op.Status.Phase.Terminal() {
		return r.finish(ctx) // it ended before the pause took hold
	}
	if err := r.print(); err != nil {
		return err
	}
	a.say("cli.pause.done", "ref", r.ref())
	return nil
}

func (r *act) resume(ctx context.Context) error {
	a := r.s.app
	switch {
	case r.op.Status.Phase == v1alpha1.PhasePaused && !r.op.Spec.Paused && r.op.Status.Reason == v1alpha1.ReasonDiskFull:
		a.say("cli.resume.byItself", "text", render.Status(a.lang, r.op))
		return r.print()
	case r.op.Status.Phase == v1alpha1.PhaseRunning && !r.op.Spec.Paused:
		a.say("cli.resume.already")
		return r.print()
	case r.op.Status.Phase != v1alpha1.PhasePaused && !r.op.Spec.Paused:
		return r.wrongPhase("notPaused")
	}
	if err := r.flip(ctx, "paused", false); err != nil {
		return err
	}
	if err := r.until(ctx, func(op *v1alpha1.Operation) bool { return op.Status.Phase != v1alpha1.PhasePaused }); err != nil {
		return r.lost(ctx, err)
	}
	return r.finish(ctx)
}

func (r *act) cancel(ctx context.Context) error {
	a := r.s.app
	phase := r.op.Status.Phase
	switch {
	case phase == v1alpha1.PhaseCancelled:
		a.say("cli.cancel.already")
		return r.print()
	case phase.Terminal():
		return r.wrongPhase("over")
	case phase == v1alpha1.PhaseRunning || phase == v1alpha1.PhasePaused:
		if ok, err := r.confirmCancel(ctx); err != nil || !ok {
			return err
		}
	}
	if err := r.flip(ctx, "cancelled", true); err != nil {
		return err
	}
	if !r.o.detach {
		if err := r.until(ctx, func(op *v1alpha1.Operation) bool { return op.Status.Phase.Terminal() }); err != nil {
			return r.lost(ctx, err)
		}
	}
	if err := r.print(); err != nil {
		return err
	}
	switch r.op.Status.Phase {
	case v1alpha1.PhaseCancelled:
		a.say("cli.cancel.done", "text", render.Status(a.lang, r.op))
		return nil
	case v1alpha1.PhaseSucceeded:
		return &cli.Error{Code: cli.Failed, What: r.what, Why: a.t("cli.why.finishedFirst"), Next: a.t("cli.next.finishedFirst")}
	case v1alpha1.PhaseFailed:
		return r.outcome()
	}
	a.say("cli.cancel.asked", "ref", r.ref())
	return nil
}

// confirmCancel says what will be undone and asks.
func (r *act) confirmCancel(ctx context.Context) (bool, error) {
	a := r.s.app
	if r.o.yes {
		return true, nil
	}
	if !a.prompt.Interactive() {
		return false, a.badInput(r.what, a.t("cli.why.nobodyToAsk"), a.t("cli.next.cancelYes"))
	}
	a.say("cli.cancel.undoes", "what", render.What(r.op, a.onErr()), "undo", r.undoes())
	yes, err := a.prompt.Confirm(ctx, a.t("cli.ask.cancel"))
	if err != nil {
		return false, err
	}
	if !yes {
		a.say("cli.cancel.declined")
		return false, cli.Exit(cli.Interrupted)
	}
	return true, nil
}

// undoes names what cancelling takes back: the undo of every step that has begun.
func (r *act) undoes() string {
	a := r.s.app
	text := ""
	for _, st := range r.op.Status.Plan.Steps {
		state := render.StepState(r.op, st.ID).State
		if st.Undo == "" || state == v1alpha1.StepPending || state == v1alpha1.StepSkipped {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += render.Undo(a.lang, st)
	}
	if text == "" {
		return a.t("cli.cancel.nothing")
	}
	return text
}
