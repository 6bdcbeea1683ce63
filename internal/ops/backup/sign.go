package backup

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

func key(cluster, name string) client.ObjectKey {
	return client.ObjectKey{Namespace: cluster, Name: name}
}

// sign writes the Drill, and into the Backup what came of it. A proof that failed is a result; the operation then fails, so that nobody
// takes it for success.
type sign struct{ base }

// Done implements plan.Behaviour.
func (b sign) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[setArgs](s)
	if err != nil {
		return false, err
	}
	d, err := b.drill(ctx, s.Cluster, s.Operation.Name)
	if err != nil {
		return false, client.IgnoreNotFound(err)
	}
	x, err := b.backupOf(ctx, s.Cluster, a.Set)
	if err != nil {
		return false, err
	}
	return x.Status.Proof != nil && x.Status.Proof.Drill == d.Name && d.Result.Passed, nil
}

// Do implements plan.Behaviour.
func (b sign) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[setArgs](s)
	if err != nil {
		return err
	}
	x, err := b.backupOf(ctx, s.Cluster, a.Set)
	if err != nil {
		return err
	}
	d, err := b.drill(ctx, s.Cluster, s.Operation.Name)
	if apierrors.IsNotFound(err) {
		d, err = b.write(ctx, s, a, x)
	}
	if err != nil {
		return err
	}
	r := d.Result
	err = b.update(ctx, s, a.Set, func(st *v1alpha1.BackupStatus) {
		st.Proof = &v1alpha1.BackupProofStatus{
			Drill: d.Name, At: metav1.NewTime(r.FinishedAt.Time), Passed: r.Passed, RecoverySeconds: r.RecoverySeconds, Digest: r.Digest, Problems: int32(len(r.Problems)),
		}
		switch {
		case !r.Passed:
			st.Phase = v1alpha1.BackupProofFailed
		case st.Missing == 0:
			st.Phase = v1alpha1.BackupProven
		}
	})
	if err != nil {
		return err
	}
	if _, m, err := b.readDraft(ctx, s); err == nil && m != nil {
		if err := s.Guard(); err != nil {
			return err
		}
		if err := b.d.Client.Delete(ctx, m); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("removing the draft of the proof: %w", err)
		}
	}
	if !r.Passed {
		first := ""
		if len(r.Problems) > 0 {
			first = r.Problems[0].Message
		}
		return plan.Fail("ProofFailed", a.Set, nil, "count", len(r.Problems), "first", first)
	}
	return nil
}

// write makes the signed Drill of what the steps have recorded.
func (b sign) write(ctx context.Context, s *plan.Scope, a setArgs, x *v1alpha1.Backup) (*v1alpha1.Drill, error) {
	draft, m, err := b.readDraft(ctx, s)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, plan.Fail("ProofUnfinished", a.Set, errors.New("what the steps before have found is gone"))
	}
	for _, st := range s.Operation.Status.Plan.Steps {
		if st.ID != s.Step.ID && !draft.Steps[st.ID] {
			return nil, plan.Fail("ProofUnfinished", a.Set, fmt.Errorf("step %s has left no result", st.ID))
		}
	}
	p, err := b.policy(ctx, s.Cluster, a.Policy)
	if err != nil {
		return nil, err
	}
	_, secrets, err := b.d.Store.Repository(ctx, p)
	if err != nil {
		return nil, stored(ctx, a.Set, err)
	}
	r := draft.DrillResult
	r.Cluster, r.Backup, r.Digest, r.FinishedAt = s.Cluster, a.Set, x.Status.Digest, *micro(time.Now().Truncate(time.Microsecond))
	r.Passed = len(r.Problems) == 0
	statement, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("writing the result of the proof: %w", err)
	}
	public, _ := secrets.Signer.Public().(ed25519.PublicKey)
	d := &v1alpha1.Drill{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Cluster, Name: s.Operation.Name, Labels: map[string]string{backup.LabelPolicy: a.Policy}},
		Result:     r, Statement: string(statement), Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(secrets.Signer, statement)),
		PublicKey: base64.StdEncoding.EncodeToString(public),
	}
	err = b.Persist(ctx, s, func(ctx context.Context) error {
		err := b.d.Client.Create(ctx, d)
		if apierrors.IsAlreadyExists(err) {
			return b.d.Client.Get(ctx, client.ObjectKeyFromObject(d), d)
		}
		return err
	})
	return d, err
}

// ErrSignature is the error of a Drill whose signature does not fit.
var ErrSignature = errors.New("the signature does not fit: the result was changed after it was signed, or signed by another key")

// VerifyDrill checks that a Drill says what was signed, by the key whose fingerprint it returns.
func VerifyDrill(d *v1alpha1.Drill) (fingerprint string, err error) {
	public, err := base64.StdEncoding.DecodeString(d.PublicKey)
	if err != nil || len(public) != ed25519.PublicKeySize {
		return "", ErrSignature
	}
	sig, err := base64.StdEncoding.DecodeString(d.Signature)
	if err != nil || !ed25519.Verify(public, []byte(d.Statement), sig) {
		return "", ErrSignature
	}
	said, err := json.Marshal(d.Result)
	if err != nil || string(said) != d.Statement {
		return "", ErrSignature
	}
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:8]), nil
}
