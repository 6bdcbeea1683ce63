package install

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
)

var api *controlplanetest.API

func TestMain(m *testing.M) { os.Exit(controlplanetest.Main(m, &api)) }

func install(t *testing.T, config *rest.Config) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return Install(ctx, config)
}

var operations = v1alpha1.GroupVersion.WithResource("operations")

// as returns a client of a user who has a role (or none) in a namespace of the test's own.
func as(t *testing.T, namespace, user, role string) dynamic.ResourceInterface {
	t.Helper()
	if role != "" {
		_, err := api.Client.RbacV1().RoleBindings(namespace).Create(t.Context(), &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: user},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "kanrin:" + role},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}},
		}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	config := rest.CopyConfig(api.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	return dynamic.NewForConfigOrDie(config).Resource(operations).Namespace(namespace)
}

func newNamespace(t *testing.T, name string) {
	t.Helper()
	_, err := api.Client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func cordon(spec map[string]any) *unstructured.Unstructured {
	full := map[string]any{"type": "Cordon", "cordon": map[string]any{"nodes": []any{"w1"}}}
	for k, v := range spec {
		full[k] = v
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": "Operation",
		"metadata": map[string]any{"generateName": "cordon-"}, "spec": full,
	}}
}

func TestInstallTwice(t *testing.T) {
	if err := install(t, api.Config); err != nil {
		t.Fatal(err)
	}
	versions := func() map[string]string {
		out := map[string]string{}
		client := dynamic.NewForConfigOrDie(api.Config)
		definitions, err := Definitions()
		if err != nil {
			t.Fatal(err)
		}
		others, err := Others()
		if err != nil {
			t.Fatal(err)
		}
		for _, obj := range append(definitions, others...) {
			got, err := client.Resource(resourceOf(obj)).Get(t.Context(), obj.GetName(), metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			out[obj.GetKind()+" "+obj.GetName()] = got.GetResourceVersion()
		}
		return out
	}
	first := versions()
	began := time.Now()
	if err := install(t, api.Config); err != nil {
		t.Fatal(err)
	}
	t.Logf("second time: %v", time.Since(began))
	for name, v := range versions() {
		if v != first[name] && !strings.HasPrefix(name, "CustomResourceDefinition") { // its status is still being written
			t.Errorf("%s was changed by installing it again", name)
		}
	}
}

// TestRoles states the rights of each role.
func TestRoles(t *testing.T) {
	if err := install(t, api.Config); err != nil {
		t.Fatal(err)
	}
	newNamespace(t, "roles")
	type right struct{ group, resource, verb string }
	const own = "kanrin.dev"
	all := []string{"viewer", "editor", "operator", "administrator"}
	rights := map[right][]string{
		{own, "clusters", "get"}:              all,
		{own, "clusters", "create"}:           all[3:],
		{own, "clusters", "delete"}:           all[3:],
		{own, "clusters/status", "update"}:    nil,
		{own, "operations", "list"}:           all,
		{own, "operations", "create"}:         all[1:],
		{own, "operations", "patch"}:          all[1:],
		{own, "operations", "approve"}:        all[2:],
		{own, "operations", "delete"}:         all[3:],
		{own, "operations/status", "update"}:  nil,
		{own, "operations/status", "patch"}:   nil,
		{own, "operationlogs", "get"}:         all,
		{own, "operationlogs", "create"}:      nil,
		{own, "operationlogs", "update"}:      nil,
		{own, "backuppolicies", "list"}:       all,
		{own, "backuppolicies", "create"}:     all[2:],
		{own, "backups", "list"}:              all,
		{own, "backups", "patch"}:             all[2:],
		{own, "backups", "delete"}:            all[3:],
		{own, "backups/status", "update"}:     nil,
		{own, "drills", "list"}:               all,
		{own, "drills", "create"}:             nil,
		{own, "snapshotsecrets", "get"}:       all[3:],
		{own, "users", "list"}:                all[3:],
		{own, "users", "create"}:              all[3:],
		{"", "secrets", "get"}:                nil,
		{"", "secrets", "list"}:               nil,
		{"", "pods", "list"}:                  nil,
		{"", "namespaces", "get"}:             all[3:],
		{"", "namespaces", "delete"}:          nil,
		{"", "users", "impersonate"}:          nil,
		{rbacv1.GroupName, "roles", "create"}: nil,
	}
	for _, view := range []string{"hosts", "nodes", "workloads", "pods", "events", "capacity", "objects", "snapshots"} {
		rights[right{own, view, "list"}] = all
		rights[right{own, view, "get"}] = all
	}
	for _, role := range all {
		as(t, "roles", role+"-user", role)
		for r, allowed := range rights {
			want := false
			for _, a := range allowed {
				want = want || a == role
			}
			resource, sub, _ := strings.Cut(r.resource, "/")
			sar := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User:               role + "-user",
				ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: "roles", Group: r.group, Resource: resource, Subresource: sub, Verb: r.verb},
			}}
			eventually(t, fmt.Sprintf("%s: may %s %s.%s = %v", role, r.verb, r.resource, r.group, want), func() error {
				got, err := api.Client.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), sar, metav1.CreateOptions{})
				if err == nil && got.Status.Allowed != want {
					err = fmt.Errorf("it is %v", got.Status.Allowed)
				}
				return err
			})
		}
	}
}

