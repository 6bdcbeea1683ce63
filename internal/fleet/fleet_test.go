package fleet_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/fleettest"
)

func TestClusterFromRegistrationToRemoval(t *testing.T) {
	c := fleettest.Management(t, api.Config)
	f := fleettest.Start(t, c, fleettest.Quick())
	made, err := f.Register(t.Context(), fleet.Registration{Name: "prod", Kubeconfig: api.Kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	if made.Namespace != "prod" || made.Spec.Demo {
		t.Errorf("registered %+v", made)
	}
	conn := fleettest.Connection(t, f, "prod")
	fleettest.Synced(t, conn)
	wake, stop := conn.Subscribe(fleet.AreaPods)
	defer stop()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "w1"}}
	if err := c.Create(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Delete(t.Context(), node) }()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "default"}}
	if err := client.IgnoreAlreadyExists(c.Create(t.Context(), account)); err != nil {
		t.Fatal(err)
	}
	pod := podOf("default", "seen", "w1")
	if err := c.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	<-wake // the store has it before anybody is woken
	if err := has(conn, "default", "seen", true)(); err != nil {
		t.Error(err)
	}
	if on := conn.Pods().ByNode("w1"); len(on) != 1 || on[0].Name != "seen" {
		t.Errorf("pods on w1: %v", on)
	}
	fleettest.Eventually(t, "the status is published", func() error {
		got := &v1alpha1.Cluster{}
		if err := c.Get(t.Context(), client.ObjectKey{Namespace: "prod", Name: "prod"}, got); err != nil {
			return err
		}
		s := got.Status
		down := slices.ContainsFunc(s.Findings, func(f v1alpha1.Finding) bool { return f.Code == "NodeDown" && f.Object == "w1" })
		if s.Health != v1alpha1.HealthDegraded || s.NodesText != "0/1" || s.Pods.Total < 1 || s.Version == "" || s.LastSeen == nil || !down {
			return fmt.Errorf("status is %+v", s)
		}
		return nil
	})
	now := int64(0)
	if err := c.Delete(t.Context(), pod, &client.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		t.Fatal(err)
	}
	fleettest.Eventually(t, "the pod leaves the cache", has(conn, "default", "seen", false))

	if _, err := f.Register(t.Context(), fleet.Registration{Name: "prod", Kubeconfig: api.Kubeconfig}); !apierrors.IsAlreadyExists(err) {
		t.Errorf("registering the same name again: %v", err)
	}
	if _, err := f.Register(t.Context(), fleet.Registration{Name: "other", Kubeconfig: api.Kubeconfig}); !apierrors.IsConflict(err) {
		t.Errorf("registering the same cluster under another name: %v", err)
	}
	if err := f.Deregister(t.Context(), "prod"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-conn.Done():
	case <-time.After(20 * time.Second):
		t.Error("the connection of a removed cluster goes on")
	}
	if err := c.Get(t.Context(), client.ObjectKey{Name: "prod"}, &corev1.Namespace{}); !apierrors.IsNotFound(err) {
		t.Errorf("the namespace of a removed cluster: %v", err)
	}
	if _, err := f.Connection("prod"); !apierrors.IsNotFound(err) {
		t.Errorf("a removed cluster still has a connection: %v", err)
	}
	if err := f.Deregister(t.Context(), "prod"); !apierrors.IsNotFound(err) {
		t.Errorf("removing it twice: %v", err)
	}
}
