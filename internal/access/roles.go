package access

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Role is what a user may do to a cluster. Each is a ClusterRole kanrin:<role> that internal/install brings.
type Role string

const (
	Administrator Role = "Administrator"
	Operator      Role = "Operator"
	Editor        Role = "Editor"
	Viewer        Role = "Viewer"
)

// AllClusters in the place of a cluster's name is every cluster, those of tomorrow too.
const AllClusters = "*"

var ranks = []Role{Administrator, Operator, Editor, Viewer}

func (r Role) valid() bool { return slices.Contains(ranks, r) }

// clusterRole that is bound for the role.
func (r Role) clusterRole() string { return "kanrin:" + strings.ToLower(string(r)) }

// highest of the roles, "" when there are none.
func highest(roles map[string]string) Role {
	for _, r := range ranks {
		for _, have := range roles {
			if have == string(r) {
				return r
			}
		}
	}
	return ""
}

// Labels of the bindings and session Secrets that Kanrin makes for a user.
const (
	labelUser      = "kanrin.dev/user"
	annotationName = "kanrin.dev/user-name"
)

// bindings are the roles of users, as ClusterRoleBindings (all clusters) and RoleBindings in the clusters' namespaces.
type bindings struct {
	client kubernetes.Interface
}

// all returns the roles of every user by user and cluster.
func (b *bindings) all(ctx context.Context) (map[string]map[string]string, error) {
	return b.list(ctx, labelUser)
}

// of returns the roles of one user by cluster.
func (b *bindings) of(ctx context.Context, user string) (map[string]string, error) {
	roles, err := b.list(ctx, labelUser+"="+userLabel(user))
	return roles[user], err
}

func (b *bindings) list(ctx context.Context, selector string) (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	add := func(meta metav1.ObjectMeta, cluster, roleRef string) {
		user := meta.Annotations[annotationName]
		for _, r := range ranks {
			if user == "" || roleRef != r.clusterRole() {
				continue
			}
			if out[user] == nil {
				out[user] = map[string]string{}
			}
			// Two bindings for one cluster are what a change of role that was cut short left: the higher one counts, as it does in RBAC.
			if had := Role(out[user][cluster]); had == "" || slices.Index(ranks, r) < slices.Index(ranks, had) {
				out[user][cluster] = string(r)
			}
		}
	}
	crbs, err := b.client.RbacV1().ClusterRoleBindings().List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("listing cluster role bindings: %w", err)
	}
	for _, item := range crbs.Items {
		add(item.ObjectMeta, AllClusters, item.RoleRef.Name)
	}
	rbs, err := b.client.RbacV1().RoleBindings(metav1.NamespaceAll).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("listing role bindings: %w", err)
	}
	for _, item := range rbs.Items {
		add(item.ObjectMeta, item.Namespace, item.RoleRef.Name)
	}
	return out, nil
}

// set makes the user's bindings exactly those of roles. What is to be is made before what is not to be is removed, so that a user
// whose role changes is never without one.
func (b *bindings) set(ctx context.Context, user string, roles map[string]string) error {
	for _, cluster := range slices.Sorted(maps.Keys(roles)) {
		if err := b.ensure(ctx, user, cluster, Role(roles[cluster])); err != nil {
			return err
		}
	}
	selector := metav1.ListOptions{LabelSelector: labelUser + "=" + userLabel(user)}
	crbs, err := b.client.RbacV1().ClusterRoleBindings().List(ctx, selector)
	if err != nil {
		return fmt.Errorf("listing cluster role bindings of %s: %w", user, err)
	}
	for _, item := range crbs.Items {
		if item.RoleRef.Name == Role(roles[AllClusters]).clusterRole() {
			continue
		}
		if err := b.client.RbacV1().ClusterRoleBindings().Delete(ctx, item.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("removing cluster role binding %s: %w", item.Name, err)
		}
	}
	rbs, err := b.client.RbacV1().RoleBindings(metav1.NamespaceAll).List(ctx, selector)
	if err != nil {
		return fmt.Errorf("listing role bindings of %s: %w", user, err)
	}
	for _, item := range rbs.Items {
		if item.RoleRef.Name == Role(roles[item.Namespace]).clusterRole() {
			continue
		}
		if err := b.client.RbacV1().RoleBindings(item.Namespace).Delete(ctx, item.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("removing role binding %s/%s: %w", item.Namespace, item.Name, err)
		}
	}
	return nil
}

