package plan

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Store is where operations and their logs are kept. Every write is durable when it returns nil.
type Store interface {
	// Get reads an operation as it is now.
	Get(ctx context.Context, key client.ObjectKey) (*v1alpha1.Operation, error)
	// UpdateStatus writes op.Status if op is still the version that was read; otherwise an apierrors conflict. It sets the new
	// resourceVersion in op.
	UpdateStatus(ctx context.Context, op *v1alpha1.Operation) error
	// CreateLog adds a chunk; apierrors.IsAlreadyExists when that number was written before.
	CreateLog(ctx context.Context, l *v1alpha1.OperationLog) error
	// Members reads the members of the operation's present plan.
	Members(ctx context.Context, op *v1alpha1.Operation) ([]v1alpha1.Member, error)
}

// APIStore keeps operations in the management API.
type APIStore struct {
	// Client reads and writes without a cache: what it returns has been agreed on.
	Client client.Client
}

// Get implements Store.
func (s APIStore) Get(ctx context.Context, key client.ObjectKey) (*v1alpha1.Operation, error) {
	var op v1alpha1.Operation
	if err := s.Client.Get(ctx, key, &op); err != nil {
		return nil, err
	}
	return &op, nil
}

// UpdateStatus implements Store.
func (s APIStore) UpdateStatus(ctx context.Context, op *v1alpha1.Operation) error {
	return s.Client.Status().Update(ctx, op)
}

// CreateLog implements Store.
func (s APIStore) CreateLog(ctx context.Context, l *v1alpha1.OperationLog) error {
	return s.Client.Create(ctx, l)
}

// Members implements Store.
func (s APIStore) Members(ctx context.Context, op *v1alpha1.Operation) ([]v1alpha1.Member, error) {
	if op.Status.Plan == nil {
		return nil, nil
	}
	var out []v1alpha1.Member
	for i := int32(0); i < op.Status.Plan.MemberChunks; i++ {
		var l v1alpha1.OperationLog
		key := client.ObjectKey{Namespace: op.Namespace, Name: MemberLogName(op.Name, op.Status.Plan.Digest, i)}
		if err := s.Client.Get(ctx, key, &l); err != nil {
			return nil, wrapf(err, "reading members of plan %s", op.Status.Plan.Digest)
		}
		lines, err := Unpack[v1alpha1.Member](l.Spec.Data)
		if err != nil {
			return nil, err
		}
		out = append(out, lines...)
	}
	sum, err := membersDigest(out)
	if err != nil {
		return nil, err
	}
	if sum != op.Status.Plan.MembersDigest {
		return nil, fmt.Errorf("the stored members of plan %s are not those that it was sealed with", op.Status.Plan.Digest)
	}
	return out, nil
}

// StoreMembers writes the members of a sealed plan before the plan itself is published. Writing the same ones again is no error.
func StoreMembers(ctx context.Context, s Store, op *v1alpha1.Operation, p *v1alpha1.Plan, members []v1alpha1.Member) error {
	chunks, err := pack(members)
	if err != nil {
		return wrapf(err, "packing members")
	}
	p.MemberChunks = int32(len(chunks))
	for i, c := range chunks {
		l := newLog(op, MemberLogName(op.Name, p.Digest, int32(i)), v1alpha1.LogMembers, int32(i), c)
		l.Spec.Plan, l.Labels[v1alpha1.LabelPlan] = p.Digest, p.Digest
		if err := s.CreateLog(ctx, l); err != nil && !apierrors.IsAlreadyExists(err) {
			return wrapf(err, "storing members of plan %s", p.Digest)
		}
	}
	return nil
}

// MemberLogName is the name of the i-th chunk of members of a plan.
func MemberLogName(operation, digest string, i int32) string {
	return fmt.Sprintf("%s-members-%s-%04d", operation, digest, i)
}

// JournalLogName is the name of the i-th journal chunk of an operation.
func JournalLogName(operation string, i int32) string {
	return fmt.Sprintf("%s-journal-%06d", operation, i)
}

func newLog(op *v1alpha1.Operation, name string, content v1alpha1.LogContent, i int32, c chunk) *v1alpha1.OperationLog {
	return &v1alpha1.OperationLog{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: op.Namespace, Name: name,
			Labels: map[string]string{v1alpha1.LabelOperation: op.Name},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: v1alpha1.GroupVersion.String(), Kind: "Operation", Name: op.Name, UID: op.UID,
			}},
		},
		Spec: v1alpha1.OperationLogSpec{Operation: op.Name, Content: content, Chunk: i, Lines: c.lines, Data: c.data},
	}
}
