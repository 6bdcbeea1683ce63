package controlplanetest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"kanrin.dev/kanrin/internal/controlplane"
	"kanrin.dev/kanrin/internal/kubebin"
)

// API is a running Kubernetes API with an administrator's access to it.
type API struct {
	// Config is for clients; copy it (rest.CopyConfig) before changing it.
	Config *rest.Config
	// Kubeconfig is the same access as a file would hold it, with one context and nothing outside it.
	Kubeconfig []byte
	Client     kubernetes.Interface
	// ControlPlane gives the status of the processes.
	ControlPlane *controlplane.ControlPlane
	// Dir is the control plane's directory.
	Dir string
	// Binary is the path of kanrin-kube.
	Binary string
}

type options struct {
	conf controlplane.Configuration
	log  *slog.Logger
}

// Option changes what is started.
type Option func(*options)

// WithScheduling adds controller-manager, scheduler and kwok. The pods of nodes that a test creates start, run and end at
// once; see WithPace.
func WithScheduling() Option {
	return func(o *options) {
		o.conf.Scheduling = true
		if o.conf.Kwok == nil {
			o.conf.Kwok = controlplane.KwokStages(controlplane.Pace{})
		}
	}
}

// WithPace is WithScheduling with pods that take their time.
func WithPace(p controlplane.Pace) Option {
	return func(o *options) {
		o.conf.Scheduling = true
		o.conf.Kwok = controlplane.KwokStages(p)
	}
}

// WithLog sends the control plane's own log lines somewhere.
func WithLog(log *slog.Logger) Option { return func(o *options) { o.log = log } }

// Synced makes etcd write to disk as in real use, for tests of crashes and of speed.
func Synced() Option { return func(o *options) { o.conf.Unsynced = false } }

// startTimeout is generous: the machine may be busy with other tests.
const startTimeout = 2 * time.Minute

// Start gives the test an API of its own, which ends with the test. It fails the test when kanrin-kube is not to be found.
func Start(t testing.TB, opts ...Option) *API {
	t.Helper()
	dir, err := os.MkdirTemp("", "kanrin-api-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	api, stop, err := start(dir, opts)
	if stop != nil {
		t.Cleanup(stop)
	}
	if err != nil {
		t.Fatalf("starting an API for the test: %v", err)
	}
	return api
}

// Main runs the tests of a package with one API for all of them and returns the exit code:
//
//	var api *controlplanetest.API
//
//	func TestMain(m *testing.M) { os.Exit(controlplanetest.Main(m, &api)) }
func Main(m *testing.M, api **API, opts ...Option) int {
	dir, err := os.MkdirTemp("", "kanrin-api-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	started, stop, err := start(dir, opts)
	if stop != nil {
		defer stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "starting an API for the tests:", err)
		return 1
	}
	*api = started
	return m.Run()
}

func start(dir string, opts []Option) (*API, func(), error) {
	binary, err := kubebin.Find("", "")
	if err != nil {
		return nil, nil, err
	}
	o := options{conf: controlplane.Configuration{Name: "test", Dir: dir, Binary: binary, Unsynced: true}}
	for _, opt := range opts {
		opt(&o)
	}
	cp, err := controlplane.New(o.conf, controlplane.Dependencies{Log: o.log})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	// The test's data is thrown away, so its processes need no orderly end.
	stop := func() {
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		_ = cp.Stop(gone) // kills; it returns when they are gone
	}
	if err := cp.Start(ctx); err != nil {
		return nil, stop, err
	}
	if err := cp.WaitReady(ctx); err != nil {
		return nil, stop, err
	}
	api := &API{Config: cp.RESTConfig(), ControlPlane: cp, Dir: dir, Binary: binary}
	if api.Kubeconfig, err = cp.Kubeconfig(); err != nil {
		return nil, stop, err
	}
	if api.Client, err = kubernetes.NewForConfig(api.Config); err != nil {
		return nil, stop, err
	}
	if o.conf.Scheduling {
		err = waitServiceAccount(ctx, api.Client)
	}
	return api, stop, err
}

// waitServiceAccount waits for the controllers' first work: without the account, pods are refused.
func waitServiceAccount(ctx context.Context, client kubernetes.Interface) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the service account default/default: %w", err)
		case <-tick.C:
		}
	}
}
