package nodes

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/plan"
)

const (
	tokenLifetime = 30 * time.Minute
	tokenPrefix   = "bootstrap-token-"
	certsSecret   = "kubeadm-certs"
)

// newToken makes a bootstrap token as Kubernetes defines it ("Authenticating with Bootstrap Tokens"): [a-z0-9]{6}.[a-z0-9]{16}.
func newToken() (id, secret string, err error) {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	out := make([]byte, 0, 22)
	buf := make([]byte, 64)
	for len(out) < 22 {
		if _, err := rand.Read(buf); err != nil {
			return "", "", fmt.Errorf("making a token: %w", err)
		}
		for _, b := range buf {
			if int(b) < 256/len(letters)*len(letters) && len(out) < 22 { // no letter is likelier than another
				out = append(out, letters[int(b)%len(letters)])
			}
		}
	}
	return string(out[:6]), string(out[6:]), nil
}

// newCertificateKey makes the key that kubeadm encrypts the certificates of a control plane with: 32 bytes in hexadecimal.
func newCertificateKey() (string, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return "", fmt.Errorf("making a key: %w", err)
	}
	return hex.EncodeToString(key), nil
}

// createToken puts a token into the cluster that is of use for joining alone, and for half an hour.
func (b base) createToken(ctx context.Context, s *plan.Scope, c *fleet.Connection) (token string, err error) {
	id, secret, err := newToken()
	if err != nil {
		return "", err
	}
	o := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: metav1.NamespaceSystem, Name: tokenPrefix + id,
			Labels: map[string]string{labelOperation: string(s.Operation.UID)},
		},
		Type: corev1.SecretTypeBootstrapToken,
		StringData: map[string]string{
			"token-id": id, "token-secret": secret, "description": "Kanrin, operation " + s.ID(),
			"expiration":                     time.Now().Add(tokenLifetime).UTC().Format(time.RFC3339),
			"usage-bootstrap-authentication": "true", "usage-bootstrap-signing": "true",
			"auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
		},
	}
	err = b.Persist(ctx, s, func(ctx context.Context) error {
		_, err := c.Client.CoreV1().Secrets(o.Namespace).Create(ctx, o, metav1.CreateOptions{FieldManager: "kanrin"})
		if apierrors.IsAlreadyExists(err) {
			return nil // an answer that was lost: nobody else draws the same 22 letters
		}
		return err
	})
	if err != nil {
		return "", plan.Fail("TokenRefused", s.Cluster, err)
	}
	return id + "." + secret, nil
}

// deleteTokens takes away the tokens of this operation, and the encrypted certificates with theirs.
func (b base) deleteTokens(ctx context.Context, s *plan.Scope, c *fleet.Connection) error {
	secrets := c.Client.CoreV1().Secrets(metav1.NamespaceSystem)
	var list *corev1.SecretList
	err := b.Persist(ctx, s, func(ctx context.Context) (err error) {
		list, err = secrets.List(ctx, metav1.ListOptions{LabelSelector: labelOperation + "=" + string(s.Operation.UID)})
		return err
	})
	if err != nil {
		return plan.Fail("TokenRefused", s.Cluster, err)
	}
	var names []string
	for _, o := range list.Items {
		names = append(names, o.Name)
		if o.Annotations[certsSecret] == "" {
			continue
		}
		// The certificates were put there for this operation: they go with the token that kubeadm made to limit their life.
		var certs *corev1.Secret
		err := b.Persist(ctx, s, func(ctx context.Context) (err error) {
			certs, err = secrets.Get(ctx, certsSecret, metav1.GetOptions{})
			return err
		})
		if err != nil && !apierrors.IsNotFound(err) {
			return plan.Fail("TokenRefused", s.Cluster, err)
		}
		if err == nil {
			names = append([]string{certsSecret}, names...)
			for _, owner := range certs.OwnerReferences {
				if strings.HasPrefix(owner.Name, tokenPrefix) {
					names = append([]string{owner.Name}, names...)
				}
			}
		}
	}
	for _, name := range names {
		err := b.Persist(ctx, s, func(ctx context.Context) error { return secrets.Delete(ctx, name, metav1.DeleteOptions{}) })
		if err != nil && !apierrors.IsNotFound(err) {
			return plan.Fail("TokenRefused", s.Cluster, err)
		}
	}
	return nil
}
