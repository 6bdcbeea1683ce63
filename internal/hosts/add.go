package hosts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
)

// LabelHost marks a Secret that was made for a host and goes with it; its value is the host's name.
const LabelHost = "kanrin.dev/host"

// Secrets of a host that Kanrin makes.
func keySecretName(host string) string { return "host-" + host + "-ssh" }
func bmcSecretName(host string) string { return "host-" + host + "-bmc" }

var (
	hostName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$`)
	dnsName  = regexp.MustCompile(`^[a-zA-Z0-9]([-a-zA-Z0-9_]{0,62})(\.[a-zA-Z0-9]([-a-zA-Z0-9_]{0,62}))*\.?$|^[a-zA-Z0-9]$`)
)

// maxName leaves room for the names of the Secrets, and fits in a label.
const maxName = 63

// refusal is an error as a metav1.Status: the type of its first cause is the key of its sentence in the catalogue, the others are the
// parameters.
func refusal(status int, reason metav1.StatusReason, key, message string, params map[string]string) *apierrors.StatusError {
	causes := []metav1.StatusCause{{Type: metav1.CauseType(key), Message: message}}
	for _, field := range slices.Sorted(maps.Keys(params)) {
		causes = append(causes, metav1.StatusCause{Type: "Parameter", Field: field, Message: params[field]})
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: int32(status), Reason: reason, Message: message,
		Details: &metav1.StatusDetails{Group: v1alpha1.GroupVersion.Group, Kind: "hosts", Causes: causes},
	}}
}

// invalid refuses a request; its sentence is host.<code>.
func invalid(code string, pairs ...any) error {
	params := lang.P(pairs...)
	return refusal(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, "host."+code, lang.English.Text("host."+code, params), params)
}

// unusable says why a machine cannot be used.
func unusable(e *Error) error {
	key := "hoststate." + string(e.State)
	if longer := key + "." + e.Params["why"]; lang.English.Has(longer) {
		key = longer
	}
	return refusal(http.StatusBadGateway, metav1.StatusReasonServiceUnavailable, key, e.Error(), e.Params)
}

// validAddress accepts IP addresses and names: nothing that could be read as more than that.
func validAddress(address string, port int32) error {
	if len(address) > 253 || net.ParseIP(address) == nil && !dnsName.MatchString(address) {
		return invalid("AddressInvalid", "address", clip(address))
	}
	if port < 0 || port > 65535 {
		return invalid("PortInvalid", "port", port)
	}
	return nil
}

// add makes a Host with its Secrets. Nothing stays when it fails.
func (s *server) add(r *http.Request) (any, error) {
	var in inventory.AddHost
	if err := read(r, &in); err != nil {
		return nil, err
	}
	cluster := r.PathValue("cluster")
	if err := s.known(r.Context(), cluster); err != nil {
		return nil, err
	}
	h, secrets, err := hostFor(cluster, &in)
	if err != nil {
		return nil, err
	}
	// A host of that name must keep its key.
	switch err := s.client.Get(r.Context(), client.ObjectKeyFromObject(h), &v1alpha1.Host{}); {
	case err == nil:
		return nil, refusal(http.StatusConflict, metav1.StatusReasonAlreadyExists, "host.NameTaken", lang.English.T("host.NameTaken", "name", h.Name), lang.P("name", h.Name))
	case !apierrors.IsNotFound(err):
		return nil, fmt.Errorf("looking for host %s: %w", h.Name, err)
	}
	for _, secret := range secrets {
		if err := s.keep(r.Context(), secret); err != nil {
			return nil, err
		}
	}
	if err := s.client.Create(r.Context(), h); err != nil {
		if !apierrors.IsAlreadyExists(err) { // whoever was first has the Secrets of that name now
			s.forget(context.WithoutCancel(r.Context()), cluster, h.Name)
		}
		return nil, err
	}
	return document(h), nil
}

// hostFor makes the objects of a host out of what was asked for.
func hostFor(cluster string, in *inventory.AddHost) (*v1alpha1.Host, []*corev1.Secret, error) {
	if len(in.Name) > maxName || !hostName.MatchString(in.Name) {
		return nil, nil, invalid("NameInvalid", "name", clip(in.Name))
	}
	if err := validAddress(in.Spec.Address, in.Spec.Port); err != nil {
		return nil, nil, err
	}
	if in.Spec.HostKey != "" {
		if _, err := ParseHostKey(in.Spec.HostKey); err != nil {
			return nil, nil, invalid("HostKeyInvalid")
		}
	}
	h := &v1alpha1.Host{ObjectMeta: metav1.ObjectMeta{Namespace: cluster, Name: in.Name}, Spec: in.Spec}
	var secrets []*corev1.Secret
	secret := func(name string, kind corev1.SecretType, data map[string]string) {
		secrets = append(secrets, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: cluster, Name: name, Labels: map[string]string{LabelHost: in.Name}},
			Type:       kind, StringData: data,
		})
	}
	if in.PrivateKey != "" {
		if in.Spec.KeySecret != "" {
			return nil, nil, invalid("KeyTwice")
		}
		if _, err := ParseKey([]byte(in.PrivateKey)); errors.Is(err, ErrEncryptedKey) {
			return nil, nil, invalid("KeyEncrypted")
		} else if err != nil {
			return nil, nil, invalid("KeyInvalid")
		}
		h.Spec.KeySecret = keySecretName(in.Name)
		secret(h.Spec.KeySecret, corev1.SecretTypeSSHAuth, map[string]string{corev1.SSHAuthPrivateKey: in.PrivateKey})
	}
	if bmc := h.Spec.Power.BMC; bmc != nil && bmc.CredentialsSecret == "" {
		if err := validAddress(bmc.Address, bmc.Port); err != nil {
			return nil, nil, err
		}
		if _, err := newBMC(in.Name, bmc.Address, int(bmc.Port), in.BMCUser, in.BMCPassword); err != nil {
			return nil, nil, invalid("BMCInvalid", "most", bmcMaxSecret)
		}
		bmc.CredentialsSecret = bmcSecretName(in.Name)
		secret(bmc.CredentialsSecret, corev1.SecretTypeBasicAuth, map[string]string{
			corev1.BasicAuthUsernameKey: in.BMCUser, corev1.BasicAuthPasswordKey: in.BMCPassword,
		})
	}
	return h, secrets, nil
}

// keep writes a Secret, over what an earlier host of that name has left.
func (s *server) keep(ctx context.Context, secret *corev1.Secret) error {
	err := s.client.Create(ctx, secret.DeepCopy())
	if apierrors.IsAlreadyExists(err) {
		var left corev1.Secret
		if err := s.client.Get(ctx, client.ObjectKeyFromObject(secret), &left); err != nil {
			return fmt.Errorf("keeping the credentials of a host: %w", err)
		}
		if left.Labels[LabelHost] != secret.Labels[LabelHost] {
			return invalid("SecretTaken", "secret", secret.Name)
		}
		if err := s.client.Delete(ctx, &left); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("keeping the credentials of a host: %w", err)
		}
		err = s.client.Create(ctx, secret.DeepCopy())
	}
	if err != nil {
		return fmt.Errorf("keeping the credentials of a host: %w", err)
	}
	return nil
}

// remove deletes a Host and the Secrets that were made for it. The machine is not touched.
func (s *server) remove(r *http.Request) (any, error) {
	cluster, name := r.PathValue("cluster"), r.PathValue("name")
	var h v1alpha1.Host
	if err := s.client.Get(r.Context(), client.ObjectKey{Namespace: cluster, Name: name}, &h); err != nil {
		return nil, err
	}
	if err := s.client.Delete(r.Context(), &h); err != nil {
		return nil, err
	}
	s.forget(context.WithoutCancel(r.Context()), cluster, name)
	return metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess}, nil
}

// forget deletes the Secrets that were made for a host. What cannot be deleted is overwritten by the next host of that name.
func (s *server) forget(ctx context.Context, cluster, name string) {
	err := s.client.DeleteAllOf(ctx, &corev1.Secret{}, client.InNamespace(cluster), client.MatchingLabels{LabelHost: name})
	if err != nil {
		s.keeper.d.Log.Warn("the credentials of a host could not be deleted", "cluster", cluster, "host", strings.TrimSpace(name), "error", err)
	}
}
