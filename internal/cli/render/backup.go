package render

import (
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
)

// ComponentWhy is why a component is missing in a set; "" when it is there.
func ComponentWhy(l lang.Lang, c v1alpha1.ComponentStatus) string {
	if c.State != v1alpha1.ComponentMissing {
		return ""
	}
	return StepFailure(l, v1alpha1.StepStatus{Code: c.Code, Params: c.Params, Message: c.Message})
}

// Proof is a problem or a note of a proof.
func Proof(l lang.Lang, x v1alpha1.Line) string { return line(l, "proof", x) }

// Phase of a set, painted: only a proven one is green.
func Phase(p v1alpha1.BackupPhase, o Options) string {
	i := plain
	switch p {
	case v1alpha1.BackupProven:
		i = green
	case v1alpha1.BackupCaptured, v1alpha1.BackupIncomplete:
		i = yellow
	case v1alpha1.BackupFailed, v1alpha1.BackupProofFailed:
		i = red
	case v1alpha1.BackupInProgress:
		i = cyan
	}
	return o.paint(i, string(p))
}
