package restore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// gate looks whether the cluster works: its API serves, tokens are accepted, nodes are Ready. It changes nothing and is never skipped.
type gate struct{ base }

// Done implements plan.Behaviour.
func (gate) Done(context.Context, *plan.Scope) (bool, error) { return false, nil }

// Do implements plan.Behaviour.
func (b gate) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[gateArgs](s)
	if err != nil {
		return err
	}
	for {
		c, err := b.Reach(ctx, s)
		if err != nil {
			return err
		}
		code, object, why := working(ctx, c, a.Nodes)
		if code == "" {
			s.GoOn()
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.Wait(code, object, why...)
		if err := call.Sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

// working says what is not so yet.
func working(ctx context.Context, c *fleet.Connection, nodes []string) (code, object string, why []any) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := token(ctx, c); err != nil {
		return "RestoreTokens", c.Name, []any{"error", oneLine(err)}
	}
	list, err := c.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return "ApiUnreachable", c.Name, []any{"error", err}
	}
	var missing []string
	for _, name := range nodes {
		i := slices.IndexFunc(list.Items, func(n corev1.Node) bool { return n.Name == name })
		if i < 0 || !fresh(ctx, c, &list.Items[i]) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return "NodesNotReady", missing[0], []any{"count", len(missing), "nodes", strings.Join(missing, ", ")}
	}
	return "", "", nil
}

// freshLease is how old a kubelet's last lease may be: the restored one is as old as the set.
const freshLease = 40 * time.Second

func fresh(ctx context.Context, c *fleet.Connection, n *corev1.Node) bool {
	ready := slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
	if !ready {
		return false
	}
	l, err := c.Client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, n.Name, metav1.GetOptions{})
	return err == nil && l.Spec.RenewTime != nil && time.Since(l.Spec.RenewTime.Time) < freshLease
}

// token asks for a token of a service account and has the API server judge it. A cluster without the account has nothing to be judged.
func token(ctx context.Context, c *fleet.Connection) error {
	t, err := c.Client.CoreV1().ServiceAccounts(metav1.NamespaceSystem).CreateToken(ctx, "default", &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To[int64](600)},
	}, metav1.CreateOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	r, err := c.Client.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: t.Status.Token},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if !r.Status.Authenticated {
		return errors.New("a fresh token of a service account is not accepted: " + r.Status.Error)
	}
	return nil
}
