package fleettest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/install"
)

// Patience is how long tests wait for what must happen; the machine may be busy with other tests.
const Patience = time.Minute

// Management returns a client of an API in which Kanrin's kinds are installed.
func Management(t testing.TB, config *rest.Config) client.WithWatch {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	must(t, install.Install(ctx, config))
	scheme := runtime.NewScheme()
	must(t, clientgoscheme.AddToScheme(scheme))
	must(t, v1alpha1.AddToScheme(scheme))
	quick := rest.CopyConfig(config)
	quick.QPS = -1
	c, err := client.NewWithWatch(quick, client.Options{Scheme: scheme})
	must(t, err)
	return c
}

// Quick makes a fleet look often.
func Quick() fleet.Configuration {
	return fleet.Configuration{
		Heartbeat: 300 * time.Millisecond, HeartbeatTimeout: 2 * time.Second, StatusInterval: 50 * time.Millisecond, Embedded: true,
	}
}

// Start runs a fleet that leads until the test ends. prepare, if any, is called before it starts.
func Start(t testing.TB, c client.WithWatch, settings fleet.Configuration, prepare ...func(*fleet.Fleet)) *fleet.Fleet {
	t.Helper()
	f := fleet.New(settings, fleet.Dependencies{Management: c, Log: slog.New(slog.DiscardHandler)})
	for _, p := range prepare {
		p(f)
	}
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	must(t, f.Start(ctx))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), Patience)
		defer cancel()
		if err := f.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	f.SetLeader(true)
	return f
}

// Connection waits for the connection to a cluster.
func Connection(t testing.TB, f *fleet.Fleet, name string) *fleet.Connection {
	t.Helper()
	var conn *fleet.Connection
	Eventually(t, "connecting to "+name, func() (err error) {
		conn, err = f.Connection(name)
		return err
	})
	return conn
}

// Synced waits until the connection follows its cluster.
func Synced(t testing.TB, conn *fleet.Connection) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	must(t, conn.WaitSynced(ctx))
}

// Eventually waits until f has no complaint.
func Eventually(t testing.TB, what string, f func() error) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, err)
		}
	}
}
