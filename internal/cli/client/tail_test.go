package client

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
	"kanrin.dev/kanrin/internal/install"
)

var api *controlplanetest.API

func TestMain(m *testing.M) { os.Exit(controlplanetest.Main(m, &api)) }

var installed sync.Once

// management is a client of a real management API, in the namespace of a cluster.
func management(t *testing.T, host string) *Client {
	t.Helper()
	installed.Do(func() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := install.Install(ctx, api.Config); err != nil {
			t.Fatal(err)
		}
		raw := []byte(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"demo"}}`)
		if err := api.Client.CoreV1().RESTClient().Post().Resource("namespaces").Body(raw).Do(ctx).Error(); err != nil {
			t.Fatal(err)
		}
	})
	config := rest.CopyConfig(api.Config)
	if host != "" {
		config.Host = "https://" + host
		config.ServerName = "127.0.0.1"
	}
	c, err := New(config, "test")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func create(t *testing.T, c *Client) *v1alpha1.Operation {
	t.Helper()
	op, err := c.CreateOperation(t.Context(), &v1alpha1.Operation{
		ObjectMeta: metav1.ObjectMeta{Namespace: "demo", GenerateName: "cordon-"},
		Spec:       v1alpha1.OperationSpec{Type: v1alpha1.OperationCordon, Cordon: &v1alpha1.NodesSpec{Nodes: []string{"w1"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func TestOperations(t *testing.T) {
	c := management(t, "")
	op := create(t, c)
	if op.Kind != "Operation" || op.APIVersion != "kanrin.dev/v1alpha1" {
		t.Errorf("the kind is lost: %+v", op.TypeMeta)
	}
	list, err := c.Operations(t.Context(), "demo")
	if err != nil || len(list.Items) == 0 || list.Items[0].Kind != "Operation" {
		t.Errorf("%v, %+v", err, list)
	}
	changed, err := c.PatchOperation(t.Context(), "demo", op.Name, "patch",
		Change{Op: "test", Path: "/spec/approvedPlan", Value: ""}, Change{Op: "add", Path: "/spec/cancelled", Value: true})
	if err != nil || !changed.Spec.Cancelled {
		t.Errorf("%v, %+v", err, changed)
	}
	_, err = c.PatchOperation(t.Context(), "demo", op.Name, "approve", Change{Op: "test", Path: "/spec/approvedPlan", Value: "other"})
	var failed *Error
	if !errors.As(err, &failed) || failed.Verb != "approve" || failed.Resource != "operations" || failed.Cluster != "demo" || failed.Name != op.Name {
		t.Errorf("a test that fails: %v", err)
	}
	_, err = c.Operation(t.Context(), "demo", "absent")
	if !errors.As(err, &failed) || failed.Verb != "get" {
		t.Errorf("a name that nothing has: %v", err)
	}
}

// TestTailSurvivesACut: an operation is seen through a cut of the connection, and its deletion ends the looking.
func TestTailSurvivesACut(t *testing.T) {
	direct := management(t, "")
	line := newLine(t, api.Config.Host)
	op := create(t, direct)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sights := management(t, line.address()).Tail(ctx, "demo", op.Name)

	if s := next(t, sights); s.Operation == nil || s.Operation.Kind != "Operation" {
		t.Fatalf("the first sight: %+v", s)
	}
	phase(t, op.Name, v1alpha1.PhasePending)
	awaitPhase(t, sights, v1alpha1.PhasePending)

	line.cut()
	phase(t, op.Name, v1alpha1.PhaseFailed)
	for {
		s := next(t, sights)
		if s.Trouble != nil {
			if s.Since.IsZero() {
				t.Error("since when is not known")
			}
			break
		}
	}
	line.mend()
	awaitPhase(t, sights, v1alpha1.PhaseFailed)

	if err := api.Client.CoreV1().RESTClient().Delete().AbsPath("/apis/kanrin.dev/v1alpha1/namespaces/demo/operations/" + op.Name).Do(ctx).Error(); err != nil {
		t.Fatal(err)
	}
	for {
		s, open := <-sights
		if !open {
			t.Fatal("the channel was closed without saying why")
		}
		if s.End != nil {
			if !IsGone(s.End) {
				t.Errorf("the end: %v", s.End)
			}
			break
		}
	}
	if _, open := <-sights; open {
		t.Error("a sight after the end")
	}
}

func TestTailOfNothingEnds(t *testing.T) {
	c := management(t, "")
	var last Sight
	for s := range c.Tail(t.Context(), "demo", "absent") {
		last = s
	}
	if last.End == nil {
		t.Errorf("the end: %+v", last)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for s := range c.Tail(ctx, "demo", "absent") {
		t.Errorf("a sight after the end of the context: %+v", s)
	}
}

func next(t *testing.T, sights <-chan Sight) Sight {
	t.Helper()
	s, open := <-sights
	if !open {
		t.Fatal("looking has ended")
	}
	return s
}

func awaitPhase(t *testing.T, sights <-chan Sight, want v1alpha1.Phase) {
	t.Helper()
	for {
		s := next(t, sights)
		if s.End != nil {
			t.Fatal(s.End)
		}
		if s.Operation != nil && s.Operation.Status.Phase == want {
			return
		}
	}
}

func phase(t *testing.T, name string, p v1alpha1.Phase) {
	t.Helper()
	err := api.Client.CoreV1().RESTClient().Patch(types.MergePatchType).AbsPath("/apis/kanrin.dev/v1alpha1/namespaces/demo/operations/" + name + "/status").
		Body([]byte(`{"status":{"phase":"` + string(p) + `"}}`)).Do(t.Context()).Error()
	if err != nil {
		t.Fatal(err)
	}
}

// line is a TCP line to the API that can be cut.
type line struct {
	target   string
	listener net.Listener
	mu       sync.Mutex
	isCut    bool
	open     map[net.Conn]bool
	wg       sync.WaitGroup
}

func newLine(t *testing.T, server string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := server
	for _, prefix := range []string{"https://", "http://"} {
		if len(target) > len(prefix) && target[:len(prefix)] == prefix {
			target = target[len(prefix):]
		}
	}
	l := &line{target: target, listener: listener, open: map[net.Conn]bool{}}
	l.wg.Go(l.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		l.cut()
		l.wg.Wait()
	})
	return l
}

func (l *line) address() string { return l.listener.Addr().String() }

func (l *line) serve() {
	for {
		in, err := l.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", l.target)
		if err != nil || !l.keep(in, out) {
			_ = in.Close()
			if out != nil {
				_ = out.Close()
			}
			continue
		}
		pipe := func(a, b net.Conn) {
			_, _ = io.Copy(a, b)
			_, _ = a.Close(), b.Close()
		}
		l.wg.Go(func() { pipe(in, out) })
		l.wg.Go(func() { pipe(out, in) })
	}
}

func (l *line) keep(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		l.open[c] = true
	}
	return !l.isCut
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = true
	for c := range l.open {
		_ = c.Close()
		delete(l.open, c)
	}
}

func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = false
}
