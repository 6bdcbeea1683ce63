package access

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/httpapi"
)

// reviewer asks the management API's RBAC by SubjectAccessReview and remembers the answers for a few seconds.
type reviewer struct {
	client kubernetes.Interface
	clock  clock.PassiveClock
	ttl    time.Duration

	mu      sync.Mutex
	answers map[question]answer
	// epoch counts invalidations; an answer that was asked for before one is not remembered after it.
	epoch int
	// unsettled is until when answers are not remembered: the API's own authorizer learns of a changed binding a moment after the change.
	unsettled time.Time
}

// settleTime is ample for the API's authorizer to see a changed binding.
const settleTime = 2 * time.Second

type question struct {
	user, groups, verb, resource, namespace string
}

type answer struct {
	allowed bool
	until   time.Time
}

// maxAnswers bounds the memory of the cache: callers choose the namespaces that are asked about.
const maxAnswers = 10_000

func (r *reviewer) allowed(ctx context.Context, caller httpapi.Caller, verb, resource, namespace string) (bool, error) {
	q := question{caller.User, strings.Join(caller.Groups, "\x00"), verb, resource, namespace}
	r.mu.Lock()
	a, ok := r.answers[q]
	epoch := r.epoch
	r.mu.Unlock()
	if ok && r.clock.Now().Before(a.until) {
		return a.allowed, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	asked := r.clock.Now()
	review, err := r.client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User: caller.User, Groups: caller.Groups,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Verb: verb, Resource: resource, Namespace: namespace,
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, Unavailable(fmt.Errorf("asking whether %s may %s %s: %w", caller.User, verb, resource, err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if epoch == r.epoch && !asked.Before(r.unsettled) {
		if len(r.answers) >= maxAnswers {
			clear(r.answers)
		}
		r.answers[q] = answer{review.Status.Allowed, asked.Add(r.ttl)}
	}
	return review.Status.Allowed, nil
}

// forget drops all answers: roles have changed.
func (r *reviewer) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.answers)
	r.epoch++
	r.unsettled = r.clock.Now().Add(settleTime)
}
