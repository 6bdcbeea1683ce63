package browse

import (
	"context"
	"maps"
	"net/http"
	"regexp"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/httpapi"
)

var policyName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// setPolicy makes or replaces a policy and the secrets of its repository, opens the repository, and takes over the sets that are in it.
// When the repository cannot be opened, everything is as it was.
func (s *server) setPolicy(r *http.Request) (any, error) {
	var in inventory.SetBackupPolicy
	if err := read(r, &in); err != nil {
		return nil, err
	}
	ctx, cluster := r.Context(), r.PathValue("cluster")
	if !policyName.MatchString(in.Name) {
		return nil, invalid("PolicyNameInvalid", "name", in.Name)
	}
	if err := s.d.Client.Get(ctx, client.ObjectKey{Namespace: cluster, Name: cluster}, &v1alpha1.Cluster{}); err != nil {
		return nil, err
	}
	if in.Spec.Repository.SecretName == "" {
		in.Spec.Repository.SecretName = "backup-" + in.Name
	}
	for i := range in.Spec.Copies {
		if in.Spec.Copies[i].SecretName == "" {
			in.Spec.Copies[i].SecretName = in.Spec.Repository.SecretName
		}
	}
	if err := backup.CheckPolicy(&in.Spec); err != nil {
		return nil, invalid("PolicyInvalid", "error", err.Error())
	}
	undoSecret, err := s.putSecret(ctx, cluster, in)
	if err != nil {
		return nil, err
	}
	policy, undoPolicy, err := s.putPolicy(ctx, cluster, in)
	if err != nil {
		undoSecret(ctx)
		return nil, err
	}
	found, err := s.take(ctx, policy)
	if err != nil {
		undoPolicy(ctx)
		undoSecret(ctx)
		return nil, err
	}
	policy.ManagedFields = nil
	policy.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "BackupPolicy"}
	return inventory.BackupPolicySet{Policy: policy, Created: found < 0, Found: max(found, 0)}, nil
}

// putSecret writes the given secrets into the repository's Secret and returns how to take that back.
func (s *server) putSecret(ctx context.Context, cluster string, in inventory.SetBackupPolicy) (undo func(context.Context), err error) {
	nothing := func(context.Context) {}
	given := map[string]string{
		backup.KeyPassword: in.Password, backup.KeyIdentity: in.Identity, backup.KeyAccessKeyID: in.AccessKeyID,
		backup.KeySecretAccessKey: in.SecretAccessKey, backup.KeySSH: in.SSHKey,
	}
	maps.DeleteFunc(given, func(_, v string) bool { return v == "" })
	if len(given) == 0 {
		return nothing, nil
	}
	name := in.Spec.Repository.SecretName
	var was corev1.Secret
	err = s.d.Client.Get(ctx, client.ObjectKey{Namespace: cluster, Name: name}, &was)
	if apierrors.IsNotFound(err) {
		fresh := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: cluster, Name: name}, StringData: given}
		if err := s.d.Client.Create(ctx, fresh); err != nil {
			return nothing, err
		}
		return func(ctx context.Context) { s.warn(s.d.Client.Delete(ctx, fresh)) }, nil
	}
	if err != nil {
		return nothing, err
	}
	is := was.DeepCopy()
	if is.Data == nil {
		is.Data = map[string][]byte{}
	}
	for k, v := range given {
		is.Data[k] = []byte(v)
	}
	if err := s.d.Client.Update(ctx, is); err != nil {
		return nothing, err
	}
	return func(ctx context.Context) {
		was.ResourceVersion = is.ResourceVersion
		s.warn(s.d.Client.Update(ctx, &was))
	}, nil
}

func (s *server) putPolicy(ctx context.Context, cluster string, in inventory.SetBackupPolicy) (*v1alpha1.BackupPolicy, func(context.Context), error) {
	var p v1alpha1.BackupPolicy
	err := s.d.Client.Get(ctx, client.ObjectKey{Namespace: cluster, Name: in.Name}, &p)
	if apierrors.IsNotFound(err) {
		p = v1alpha1.BackupPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: cluster, Name: in.Name}, Spec: in.Spec}
		err := s.d.Client.Create(ctx, &p)
		return &p, func(ctx context.Context) { s.warn(s.d.Client.Delete(ctx, &p)) }, err
	}
	if err != nil {
		return nil, nil, err
	}
	was := p.DeepCopy()
	p.Spec = in.Spec
	err = s.d.Client.Update(ctx, &p)
	return &p, func(ctx context.Context) {
		was.ResourceVersion = p.ResourceVersion
		s.warn(s.d.Client.Update(ctx, was))
	}, err
}

func (s *server) warn(err error) {
	if err != nil && !apierrors.IsNotFound(err) {
		s.d.Log.Warn("taking back a backup policy", "error", err)
	}
}

// take opens the repository and makes Backups of the sets in it that are not known; -1 when the repository is new.
func (s *server) take(ctx context.Context, p *v1alpha1.BackupPolicy) (int, error) {
	created, err := s.d.Store.Prepare(ctx, p)
	if err != nil {
		return 0, err
	}
	if created {
		return -1, nil
	}
	return s.d.Store.Rescan(ctx, p)
}

// rescan makes Backups of the sets in the repository that are not known.
func (s *server) rescan(r *http.Request) (any, error) {
	p, err := s.d.Store.Policy(r.Context(), r.PathValue("cluster"), r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	found, err := s.take(r.Context(), p)
	if err != nil {
		return nil, err
	}
	p.ManagedFields = nil
	return inventory.BackupPolicySet{Policy: p, Created: found < 0, Found: max(found, 0)}, nil
}

// keys are handed out to administrators, and that is written down.
func (s *server) keys(r *http.Request) (any, error) {
	p, err := s.d.Store.Policy(r.Context(), r.PathValue("cluster"), r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	_, secrets, err := s.d.Store.Repository(r.Context(), p)
	if err != nil {
		return nil, err
	}
	caller, _ := httpapi.CallerFrom(r.Context())
	s.d.Log.Info("the keys of a backup repository were read", "audit", true, "user", caller.User, "cluster", p.Namespace, "policy", p.Name)
	return inventory.BackupKeys{
		Place: backup.Place(p.Spec.Repository), Password: secrets.Credentials.Password, Identity: secrets.Identity, Recipient: secrets.Recipient,
	}, nil
}
