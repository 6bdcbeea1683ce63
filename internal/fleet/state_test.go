package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/fleettest"
)

// through registers the API as a cluster behind a proxy.
func through(t *testing.T, c client.WithWatch, f *fleet.Fleet, name string) (*fleettest.Proxy, *fleet.Connection) {
	t.Helper()
	u, err := url.Parse(api.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	p := fleettest.NewProxy(t, u.Host)
	if _, err := f.Register(t.Context(), fleet.Registration{Name: name, Kubeconfig: p.Through(api.Kubeconfig)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Deregister(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	conn := fleettest.Connection(t, f, name)
	fleettest.Synced(t, conn)
	return p, conn
}

// is waits for a state.
func is(t *testing.T, conn *fleet.Connection, what string, want func(fleet.State) bool) fleet.State {
	t.Helper()
	var s fleet.State
	fleettest.Eventually(t, what, func() error {
		if s = conn.State(); !want(s) {
			return fmt.Errorf("state is %+v", s)
		}
		return nil
	})
	return s
}

func published(t *testing.T, c client.Client, name string, health v1alpha1.Health, reason string) {
	t.Helper()
	fleettest.Eventually(t, "the status is published", func() error {
		got := &v1alpha1.Cluster{}
		if err := c.Get(t.Context(), client.ObjectKey{Namespace: name, Name: name}, got); err != nil {
			return err
		}
		for _, cond := range got.Status.Conditions {
			if cond.Type == v1alpha1.ConditionReachable && cond.Reason == reason && (health == "" || got.Status.Health == health) {
				return nil
			}
		}
		return fmt.Errorf("health %s, conditions %+v", got.Status.Health, got.Status.Conditions)
	})
}

// A cluster that goes away and comes back: never is old data called fresh, and what happened meanwhile is seen.
func TestClusterGoesAwayAndComesBack(t *testing.T) {
	c := fleettest.Management(t, api.Config)
	f := fleettest.Start(t, c, fleettest.Quick())
	fleettest.Namespace(t, api.Client, "away-pods")
	p, conn := through(t, c, f, "away")
	for name, outage := range map[string]struct {
		begin, end func()
		reason     string
	}{
		"refused": {p.Refuse, p.Serve, v1alpha1.ReasonUnreachable},
		"silent":  {p.Freeze, p.Thaw, v1alpha1.ReasonUnreachable},
	} {
		pod := podOf("away-pods", name, "w1")
		before := time.Now()
		outage.begin()
		if err := c.Create(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
		s := is(t, conn, name+": stale", func(s fleet.State) bool { return !s.Fresh && s.Reason == outage.reason })
		if s.StaleSince == nil || s.StaleSince.After(time.Now()) || s.StaleSince.Before(before.Add(-5*time.Second)) {
			t.Errorf("%s: stale since %v, away since %v", name, s.StaleSince, before)
		}
		if !s.Synced || s.Reachable || s.Problem == nil {
			t.Errorf("%s: %+v", name, s)
		}
		published(t, c, "away", v1alpha1.HealthUnreachable, outage.reason)
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := conn.WaitSynced(short); err == nil {
			t.Errorf("%s: a cluster that is away is called synced", name)
		}
		cancel()
		// A question that hangs ends with its deadline and takes nothing else with it.
		short, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
		if _, err := conn.Client.CoreV1().Nodes().Get(short, "w1", getOptions); err == nil {
			t.Errorf("%s: a cluster that is away has answered", name)
		}
		cancel()
		if err := has(conn, "away-pods", name, false)(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		outage.end()
		is(t, conn, name+": fresh again", func(s fleet.State) bool { return s.Fresh && s.StaleSince == nil })
		fleettest.Eventually(t, name+": what happened meanwhile is seen", has(conn, "away-pods", name, true))
		published(t, c, "away", "", v1alpha1.ReasonConnected)
	}
}

// Watches that are cut are taken up again without a gap, and nobody who asks for the state sees a change that has not been
// told to subscribers.
func TestCutWatchesLoseNothing(t *testing.T) {
	c := fleettest.Management(t, api.Config)
	f := fleettest.Start(t, c, fleettest.Quick())
	fleettest.Namespace(t, api.Client, "cut-pods")
	p, conn := through(t, c, f, "cut")
	wake, stop := conn.Subscribe(fleet.AreaPods)
	defer stop()
	for i := range 5 {
		name := fmt.Sprintf("pod-%d", i)
		if i%2 == 1 {
			p.Cut()
		}
		if err := c.Create(t.Context(), podOf("cut-pods", name, "w1")); err != nil {
			t.Fatal(err)
		}
		for deadline := time.After(fleettest.Patience); has(conn, "cut-pods", name, true)() != nil; {
			select {
			case <-wake: // every wake-up is for something; the pod is there at the latest after the last
			case <-deadline:
				t.Fatalf("%s was never told", name)
			}
		}
	}
}

// New credentials in the Secret are used at once; unusable ones end the connection's work and say why; the same connection
// goes on with good ones.
func TestCredentialsRotate(t *testing.T) {
	c := fleettest.Management(t, api.Config)
	f := fleettest.Start(t, c, fleettest.Quick())
	fleettest.Namespace(t, api.Client, "turned")
	p, conn := through(t, c, f, "rotated")
	set := func(kubeconfig []byte) {
		t.Helper()
		secret := &corev1.Secret{}
		if err := c.Get(t.Context(), client.ObjectKey{Namespace: "rotated", Name: "kubeconfig"}, secret); err != nil {
			t.Fatal(err)
		}
		secret.Data = map[string][]byte{fleet.KubeconfigKey: kubeconfig}
		if err := c.Update(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	set([]byte("garbage"))
	is(t, conn, "withdrawn", func(s fleet.State) bool { return s.Reason == v1alpha1.ReasonInvalid && !s.Fresh })
	published(t, c, "rotated", v1alpha1.HealthUnreachable, v1alpha1.ReasonInvalid)
	if _, err := conn.Client.CoreV1().Nodes().List(t.Context(), listOptions); err == nil {
		t.Error("withdrawn credentials still work")
	}

	set(api.Kubeconfig) // another address, the same cluster
	p.Refuse()
	is(t, conn, "rotated", func(s fleet.State) bool { return s.Fresh && s.Server == api.Config.Host })
	if err := c.Create(t.Context(), podOf("turned", "after", "w1")); err != nil {
		t.Fatal(err)
	}
	fleettest.Eventually(t, "the new credentials are used", has(conn, "turned", "after", true))
	if _, err := conn.Client.CoreV1().Nodes().List(t.Context(), listOptions); err != nil {
		t.Errorf("the client that was handed out before: %v", err)
	}
	if again, err := f.Connection("rotated"); err != nil || again != conn {
		t.Errorf("the connection is another one: %v", err)
	}
	published(t, c, "rotated", "", v1alpha1.ReasonConnected)
}

// A cluster that never answers holds up nothing else.
func TestSilentClusterHoldsUpNobody(t *testing.T) {
	c := fleettest.Management(t, api.Config)
	f := fleettest.Start(t, c, fleettest.Quick())
	silent := fleettest.NewProxy(t, "127.0.0.1:1")
	silent.Freeze()
	if _, err := f.Ensure(t.Context(), fleet.Registration{Name: "silent", Kubeconfig: silent.Through(api.Kubeconfig)}); err != nil {
		t.Fatal(err)
	}
	published(t, c, "silent", v1alpha1.HealthUnreachable, v1alpha1.ReasonUnreachable)
	if _, err := f.Ensure(t.Context(), fleet.Registration{Name: "lively", Kubeconfig: api.Kubeconfig}); err != nil {
		t.Fatal(err)
	}
	fleettest.Synced(t, fleettest.Connection(t, f, "lively"))
	published(t, c, "lively", "", v1alpha1.ReasonConnected)
	conn := fleettest.Connection(t, f, "silent")
	if s := conn.State(); s.Fresh || s.Synced || s.Problem == nil {
		t.Errorf("state of a silent cluster: %+v", s)
	}
	for _, name := range []string{"silent", "lively"} {
		begin := time.Now()
		if err := f.Deregister(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		fleettest.Eventually(t, name+" is gone", func() error {
			if _, err := f.Connection(name); err == nil {
				return errors.New("there is still a connection")
			}
			return nil
		})
		t.Logf("%s was removed within %s", name, time.Since(begin).Round(time.Millisecond))
	}
}
