package component

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
)

// runner runs a command to its end where a component lives.
type runner struct {
	where string
	run   func(ctx context.Context, argv []string, stdout io.Writer) error
}

func (e Env) onHost(m *hosts.Machine) runner {
	return runner{m.Name, func(ctx context.Context, argv []string, stdout io.Writer) error {
		limit := hosts.Command{Args: argv, Stdout: stdout}
		if d, ok := ctx.Deadline(); ok {
			limit.Timeout = time.Until(d)
		}
		_, err := m.Run(ctx, limit)
		return err
	}}
}

// inPod runs in the component's pod: the named one, or the first Ready one of the selector.
func (e Env) inPod(ctx context.Context, t *v1alpha1.PodTarget) (runner, error) {
	if e.Connection == nil || e.Exec == nil {
		return runner{}, errors.New("the cluster does not answer")
	}
	pod, err := e.pod(ctx, t)
	if err != nil {
		return runner{}, err
	}
	client, err := kubernetes.NewForConfig(e.Exec)
	if err != nil {
		return runner{}, fmt.Errorf("preparing to run a command in pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return runner{pod.Namespace + "/" + pod.Name, func(ctx context.Context, argv []string, stdout io.Writer) error {
		req := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("exec").
			VersionedParams(&corev1.PodExecOptions{Container: t.Container, Command: argv, Stdout: true, Stderr: true}, scheme.ParameterCodec)
		ws, err := remotecommand.NewWebSocketExecutor(e.Exec, http.MethodGet, req.URL().String())
		if err != nil {
			return fmt.Errorf("preparing to run a command in pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
		said := &lastWords{}
		if err := ws.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: stdout, Stderr: said}); err != nil {
			return fmt.Errorf("running %s in pod %s/%s: %w%s", argv[0], pod.Namespace, pod.Name, err, said)
		}
		return nil
	}}, nil
}

func (e Env) pod(ctx context.Context, t *v1alpha1.PodTarget) (*corev1.Pod, error) {
	pods := e.Connection.Client.CoreV1().Pods(t.Namespace)
	if t.Name != "" {
		p, err := pods.Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("reading pod %s/%s: %w", t.Namespace, t.Name, err)
		}
		return p, nil
	}
	if t.Selector == "" {
		return nil, errors.New("the component names neither a pod nor a selector")
	}
	list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: t.Selector})
	if err != nil {
		return nil, fmt.Errorf("listing pods %s of %s: %w", t.Selector, t.Namespace, err)
	}
	slices.SortFunc(list.Items, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	for i := range list.Items {
		if ready(&list.Items[i]) {
			return &list.Items[i], nil
		}
	}
	return nil, fmt.Errorf("no pod of %s in %s is Ready", t.Selector, t.Namespace)
}

func ready(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue })
}

// lastWords keeps the end of what a command said.
type lastWords struct{ data []byte }

func (l *lastWords) Write(p []byte) (int, error) {
	l.data = append(l.data, p...)
	if extra := len(l.data) - 2048; extra > 0 {
		l.data = l.data[extra:]
	}
	return len(p), nil
}

func (l *lastWords) String() string {
	s := strings.Join(strings.Fields(strings.ToValidUTF8(string(l.data), " ")), " ")
	if s == "" {
		return ""
	}
	return ": " + s
}

// place finds where a component's commands run.
func (e Env) place(ctx context.Context, c v1alpha1.BackupComponent) (runner, error) {
	if c.Pod != nil {
		return e.inPod(ctx, c.Pod)
	}
	names := e.chosen(c)
	if len(c.Hosts) == 0 || len(names) == 0 {
		return runner{}, errors.New("the component names neither hosts nor a pod")
	}
	m, err := e.machine(ctx, names[0])
	if err != nil {
		return runner{}, err
	}
	return e.onHost(m), nil
}

const hookTimeout = 2 * time.Minute

// hooked runs fn between the component's hooks. The second one runs whatever became of the rest, also when ctx has ended.
func (e Env) hooked(ctx context.Context, c v1alpha1.BackupComponent, r runner, fn func() error) error {
	if c.After != nil {
		defer func() {
			if err := e.hook(context.WithoutCancel(ctx), r, c.After); err != nil {
				e.Log.Error("the hook after a component failed", "cluster", e.Cluster.Name, "component", c.Name, "error", err)
			}
		}()
	}
	if c.Before != nil {
		if err := e.hook(ctx, r, c.Before); err != nil {
			return &readError{fmt.Errorf("running the hook before it: %w", err)}
		}
	}
	return fn()
}

func (e Env) hook(ctx context.Context, r runner, h *v1alpha1.BackupHook) error {
	if e.Guard != nil {
		if err := e.Guard(); err != nil {
			return err
		}
	}
	limit := hookTimeout
	if h.TimeoutSeconds > 0 {
		limit = time.Duration(h.TimeoutSeconds) * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return r.run(ctx, h.Command, io.Discard)
}

// Release runs the hook after a component whose capture was cut off by the end of Kanrin.
func Release(ctx context.Context, e Env, c v1alpha1.BackupComponent) error {
	if c.After == nil {
		return nil
	}
	r, err := e.place(ctx, c)
	if err != nil {
		return err
	}
	return e.hook(ctx, r, c.After)
}
