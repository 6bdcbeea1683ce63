package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"kanrin.dev/kanrin/internal/fleet/kubeconfig"
	"kanrin.dev/kanrin/internal/fleet/reach"
)

const (
	probeTimeout        = 20 * time.Second
	probeRequestTimeout = 8 * time.Second
)

// Info is what a probe learns of a cluster.
type Info struct {
	Server  string
	Version string
	// UID of namespace kube-system: which cluster it is, by whatever address.
	UID string
	// User and Expires are what the credential says of itself.
	User    string
	Expires time.Time
}

// Probe connects to a cluster as a kubeconfig says, and checks that everything Kanrin watches may be read. context chooses
// one of several contexts. The error is a *reach.Error.
func Probe(ctx context.Context, data []byte, context string) (Info, error) {
	return probeAs(ctx, context, data, context)
}

func probeAs(ctx context.Context, cluster string, data []byte, context string) (Info, error) {
	creds, err := kubeconfig.Parse(data, context)
	if err != nil {
		return Info{}, reach.Subject{Cluster: cluster}.Classify(err)
	}
	subject := reach.SubjectOf(cluster, creds)
	if expired := subject.Expired(); expired != nil {
		return Info{}, expired
	}
	info, err := probe(ctx, creds)
	if err != nil {
		return Info{}, subject.Classify(err)
	}
	return info, nil
}

func probe(ctx context.Context, creds *kubeconfig.Credentials) (Info, error) {
	info := Info{Server: creds.Server, User: creds.Subject, Expires: creds.Expires}
	l, err := newLine(creds.Config)
	if err != nil {
		return info, err
	}
	defer l.cut()
	client, err := kubernetes.NewForConfig(&rest.Config{Host: creds.Config.Host, Transport: l.rt, QPS: -1, UserAgent: "kanrin"})
	if err != nil {
		return info, err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if info.Version, err = askVersion(ctx, client); err != nil {
		return info, err
	}
	if info.UID, err = askUID(ctx, client); err != nil {
		return info, err
	}
	return info, askKinds(ctx, client)
}

// askVersion reads /version. What answers with anything else is no Kubernetes API server.
func askVersion(ctx context.Context, c kubernetes.Interface) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeRequestTimeout)
	defer cancel()
	raw, err := c.Discovery().RESTClient().Get().AbsPath("/version").MaxRetries(0).DoRaw(ctx)
	if err != nil {
		return "", err
	}
	var v version.Info
	if err := json.Unmarshal(raw, &v); err != nil || v.GitVersion == "" {
		return "", reach.ErrForeign
	}
	return v.GitVersion, nil
}

// askUID reads namespace kube-system, through to etcd. The UID is empty when the credential may not read it.
func askUID(ctx context.Context, c kubernetes.Interface) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeRequestTimeout)
	defer cancel()
	var ns corev1.Namespace
	err := c.CoreV1().RESTClient().Get().Resource("namespaces").Name(metav1.NamespaceSystem).MaxRetries(0).Do(ctx).Into(&ns)
	if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
		return "", nil
	}
	return string(ns.UID), err
}

// askKinds lists one object of everything that a connection watches, and names all that may not be read.
func askKinds(ctx context.Context, c kubernetes.Interface) error {
	ctx, cancel := context.WithTimeout(ctx, probeRequestTimeout)
	defer cancel()
	var (
		mu        sync.Mutex
		forbidden []string
		refusal   error
		failed    error
		each      sync.WaitGroup
	)
	for _, k := range kinds(c) {
		each.Go(func() {
			_, err := k.source.list(ctx, metav1.ListOptions{Limit: 1})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case apierrors.IsForbidden(err):
				forbidden, refusal = append(forbidden, k.resource), err
			case err != nil && failed == nil:
				failed = err
				cancel()
			}
		})
	}
	each.Wait()
	if refusal == nil {
		return failed
	}
	slices.Sort(forbidden)
	var status apierrors.APIStatus
	if errors.As(refusal, &status) {
		s := status.Status()
		s.Message = "may not list " + strings.Join(forbidden, ", ")
		return &apierrors.StatusError{ErrStatus: s}
	}
	return refusal
}
