package fleet_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/fleettest"
	"kanrin.dev/kanrin/internal/fleet/reach"
	"kanrin.dev/kanrin/internal/lang"
)

// gone returns a check that nothing of a cluster is left.
func gone(t *testing.T, c client.Client, name string) func() error {
	return func() error {
		if err := c.Get(t.Context(), client.ObjectKey{Name: name}, &corev1.Namespace{}); !apierrors.IsNotFound(err) {
			return errors.Join(errors.New("the namespace is still there"), err)
		}
		for _, list := range []client.ObjectList{&v1alpha1.ClusterList{}, &corev1.SecretList{}, &v1alpha1.OperationList{}} {
			if err := c.List(t.Context(), list, client.InNamespace(name)); err != nil {
				return err
			}
			if n := lengthOf(list); n > 0 {
				return errors.New("objects are left")
			}
		}
		return nil
	}
}

func lengthOf(list client.ObjectList) int {
	switch l := list.(type) {
	case *v1alpha1.ClusterList:
		return len(l.Items)
	case *corev1.SecretList:
		return len(l.Items)
	case *v1alpha1.OperationList:
		return len(l.Items)
	}
	return -1
}

// A registration or removal that a kill has interrupted, after each of its writes, is finished or taken back by the next
// process.
func TestInterruptedWorkIsFinished(t *testing.T) {
	c := fleettest.Management(t, api.Config)
	ctx := t.Context()
	long := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	namespace := func(name, work string) *corev1.Namespace {
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Labels:      map[string]string{fleet.LabelCluster: name, "kanrin.dev/registration": work},
			Annotations: map[string]string{"kanrin.dev/registration-started": long},
		}}
	}
	secret := func(name string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "kubeconfig"}, Type: fleet.SecretType, Data: map[string][]byte{"kubeconfig": api.Kubeconfig}}
	}
	cluster := func(name string) *v1alpha1.Cluster {
		return &v1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: name}, Spec: v1alpha1.ClusterSpec{KubeconfigSecret: "kubeconfig"}}
	}
	for _, o := range []client.Object{
		namespace("half-1", "pending"),
		namespace("half-2", "pending"), secret("half-2"),
		namespace("whole", "pending"), secret("whole"), cluster("whole"),
		namespace("going-1", "removing"), secret("going-1"), cluster("going-1"),
		namespace("going-2", "removing"), secret("going-2"),
	} {
		if err := c.Create(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	// One was killed between the deletion of its namespace and the end of it.
	if err := c.Create(ctx, namespace("going-3", "removing")); err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(ctx, namespace("going-3", "removing")); err != nil {
		t.Fatal(err)
	}
	f := fleettest.Start(t, c, fleettest.Quick())
	for _, name := range []string{"half-1", "half-2", "going-1", "going-2", "going-3"} {
		fleettest.Eventually(t, name+" is taken down", gone(t, c, name))
	}
	fleettest.Eventually(t, "whole is finished", func() error {
		ns := &corev1.Namespace{}
		if err := c.Get(ctx, client.ObjectKey{Name: "whole"}, ns); err != nil {
			return err
		}
		if ns.Labels["kanrin.dev/registration"] != "" {
			return errors.New("the mark is still there")
		}
		return nil
	})
	fleettest.Synced(t, fleettest.Connection(t, f, "whole"))
	if err := f.Deregister(ctx, "whole"); err != nil {
		t.Fatal(err)
	}
	fleettest.Eventually(t, "whole is removed", gone(t, c, "whole"))
}

// failing is a management API that refuses the n-th write.
func failing(c client.WithWatch, n int) client.WithWatch {
	count := func() error {
		if n--; n == 0 {
			return apierrors.NewInternalError(errors.New("the disk is full"))
		}
		return nil
	}
	return interceptor.NewClient(c, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if err := count(); err != nil {
				return err
			}
			return c.Create(ctx, o, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			if err := count(); err != nil {
				return err
			}
			return c.Patch(ctx, o, p, opts...)
		},
	})
}

// Whichever write fails, nothing half-registered stays.
func TestFailedRegistrationLeavesNothing(t *testing.T) {
	c := fleettest.Management(t, api.Config)
	for write := 1; write <= 4; write++ {
		f := fleettest.Start(t, failing(c, write), fleettest.Quick())
		if _, err := f.Register(t.Context(), fleet.Registration{Name: "unlucky", Kubeconfig: api.Kubeconfig}); err == nil {
			t.Fatalf("write %d was refused, and the registration has succeeded", write)
		}
		fleettest.Eventually(t, "nothing is left", gone(t, c, "unlucky"))
	}
}

