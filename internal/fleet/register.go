package fleet

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet/kubeconfig"
	"kanrin.dev/kanrin/internal/fleet/reach"
	"kanrin.dev/kanrin/internal/lang"
)

const (
	// LabelCluster marks the namespace of a registered cluster; its value is the cluster's name.
	LabelCluster = "kanrin.dev/cluster"
	// labelWork marks a namespace that is being set up or taken down. What a killed process leaves is found by it.
	labelWork      = "kanrin.dev/registration"
	workPending    = "pending"
	workRemoving   = "removing"
	annotationFrom = "kanrin.dev/registration-started"

	// SecretType is the type of a Secret that holds a cluster's kubeconfig.
	SecretType corev1.SecretType = "kanrin.dev/kubeconfig"
)

// secretName is the Secret of a cluster's namespace that Kanrin makes.
const secretName = "kubeconfig"

// Registration is a cluster to be registered.
type Registration struct {
	Name string
	// Kubeconfig with everything inlined; Context chooses one of several.
	Kubeconfig []byte
	Context    string
	// Demo marks the throwaway cluster of `kanrin up --demo`.
	Demo bool
	// Lost registers a cluster that does not answer, because it is to be restored: nothing about it is checked.
	Lost bool
}

// Register checks that a cluster can be used and makes it a managed one. When it fails, or is killed, nothing of it stays.
// The error is a *reach.Error when the cluster cannot be used, and otherwise a status of the Kubernetes API: Invalid,
// AlreadyExists, Conflict; the type of its first cause is the code of the sentence register.<code>.
func (f *Fleet) Register(ctx context.Context, r Registration) (*v1alpha1.Cluster, error) {
	if err := validName(r.Name); err != nil {
		return nil, err
	}
	minimal, err := kubeconfig.Minimal(r.Kubeconfig, r.Context)
	if err != nil {
		return nil, reach.Subject{Cluster: r.Name}.Classify(err)
	}
	if err := f.vacant(ctx, r.Name); err != nil {
		return nil, err
	}
	if r.Lost {
		return f.enter(ctx, r, minimal)
	}
	info, err := probeAs(ctx, r.Name, minimal, "")
	if err != nil {
		return nil, err
	}
	if err := f.newcomer(r.Name, info.UID); err != nil {
		return nil, err
	}
	return f.enter(ctx, r, minimal)
}

// Ensure registers a cluster, or brings the kubeconfig of the registered one up to date. It does not look at the cluster
// itself, which may still be starting.
func (f *Fleet) Ensure(ctx context.Context, r Registration) (*v1alpha1.Cluster, error) {
	if err := validName(r.Name); err != nil {
		return nil, err
	}
	minimal, err := kubeconfig.Minimal(r.Kubeconfig, r.Context)
	if err != nil {
		return nil, reach.Subject{Cluster: r.Name}.Classify(err)
	}
	c := &v1alpha1.Cluster{}
	err = f.management.Get(ctx, client.ObjectKey{Namespace: r.Name, Name: r.Name}, c)
	if apierrors.IsNotFound(err) {
		if err := f.vacant(ctx, r.Name); err != nil {
			return nil, err
		}
		return f.enter(ctx, r, minimal)
	}
	if err != nil {
		return nil, fmt.Errorf("reading cluster %s: %w", r.Name, err)
	}
	secret := &corev1.Secret{}
	if err := f.management.Get(ctx, client.ObjectKey{Namespace: r.Name, Name: c.Spec.KubeconfigSecret}, secret); err != nil {
		if !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("reading the kubeconfig of cluster %s: %w", r.Name, err)
		}
		secret = newSecret(r.Name, minimal)
		secret.Name = c.Spec.KubeconfigSecret
		if err := f.management.Create(ctx, secret); err != nil {
			return nil, fmt.Errorf("keeping the kubeconfig of cluster %s: %w", r.Name, err)
		}
		return c, nil
	}
	if bytes.Equal(secret.Data[KubeconfigKey], minimal) {
		return c, nil
	}
	secret.Data = map[string][]byte{KubeconfigKey: minimal}
	if err := f.management.Update(ctx, secret); err != nil {
		return nil, fmt.Errorf("renewing the kubeconfig of cluster %s: %w", r.Name, err)
	}
	return c, nil
}

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// refuse makes an error about registering or removing a cluster; its sentence is register.<code>.
func refuse(status int, reason metav1.StatusReason, cluster, code string, pairs ...any) error {
	params := lang.P(pairs...)
	params["cluster"] = clip(cluster)
	return Refusal(status, reason, clusters, cluster, code, lang.English.Text("register."+code, params), params)
}

