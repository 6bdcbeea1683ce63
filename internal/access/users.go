package access

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// UserSecretType is the type of the Secrets in kanrin-system that hold users.
const UserSecretType corev1.SecretType = "kanrin.dev/user"

const (
	keyName     = "name"
	keyPassword = "password" // the encoded argon2id hash
	keyDisabled = "disabled" // "true" or absent
	keyEpoch    = "epoch"    // changed to end all of the user's sessions at once
)

// account is a user as stored.
type account struct {
	name     string
	uid      string
	hash     string
	epoch    string
	disabled bool
	created  time.Time
	secret   *corev1.Secret
}

// accounts are the users' Secrets.
type accounts struct {
	client typedcorev1.SecretInterface
}

// get returns the user, or nil when there is none of that name.
func (s *accounts) get(ctx context.Context, name string) (*account, error) {
	secret, err := s.client.Get(ctx, userSecretName(name), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading user %s: %w", name, err)
	}
	if secret.Type != UserSecretType || string(secret.Data[keyName]) != name {
		return nil, nil // a Secret that somebody else made under our name is no user
	}
	return readAccount(secret), nil
}

func readAccount(secret *corev1.Secret) *account {
	return &account{
		name: string(secret.Data[keyName]), uid: string(secret.UID), hash: string(secret.Data[keyPassword]), epoch: string(secret.Data[keyEpoch]),
		disabled: string(secret.Data[keyDisabled]) == "true", created: secret.CreationTimestamp.Time, secret: secret,
	}
}

func (s *accounts) list(ctx context.Context) ([]*account, error) {
	list, err := s.client.List(ctx, metav1.ListOptions{FieldSelector: "type=" + string(UserSecretType)})
	if err != nil {
		return nil, fmt.Errorf("listing users: %w", err)
	}
	var out []*account
	for i := range list.Items {
		if a := readAccount(&list.Items[i]); ValidateName(a.name) == nil && list.Items[i].Name == userSecretName(a.name) {
			out = append(out, a)
		}
	}
	return out, nil
}

func (s *accounts) create(ctx context.Context, name, hash string, disabled bool) (*account, error) {
	data := map[string][]byte{keyName: []byte(name), keyPassword: []byte(hash), keyEpoch: []byte(newEpoch())}
	if disabled {
		data[keyDisabled] = []byte("true")
	}
	secret, err := s.client.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: userSecretName(name), Labels: map[string]string{labelUser: userLabel(name)}},
		Type:       UserSecretType, Data: data,
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, err // the caller tells "exists already" from the rest
	}
	return readAccount(secret), nil
}

// update writes what change made of the account, on the condition that nobody wrote it in between.
func (s *accounts) update(ctx context.Context, a *account, change func(*account)) error {
	change(a)
	secret := a.secret.DeepCopy()
	secret.Data[keyPassword], secret.Data[keyEpoch] = []byte(a.hash), []byte(a.epoch)
	delete(secret.Data, keyDisabled)
	if a.disabled {
		secret.Data[keyDisabled] = []byte("true")
	}
	written, err := s.client.Update(ctx, secret, metav1.UpdateOptions{})
	if err != nil {
		return err // the caller tells a conflict from the rest
	}
	a.secret = written
	return nil
}

func newEpoch() string {
	raw := make([]byte, 8)
	rand.Read(raw) // crypto/rand.Read never fails
	return hex.EncodeToString(raw)
}
