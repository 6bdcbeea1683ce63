package backup

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/archive"
	"kanrin.dev/kanrin/internal/backup/repository"
)

// Keys of a repository's Secret.
const (
	KeyPassword        = "password"        // of the repository
	KeyIdentity        = "identity"        // age identity to which keys are sealed
	KeyAccessKeyID     = "accessKeyID"     // S3
	KeySecretAccessKey = "secretAccessKey" // S3
	KeySessionToken    = "sessionToken"    // S3
	KeySSH             = "sshKey"          // SFTP
	keySigning         = "signing"         // Ed25519 seed that signs proofs
)

const passwordBytes = 24

// Secrets are what a policy's repository is opened, sealed and signed with.
type Secrets struct {
	Credentials repository.Credentials
	// Identity opens what is sealed; Recipient is its public half.
	Identity, Recipient string
	// Signer signs proofs.
	Signer ed25519.PrivateKey
}

// ensureSecrets reads a repository's Secret and makes what it lacks: the password, the identity and the signing key. Nothing that is
// there is replaced.
func ensureSecrets(ctx context.Context, c client.Client, namespace, name string) (*Secrets, error) {
	var s corev1.Secret
	err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &s)
	fresh := apierrors.IsNotFound(err)
	if err != nil && !fresh {
		return nil, fmt.Errorf("reading Secret %s of %s: %w", name, namespace, err)
	}
	if fresh {
		s = corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	}
	data := maps.Clone(s.Data)
	if data == nil {
		data = map[string][]byte{}
	}
	changed := false
	if len(data[KeyPassword]) == 0 {
		data[KeyPassword], changed = []byte(random(passwordBytes)), true
	}
	if len(data[KeyIdentity]) == 0 {
		id, _, err := archive.NewIdentity()
		if err != nil {
			return nil, err
		}
		data[KeyIdentity], changed = []byte(id), true
	}
	if len(data[keySigning]) != ed25519.SeedSize {
		seed := make([]byte, ed25519.SeedSize)
		_, _ = rand.Read(seed) // never fails
		data[keySigning], changed = seed, true
	}
	if changed {
		s.Data = data
		write := c.Update
		if fresh {
			write = func(ctx context.Context, o client.Object, _ ...client.UpdateOption) error { return c.Create(ctx, o) }
		}
		if err := write(ctx, &s); err != nil {
			return nil, fmt.Errorf("writing Secret %s of %s: %w", name, namespace, err)
		}
	}
	return secretsOf(data)
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

func secretsOf(data map[string][]byte) (*Secrets, error) {
	out := &Secrets{
		Credentials: repository.Credentials{
			Password: string(data[KeyPassword]), AccessKeyID: string(data[KeyAccessKeyID]), SecretAccessKey: string(data[KeySecretAccessKey]),
			SessionToken: string(data[KeySessionToken]), SSHKey: data[KeySSH],
		},
		Identity: string(data[KeyIdentity]),
		Signer:   ed25519.NewKeyFromSeed(data[keySigning]),
	}
	var err error
	if out.Recipient, err = archive.Recipient(out.Identity); err != nil {
		return nil, errors.New("the identity in the repository's Secret is not an age identity")
	}
	return out, nil
}

// location of a repository as package repository takes it.
func location(r v1alpha1.BackupRepository) repository.Location {
	l := repository.Location{Type: string(r.Type), Path: r.Path}
	if r.S3 != nil {
		l.S3 = &repository.S3Location{
			Endpoint: r.S3.Endpoint, Bucket: r.S3.Bucket, Prefix: r.S3.Prefix, Region: r.S3.Region, CABundle: []byte(r.S3.CABundle), PlainHTTP: r.S3.PlainHTTP,
		}
	}
	if r.SFTP != nil {
		l.SFTP = &repository.SFTPLocation{Host: r.SFTP.Host, Port: int(r.SFTP.Port), User: r.SFTP.User, Path: r.SFTP.Path, HostKey: r.SFTP.HostKey}
	}
	return l
}