func conflict(cluster, code string, pairs ...any) error {
	return refuse(http.StatusConflict, metav1.StatusReasonConflict, cluster, code, pairs...)
}

// validName accepts what can be a namespace and is not one that has a meaning already.
func validName(name string) error {
	reserved := name == v1alpha1.SystemNamespace || name == metav1.NamespaceDefault || strings.HasPrefix(name, "kube-")
	switch {
	case !dnsLabel.MatchString(name):
		return refuse(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, name, "NameInvalid")
	case reserved:
		return refuse(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, name, "NameReserved")
	}
	return nil
}

// newcomer refuses a cluster that is registered under another name: two names would mean two locks.
func (f *Fleet) newcomer(name, uid string) error {
	if uid == "" {
		return nil
	}
	for _, k := range f.all() {
		if conn, err := k.connection(); err == nil && k.name != name && conn.UID() == uid {
			return conflict(name, "SameCluster", "other", k.name)
		}
	}
	return nil
}

// vacant makes sure that the name is free, and cleans up what a killed registration has left under it.
func (f *Fleet) vacant(ctx context.Context, name string) error {
	ns := &corev1.Namespace{}
	err := f.management.Get(ctx, client.ObjectKey{Name: name}, ns)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for namespace %s: %w", name, err)
	}
	taken := refuse(http.StatusConflict, metav1.StatusReasonAlreadyExists, name, "NameTaken")
	switch {
	case ns.Labels[LabelCluster] != name:
		return conflict(name, "NamespaceForeign")
	case ns.Labels[labelWork] == "":
		return taken
	case !f.abandoned(ns):
		return conflict(name, "InProgress")
	}
	if err := f.finishWork(ctx, ns); err != nil {
		return err
	}
	if err := f.management.Get(ctx, client.ObjectKey{Name: name}, ns); err == nil && ns.Labels[labelWork] == "" {
		return taken // its registration had only to be finished
	}
	return nil
}

// enter makes the objects of a cluster: the namespace marked pending first, the Cluster last, then the mark goes.
func (f *Fleet) enter(ctx context.Context, r Registration, minimal []byte) (_ *v1alpha1.Cluster, err error) {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:        r.Name,
		Labels:      map[string]string{LabelCluster: r.Name, labelWork: workPending},
		Annotations: map[string]string{annotationFrom: time.Now().UTC().Format(time.RFC3339)},
	}}
	if err := f.management.Create(ctx, ns); err != nil {
		if apierrors.IsAlreadyExists(err) {
			return nil, conflict(r.Name, "InProgress")
		}
		return nil, fmt.Errorf("making namespace %s: %w", r.Name, err)
	}
	defer func() {
		if err == nil {
			return
		}
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		defer cancel()
		if undoErr := f.takeDown(undo, ns.Name); undoErr != nil {
			f.log.Warn("taking back a registration that failed; it is tried again later", "cluster", r.Name, "err", undoErr)
		}
	}()
	if err := f.management.Create(ctx, newSecret(r.Name, minimal)); err != nil {
		return nil, fmt.Errorf("keeping the kubeconfig of cluster %s: %w", r.Name, err)
	}
	c := &v1alpha1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.Name, Name: r.Name},
		Spec:       v1alpha1.ClusterSpec{KubeconfigSecret: secretName, Demo: r.Demo},
	}
	if err := f.management.Create(ctx, c); err != nil {
		return nil, fmt.Errorf("making cluster %s: %w", r.Name, err)
	}
	if err := f.mark(ctx, ns, ""); err != nil {
		return nil, err
	}
	f.log.Info("a cluster was registered", "cluster", r.Name)
	return c, nil
}

func newSecret(cluster string, kubeconfig []byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: cluster, Name: secretName, Labels: map[string]string{LabelCluster: cluster}},
		Type:       SecretType,
		Data:       map[string][]byte{KubeconfigKey: kubeconfig},
	}
}

// mark sets or removes the mark of unfinished work on a namespace.
func (f *Fleet) mark(ctx context.Context, ns *corev1.Namespace, work string) error {
	next := ns.DeepCopy()
	if work == "" {
		delete(next.Labels, labelWork)
		delete(next.Annotations, annotationFrom)
	} else {
		next.Labels[labelWork] = work
		metav1.SetMetaDataAnnotation(&next.ObjectMeta, annotationFrom, time.Now().UTC().Format(time.RFC3339))
	}
	if err := f.management.Patch(ctx, next, client.MergeFrom(ns)); err != nil {
		return fmt.Errorf("marking namespace %s: %w", ns.Name, err)
	}
	return nil
}