func (b *bindings) ensure(ctx context.Context, user, cluster string, role Role) error {
	meta := metav1.ObjectMeta{
		// A binding's role cannot be changed, so the role is part of the name.
		Name:        role.clusterRole() + ":" + user,
		Labels:      map[string]string{labelUser: userLabel(user)},
		Annotations: map[string]string{annotationName: user},
	}
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.clusterRole()}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}}
	var err error
	if cluster == AllClusters {
		_, err = b.client.RbacV1().ClusterRoleBindings().Create(ctx,
			&rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects}, metav1.CreateOptions{})
	} else {
		meta.Namespace = cluster
		_, err = b.client.RbacV1().RoleBindings(cluster).Create(ctx,
			&rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects}, metav1.CreateOptions{})
	}
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("binding %s to role %s in cluster %s: %w", user, role, cluster, err)
	}
	return nil
}

// validate refuses roles that do not exist and clusters that are not registered. A namespace that is no cluster's (the management
// cluster has others when it is an existing one) must never get a binding from here.
func (b *bindings) validate(ctx context.Context, roles map[string]string) error {
	for _, cluster := range slices.Sorted(maps.Keys(roles)) {
		if !Role(roles[cluster]).valid() {
			return invalid("roles", CodeRoleUnknown, "role", roles[cluster])
		}
		if cluster == AllClusters {
			continue
		}
		known, err := b.clusterExists(ctx, cluster)
		if err != nil {
			return Unavailable(err)
		}
		if !known {
			return invalid("roles", CodeClusterUnknown, "cluster", cluster)
		}
	}
	return nil
}

func clusterPath(cluster string) []string {
	return []string{"apis", v1alpha1.GroupVersion.Group, v1alpha1.GroupVersion.Version, "namespaces", cluster, "clusters", cluster}
}

func (b *bindings) clusterExists(ctx context.Context, cluster string) (bool, error) {
	if ValidateName(cluster) != nil || strings.ContainsAny(cluster, "_@") {
		return false, nil
	}
	err := b.client.CoreV1().RESTClient().Get().AbsPath(clusterPath(cluster)...).Do(ctx).Error()
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for cluster %s: %w", cluster, err)
	}
	return true, nil
}

// clusterNames of all registered clusters.
func (b *bindings) clusterNames(ctx context.Context) ([]string, error) {
	raw, err := b.client.CoreV1().RESTClient().Get().
		AbsPath("apis", v1alpha1.GroupVersion.Group, v1alpha1.GroupVersion.Version, "clusters").Do(ctx).Raw()
	if err != nil {
		return nil, fmt.Errorf("listing clusters: %w", err)
	}
	var list metav1.PartialObjectMetadataList
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("reading the list of clusters: %w", err)
	}
	var names []string
	for _, item := range list.Items {
		names = append(names, item.Name)
	}
	slices.Sort(names)
	return names, nil
}

// foreign names a binding that gives user rights and that Kanrin did not make, "" when there is none. On an existing management
// cluster the name may be that of one of its own users; whoever may make Kanrin's users must not come by their rights.
func (b *bindings) foreign(ctx context.Context, user string) (string, error) {
	names := func(subjects []rbacv1.Subject) bool {
		return slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return s.Kind == rbacv1.UserKind && s.Name == user })
	}
	mine := func(meta metav1.ObjectMeta, ref rbacv1.RoleRef) bool {
		return meta.Labels[labelUser] == userLabel(user) && slices.ContainsFunc(ranks, func(r Role) bool { return r.clusterRole() == ref.Name })
	}
	crbs, err := b.client.RbacV1().ClusterRoleBindings().List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", fmt.Errorf("listing cluster role bindings: %w", err)
	}
	for _, item := range crbs.Items {
		if names(item.Subjects) && !mine(item.ObjectMeta, item.RoleRef) {
			return "ClusterRoleBinding " + item.Name, nil
		}
	}
	rbs, err := b.client.RbacV1().RoleBindings(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", fmt.Errorf("listing role bindings: %w", err)
	}
	for _, item := range rbs.Items {
		if names(item.Subjects) && !mine(item.ObjectMeta, item.RoleRef) {
			return "RoleBinding " + item.Namespace + "/" + item.Name, nil
		}
	}
	return "", nil
}

// forbidden is the refusal of a caller who lacks a verb, in the words of Kubernetes itself.
func forbidden(user, verb, resource, cluster string) error {
	code, params := CodeMissingVerb, []any{"user", user, "verb", verb, "resource", resource, "cluster", cluster}
	if cluster == "" {
		code, params = CodeMissingVerbEverywhere, params[:6]
	}
	err := Refusal(http.StatusForbidden, metav1.StatusReasonForbidden, code, params...)
	err.ErrStatus.Message = resource + "." + v1alpha1.GroupVersion.Group + " is forbidden: " + err.ErrStatus.Message
	err.ErrStatus.Details.Kind = resource
	return err
}