// eventually waits for the API server's caches of roles and bindings.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%s: %v", what, err)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestPolicies(t *testing.T) {
	if err := install(t, api.Config); err != nil {
		t.Fatal(err)
	}
	newNamespace(t, "policies")
	users := map[string]dynamic.ResourceInterface{
		"ed":    as(t, "policies", "ed", "editor"),
		"edda":  as(t, "policies", "edda", "editor"),
		"otto":  as(t, "policies", "otto", "operator"),
		"anna":  as(t, "policies", "anna", "administrator"),
		"vera":  as(t, "policies", "vera", "viewer"),
		"admin": dynamic.NewForConfigOrDie(api.Config).Resource(operations).Namespace("policies"),
	}
	for _, user := range []string{"ed", "edda", "otto", "anna"} {
		eventually(t, user+" may create operations", func() error {
			_, err := users[user].Create(t.Context(), cordon(nil), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			return err
		})
	}
	check := func(t *testing.T, err error, refused string) {
		t.Helper()
		if refused == "" && err != nil {
			t.Errorf("refused: %v", err)
		}
		if refused != "" && (err == nil || !strings.Contains(err.Error(), refused)) {
			t.Errorf("got %v, want a refusal with %q", err, refused)
		}
	}
	type spec = map[string]any
	for name, c := range map[string]struct {
		user    string
		spec    spec
		refused string
	}{
		"own name":            {"ed", spec{"requestedBy": "ed"}, ""},
		"no name":             {"ed", spec{}, ""},
		"another's name":      {"ed", spec{"requestedBy": "anna"}, "your own name, ed"},
		"masters too":         {"admin", spec{"requestedBy": "ed"}, "your own name"},
		"approved at birth":   {"anna", spec{"approvedPlan": "abc"}, "StalePlan:"},
		"approver at birth":   {"anna", spec{"approvedBy": "anna"}, "StalePlan:"},
		"a viewer may not":    {"vera", spec{}, `cannot create resource "operations"`},
		"cancelled at birth":  {"ed", spec{"cancelled": true}, ""},
		"paused at birth too": {"ed", spec{"paused": true}, ""},
	} {
		t.Run("create/"+name, func(t *testing.T) {
			_, err := users[c.user].Create(t.Context(), cordon(c.spec), metav1.CreateOptions{})
			check(t, err, c.refused)
		})
	}

	const digest = "0123456789ab"
	planned := func(t *testing.T, by string) *unstructured.Unstructured {
		t.Helper()
		op, err := users["ed"].Create(t.Context(), cordon(spec{"requestedBy": by}), metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		op.Object["status"] = map[string]any{"phase": "Planned", "plan": map[string]any{
			"digest": digest, "factsDigest": "f", "createdAt": "2026-11-21T12:00:00.000000Z", "steps": []any{}, "forecast": map[string]any{"seconds": int64(1), "atMostSeconds": int64(1)},
		}}
		op, err = users["admin"].UpdateStatus(t.Context(), op, metav1.UpdateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return op
	}
	for name, c := range map[string]struct {
		user    string
		before  spec // done by otto
		change  spec
		refused string
	}{
		"an editor may not approve":         {"ed", nil, spec{"approvedPlan": digest, "approvedBy": "ed"}, `the verb "approve" on operations.kanrin.dev in namespace policies is missing`},
		"an operator may":                   {"otto", nil, spec{"approvedPlan": digest, "approvedBy": "otto"}, ""},
		"an administrator may, without":     {"anna", nil, spec{"approvedPlan": digest}, ""},
		"in another's name":                 {"otto", nil, spec{"approvedPlan": digest, "approvedBy": "anna"}, "your own name, otto"},
		"masters in another's name":         {"admin", nil, spec{"approvedPlan": digest, "approvedBy": "anna"}, "your own name"},
		"claiming another's approval":       {"anna", spec{"approvedPlan": digest, "approvedBy": "otto"}, spec{"approvedBy": "anna"}, "cannot change without approvedPlan"},
		"a stale digest":                    {"otto", nil, spec{"approvedPlan": "ffffffffffff", "approvedBy": "otto"}, "StalePlan:"},
		"Kanrin empties":                    {"admin", spec{"approvedPlan": digest, "approvedBy": "otto"}, spec{"approvedPlan": "", "approvedBy": ""}, ""},
		"an editor may not empty":           {"ed", spec{"approvedPlan": digest, "approvedBy": "otto"}, spec{"approvedPlan": "", "approvedBy": ""}, `the verb "approve"`},
		"who asked may cancel":              {"ed", nil, spec{"cancelled": true}, ""},
		"who asked may pause":               {"ed", nil, spec{"paused": true}, ""},
		"another editor may not cancel":     {"edda", nil, spec{"cancelled": true}, "may not pause or cancel the operation of another"},
		"another editor may not resume":     {"edda", spec{"paused": true}, spec{"paused": false}, "may not pause or cancel the operation of another"},
		"an operator may cancel":            {"otto", nil, spec{"cancelled": true}, ""},
		"Kanrin may pause":                  {"admin", nil, spec{"paused": true}, ""},
		"the request cannot change":         {"anna", nil, spec{"cordon": spec{"nodes": []any{"w2"}}}, "cannot be changed"},
		"the requester cannot change":       {"anna", nil, spec{"requestedBy": "anna"}, "requestedBy cannot be changed"},
		"a viewer may not":                  {"vera", nil, spec{"paused": true}, `cannot patch resource "operations"`},
		"labels are free to whom may patch": {"edda", nil, spec{}, ""},
	} {
		t.Run("change/"+name, func(t *testing.T) {
			op := planned(t, "ed")
			if c.before != nil {
				if _, err := patch(t, users["otto"], op.GetName(), c.before); err != nil {
					t.Fatal(err)
				}
			}
			_, err := patch(t, users[c.user], op.GetName(), c.change)
			check(t, err, c.refused)
			if c.refused != "" && err != nil && !apierrors.IsForbidden(err) && !apierrors.IsInvalid(err) {
				t.Errorf("neither 403 nor 422: %v", err)
			}
		})
	}
	t.Run("nobody's operation", func(t *testing.T) {
		op := planned(t, "")
		_, err := patch(t, users["ed"], op.GetName(), spec{"cancelled": true})
		check(t, err, "may not pause or cancel")
	})
}

func TestRefusals(t *testing.T) {
	config := rest.CopyConfig(api.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "nobody", Groups: []string{"system:authenticated"}}
	if err := install(t, config); err == nil || !strings.Contains(err.Error(), "lacks the right") || !strings.Contains(err.Error(), "CustomResourceDefinition") {
		t.Errorf("without rights: %v", err)
	}
	gone := &rest.Config{Host: "https://127.0.0.1:1"}
	if err := install(t, gone); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("without an API: %v", err)
	}
}
