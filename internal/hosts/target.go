package hosts

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"strconv"

	"golang.org/x/crypto/ssh"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// DefaultPort of SSH.
const DefaultPort = 22

// target is what it takes to connect to one machine.
type target struct {
	cluster, host string
	addr          string
	port          int
	user          string
	pinned        ssh.PublicKey
	signer        ssh.Signer
	identity      [sha256.Size]byte // of all of the above: a connection made for another identity is not used
}

func (t *target) address() string { return net.JoinHostPort(t.addr, strconv.Itoa(t.port)) }

func (t *target) key() string { return t.cluster + "/" + t.host }

// targetOf reads the key Secret of a host. The errors are *Error, those of the management API, or NotFound ones.
func targetOf(ctx context.Context, c client.Reader, h *v1alpha1.Host) (*target, error) {
	t := &target{
		cluster: h.Namespace, host: h.Name, addr: h.Spec.Address, user: cmp.Or(h.Spec.User, "root"),
		port: cmp.Or(int(h.Spec.Port), DefaultPort),
	}
	if h.Spec.HostKey == "" {
		return nil, t.fail(v1alpha1.HostKeyMissing, "", nil)
	}
	var err error
	if t.pinned, err = ParseHostKey(h.Spec.HostKey); err != nil {
		return nil, t.fail(v1alpha1.HostKeyMissing, "unreadable", err)
	}
	name := h.Spec.KeySecret
	if name == "" {
		return nil, t.fail(v1alpha1.HostUnknown, "nosecret", nil)
	}
	var secret corev1.Secret
	if err := c.Get(ctx, client.ObjectKey{Namespace: h.Namespace, Name: name}, &secret); apierrors.IsNotFound(err) {
		return nil, t.fail(v1alpha1.HostUnknown, "secret", nil, "secret", name)
	} else if err != nil {
		return nil, fmt.Errorf("reading the key of host %s: %w", h.Name, err)
	}
	pem := secret.Data[corev1.SSHAuthPrivateKey]
	if t.signer, err = ParseKey(pem); err != nil {
		why := "badkey"
		if errors.Is(err, ErrEncryptedKey) {
			why = "encrypted"
		}
		return nil, t.fail(v1alpha1.HostUnknown, why, err, "secret", name)
	}
	t.identity = sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%x", t.address(), t.user, t.pinned.Marshal(), sha256.Sum256(pem)))
	return t, nil
}

// ErrEncryptedKey and ErrBadKey are the errors of ParseKey; neither says anything of the key's text.
var (
	ErrEncryptedKey = errors.New("the private key is encrypted with a passphrase, which Kanrin cannot ask for")
	ErrBadKey       = errors.New("this is no private key in OpenSSH or PEM form")
)

// ParseKey reads an unencrypted private key.
func ParseKey(pem []byte) (ssh.Signer, error) {
	signer, err := ssh.ParsePrivateKey(pem)
	var encrypted *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &encrypted):
		return nil, ErrEncryptedKey
	case err != nil:
		return nil, ErrBadKey
	}
	return signer, nil
}

// ParseHostKey reads a public key in the form of authorized_keys.
func ParseHostKey(line string) (ssh.PublicKey, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return nil, errors.New("the pinned host key is not a public key in the form of authorized_keys")
	}
	return key, nil
}

// FormatHostKey writes a public key as HostSpec.HostKey has it.
func FormatHostKey(key ssh.PublicKey) string {
	line := ssh.MarshalAuthorizedKey(key)
	return string(line[:len(line)-1]) // without the newline
}

// Fingerprint of a key as ssh-keygen shows it: "SHA256:…".
func Fingerprint(key ssh.PublicKey) string { return ssh.FingerprintSHA256(key) }
