package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// MaxPlanBytes bounds a plan in an operation's status, however large the cluster; members are stored apart.
const MaxPlanBytes = 512 << 10

// Draft is a plan before it is sealed, with its members.
type Draft struct {
	Plan    v1alpha1.Plan
	Members []v1alpha1.Member
	// Facts are what the plan rests on: any value that marshals to the same JSON for the same facts. Only its digest is kept.
	Facts any
	// Target is the operation's object in a few words, such as "w3, w4".
	Target string
}

// Seal computes the digests and fills in what depends on them. The digest covers the request, the steps with their members and
// the findings: all that is done and all that was shown as a risk. It does not cover forecasts, which are no promise, nor times.
func Seal(op *v1alpha1.Operation, d *Draft, now time.Time) error {
	p := &d.Plan
	seen := map[string]bool{}
	for _, s := range p.Steps {
		if s.ID == "" || s.Kind == "" || seen[s.ID] {
			return fmt.Errorf("step %q of kind %q has no id, no kind, or the id of another step", s.ID, s.Kind)
		}
		seen[s.ID] = true
	}
	for _, m := range d.Members {
		if !seen[m.Step] {
			return fmt.Errorf("member %s belongs to no step", m.Object)
		}
	}
	facts, err := FactsDigest(d.Facts)
	if err != nil {
		return err
	}
	p.FactsDigest = facts

	if p.MembersDigest, err = membersDigest(d.Members); err != nil {
		return wrapf(err, "computing the digest of the members")
	}

	type stepKey struct {
		ID, Kind, Group, Undo string
		Targets               []string
		Members               int32
		Args                  json.RawMessage
		Timeout               int64
	}
	type findingKey struct {
		Severity     v1alpha1.Severity
		Code, Object string
	}
	sealed := struct {
		Version  int
		Cluster  string
		Request  v1alpha1.OperationSpec
		Steps    []stepKey
		Findings []findingKey
		Members  string
		Return   string
	}{Version: 1, Cluster: op.Namespace, Request: Request(op.Spec), Members: p.MembersDigest, Return: p.PointOfNoReturn}
	for _, s := range p.Steps {
		k := stepKey{ID: s.ID, Kind: s.Kind, Group: s.Group, Undo: s.Undo, Targets: s.Targets, Members: s.Members, Timeout: s.TimeoutSeconds}
		if s.Args != nil {
			k.Args = s.Args.Raw
		}
		sealed.Steps = append(sealed.Steps, k)
	}
	for _, f := range p.Findings {
		sealed.Findings = append(sealed.Findings, findingKey{f.Severity, f.Code, f.Object})
	}
	sum, err := digest(sealed)
	if err != nil {
		return wrapf(err, "computing the digest of the plan")
	}
	p.Digest = sum[:12]
	p.CreatedAt = metav1.NewMicroTime(now)
	size, err := json.Marshal(p)
	if err != nil {
		return wrapf(err, "measuring the plan")
	}
	if len(size) > MaxPlanBytes {
		return Refuse(v1alpha1.ReasonInvalidInput, "PlanTooLarge", d.Target, "bytes", len(size), "limit", MaxPlanBytes)
	}
	return nil
}

// FactsDigest is the digest of facts as it stands in a sealed plan.
func FactsDigest(facts any) (string, error) {
	sum, err := digest(facts)
	if err != nil {
		return "", wrapf(err, "computing the digest of the facts")
	}
	return sum[:12], nil
}

// membersDigest covers what is done to whom, not where it is expected to end up.
func membersDigest(members []v1alpha1.Member) (string, error) {
	type key struct{ Step, Object, UID, Action string }
	keys := make([]key, len(members))
	for i, m := range members {
		keys[i] = key{m.Step, m.Object, m.UID, m.Action}
	}
	return digest(keys)
}

// Request returns the part of a spec that was asked for, without the switches that change later.
func Request(s v1alpha1.OperationSpec) v1alpha1.OperationSpec {
	s.ApprovedPlan, s.ApprovedBy, s.RequestedBy = "", "", ""
	s.Paused, s.Cancelled = false, false
	return s
}

// Blockers counts the findings that forbid the plan to run.
func Blockers(p *v1alpha1.Plan) int {
	n := 0
	for _, f := range p.Findings {
		if f.Severity == v1alpha1.SeverityBlocker {
			n++
		}
	}
	return n
}

// digest is the hexadecimal SHA-256 over the JSON form: encoding/json writes struct fields in order and map keys sorted, so that equal
// values have equal digests.
func digest(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
