package backup

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
	"kanrin.dev/kanrin/internal/plan"
)

// The result of a proof grows from step to step in a ConfigMap of the operation, so that it outlives Kanrin's end. It holds counts and
// names, never values.
const resultKey = "result.json"

func draftName(operation string) string { return "proof-" + operation }

type proofDraft struct {
	v1alpha1.DrillResult
	// Steps that have had their say.
	Steps map[string]bool `json:"steps"`
}

// readDraft returns the result so far.
func (b base) readDraft(ctx context.Context, s *plan.Scope) (*proofDraft, *corev1.ConfigMap, error) {
	var m corev1.ConfigMap
	err := b.d.Client.Get(ctx, client.ObjectKey{Namespace: s.Cluster, Name: draftName(s.Operation.Name)}, &m)
	if apierrors.IsNotFound(err) {
		return &proofDraft{Steps: map[string]bool{}}, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading the result of the proof so far: %w", err)
	}
	var d proofDraft
	if err := json.Unmarshal([]byte(m.Data[resultKey]), &d); err != nil {
		return nil, nil, fmt.Errorf("reading the result of the proof so far: %w", err)
	}
	if d.Steps == nil {
		d.Steps = map[string]bool{}
	}
	return &d, &m, nil
}

// said reports whether a step has had its say.
func (b base) said(ctx context.Context, s *plan.Scope) (bool, error) {
	d, _, err := b.readDraft(ctx, s)
	return err == nil && d.Steps[s.Step.ID], err
}

// record adds to the result what a step has found.
func (b base) record(ctx context.Context, s *plan.Scope, change func(*v1alpha1.DrillResult)) error {
	return b.Persist(ctx, s, func(ctx context.Context) error {
		d, m, err := b.readDraft(ctx, s)
		if err != nil {
			return err
		}
		if d.Steps[s.Step.ID] {
			return nil
		}
		change(&d.DrillResult)
		d.Steps[s.Step.ID] = true
		raw, err := json.Marshal(d)
		if err != nil {
			return err
		}
		if m == nil {
			return b.d.Client.Create(ctx, &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{
					Namespace: s.Cluster, Name: draftName(s.Operation.Name),
					OwnerReferences: []metav1.OwnerReference{{
						APIVersion: v1alpha1.GroupVersion.String(), Kind: "Operation", Name: s.Operation.Name, UID: s.Operation.UID,
					}},
				},
				Data: map[string]string{resultKey: string(raw)},
			})
		}
		m.Data = map[string]string{resultKey: string(raw)}
		return b.d.Client.Update(ctx, m)
	})
}

const (
	maxProblems = 100
	maxNotes    = 100
)

// problem is a sentence proof.<code>.
func problem(code, object string, params map[string]string) v1alpha1.Line {
	p := map[string]string{"object": object}
	for k, v := range params {
		p[k] = v
	}
	return v1alpha1.Line{Code: code, Params: p, Message: lang.English.Text("proof."+code, p)}
}

func addProblems(r *v1alpha1.DrillResult, lines ...v1alpha1.Line) {
	for _, l := range lines {
		if len(r.Problems) < maxProblems {
			r.Problems = append(r.Problems, l)
		}
	}
}

func addNotes(r *v1alpha1.DrillResult, lines ...v1alpha1.Line) {
	for _, l := range lines {
		if len(r.Notes) < maxNotes {
			r.Notes = append(r.Notes, l)
		}
	}
}

func stage(name string, d time.Duration) v1alpha1.DrillStage {
	return v1alpha1.DrillStage{Name: name, Milliseconds: d.Milliseconds()}
}