func TestRegistrationIsRefused(t *testing.T) {
	c := fleettest.Management(t, api.Config)
	f := fleettest.Start(t, c, fleettest.Quick())
	fleettest.Namespace(t, api.Client, "theirs")
	for name, test := range map[string]struct {
		in   fleet.Registration
		code string
	}{
		"upper case": {fleet.Registration{Name: "Prod", Kubeconfig: api.Kubeconfig}, "NameInvalid"},
		"empty":      {fleet.Registration{Kubeconfig: api.Kubeconfig}, "NameInvalid"},
		"path":       {fleet.Registration{Name: "../etc", Kubeconfig: api.Kubeconfig}, "NameInvalid"},
		"long":       {fleet.Registration{Name: strings.Repeat("x", 64), Kubeconfig: api.Kubeconfig}, "NameInvalid"},
		"system":     {fleet.Registration{Name: "kanrin-system", Kubeconfig: api.Kubeconfig}, "NameReserved"},
		"kube":       {fleet.Registration{Name: "kube-public", Kubeconfig: api.Kubeconfig}, "NameReserved"},
		"foreign":    {fleet.Registration{Name: "theirs", Kubeconfig: api.Kubeconfig}, "NamespaceForeign"},
		"garbage":    {fleet.Registration{Name: "garbage", Kubeconfig: []byte("\x00")}, v1alpha1.ReasonInvalid},
		"context":    {fleet.Registration{Name: "garbage", Kubeconfig: api.Kubeconfig, Context: "nope"}, v1alpha1.ReasonInvalid},
	} {
		_, err := f.Register(t.Context(), test.in)
		var status *apierrors.StatusError
		var unusable *reach.Error
		switch {
		case errors.As(err, &unusable):
			if unusable.Reason != test.code {
				t.Errorf("%s: %v", name, err)
			}
		case errors.As(err, &status):
			causes := status.ErrStatus.Details.Causes
			if len(causes) == 0 || string(causes[0].Type) != test.code || strings.Contains(status.ErrStatus.Message, "{") || !lang.Japanese.Has("register."+test.code) {
				t.Errorf("%s: %+v", name, status.ErrStatus)
			}
		default:
			t.Errorf("%s: %v", name, err)
		}
	}
	// An operation at work keeps its cluster.
	if _, err := f.Register(t.Context(), fleet.Registration{Name: "busy", Kubeconfig: api.Kubeconfig}); err != nil {
		t.Fatal(err)
	}
	op := &v1alpha1.Operation{
		ObjectMeta: metav1.ObjectMeta{Namespace: "busy", Name: "cordon-1"},
		Spec:       v1alpha1.OperationSpec{Type: v1alpha1.OperationCordon, Cordon: &v1alpha1.NodesSpec{Nodes: []string{"w1"}}},
	}
	if err := c.Create(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	set := func(phase v1alpha1.Phase) {
		op.Status.Phase = phase
		if err := c.Status().Update(t.Context(), op); err != nil {
			t.Fatal(err)
		}
	}
	set(v1alpha1.PhaseRunning)
	if err := f.Deregister(t.Context(), "busy"); !apierrors.IsConflict(err) {
		t.Errorf("removing a cluster with an operation at work: %v", err)
	}
	set(v1alpha1.PhaseSucceeded)
	if err := f.Deregister(t.Context(), "busy"); err != nil {
		t.Error(err)
	}
	fleettest.Eventually(t, "nothing is left", gone(t, c, "busy"))
}

// Only the leader publishes.
func TestOnlyTheLeaderPublishes(t *testing.T) {
	c := fleettest.Management(t, api.Config)
	f := fleettest.Start(t, c, fleettest.Quick())
	f.SetLeader(false)
	if _, err := f.Ensure(t.Context(), fleet.Registration{Name: "quiet", Kubeconfig: api.Kubeconfig}); err != nil {
		t.Fatal(err)
	}
	fleettest.Synced(t, fleettest.Connection(t, f, "quiet"))
	seen, err := f.Cluster("quiet")
	if err != nil || seen.Status.Version == "" {
		t.Errorf("what this process sees: %+v, %v", seen, err)
	}
	got := &v1alpha1.Cluster{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "quiet", Name: "quiet"}, got); err != nil || got.Status.Health != "" {
		t.Errorf("a follower has published %+v, %v", got.Status, err)
	}
	f.SetLeader(true)
	published(t, c, "quiet", "", v1alpha1.ReasonConnected)
	if err := f.Deregister(t.Context(), "quiet"); err != nil {
		t.Error(err)
	}
}
