package access

import (
	"maps"
	"os"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/httpapi"
)

func caller(user string) httpapi.Caller {
	return httpapi.Caller{User: user, Groups: []string{AuthenticatedGroup}}
}

// may waits for RBAC to take notice of a change, and fails when the answer never becomes the wanted one.
func (b *bed) may(user, verb, resource, cluster string, want bool) {
	b.t.Helper()
	for {
		got, err := b.Allowed(b.ctx, caller(user), verb, resource, cluster)
		if err == nil && got == want {
			return
		}
		if b.ctx.Err() != nil {
			b.t.Fatalf("may %s %s %s in %q: %v, %v, want %v", user, verb, resource, cluster, got, err, want)
		}
	}
}

func TestRoles(t *testing.T) {
	b := newBed(t)
	cluster(b.ctx, t, "prod")
	cluster(b.ctx, t, "dev")
	b.user("admin", map[string]string{AllClusters: "Administrator"})
	b.user("op", map[string]string{"prod": "Operator", "dev": "Viewer"})
	b.user("ed@example", map[string]string{"prod": "Editor"})
	b.user("view_er", map[string]string{AllClusters: "Viewer"})
	b.user("nobody", nil)

	for _, tc := range []struct {
		user, verb, resource, cluster string
		want                          bool
	}{
		{"admin", "create", "users", "", true},
		{"admin", "delete", "clusters", "dev", true},
		{"op", "approve", "operations", "prod", true},
		{"op", "approve", "operations", "dev", false},
		{"op", "get", "nodes", "dev", true},
		{"op", "list", "operations", "", false},
		{"ed@example", "create", "operations", "prod", true},
		{"ed@example", "approve", "operations", "prod", false},
		{"ed@example", "get", "nodes", "dev", false},
		{"view_er", "watch", "pods", "dev", true},
		{"view_er", "create", "operations", "dev", false},
		{"view_er", "list", "users", "", false},
		{"nobody", "get", "clusters", "prod", false},
	} {
		b.may(tc.user, tc.verb, tc.resource, tc.cluster, tc.want)
	}
	err := b.Require(b.ctx, caller("nobody"), "get", "nodes", "prod")
	want := `nodes.kanrin.dev is forbidden: User "nobody" cannot get resource "nodes" in API group "kanrin.dev" in the namespace "prod"`
	if err == nil || err.Error() != want || CodeOf(err) != CodeMissingVerb {
		t.Fatalf("Require = %v, want %s", err, want)
	}
	err = b.Require(b.ctx, caller("nobody"), "list", "users", "")
	want = `users.kanrin.dev is forbidden: User "nobody" cannot list resource "users" in API group "kanrin.dev" at the cluster scope`
	if err == nil || err.Error() != want {
		t.Fatalf("Require = %v, want %s", err, want)
	}

	t.Run("listed", func(t *testing.T) {
		b := b.in(t)
		users, err := b.Users(b.ctx)
		if err != nil || len(users) != 5 {
			t.Fatalf("%d users, %v", len(users), err)
		}
		for _, u := range users {
			if u.Password != "" || u.Created.IsZero() {
				t.Errorf("user %+v", u)
			}
		}
		if got := users[3]; got.Name != "op" || !maps.Equal(got.Roles, map[string]string{"prod": "Operator", "dev": "Viewer"}) {
			t.Errorf("user 3 is %+v", got)
		}
	})
	t.Run("changed", func(t *testing.T) {
		b := b.in(t)
		got, err := b.UpdateUser(b.ctx, "op", UserChange{Roles: map[string]string{"dev": "Operator"}})
		if err != nil || !maps.Equal(got.Roles, map[string]string{"dev": "Operator"}) {
			t.Fatalf("UpdateUser = %+v, %v", got, err)
		}
		b.may("op", "approve", "operations", "dev", true)
		b.may("op", "get", "nodes", "prod", false)
		if _, err := b.UpdateUser(b.ctx, "op", UserChange{Roles: map[string]string{}}); err != nil {
			t.Fatal(err)
		}
		b.may("op", "get", "nodes", "dev", false)
	})
	t.Run("a removed user's roles do not wait for the next of the name", func(t *testing.T) {
		b := b.in(t)
		// What a removal that was cut short leaves: the bindings without the user.
		acc, err := b.accounts.get(b.ctx, "view_er")
		if err != nil {
			t.Fatal(err)
		}
		if err := b.accounts.client.Delete(b.ctx, acc.secret.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		b.user("view_er", map[string]string{"dev": "Viewer"})
		b.may("view_er", "get", "nodes", "prod", false)
		b.may("view_er", "get", "nodes", "dev", true)
		if err := b.DeleteUser(b.ctx, "view_er"); err != nil {
			t.Fatal(err)
		}
		b.may("view_er", "get", "nodes", "dev", false)
		if roles, err := b.bindings.of(b.ctx, "view_er"); err != nil || len(roles) != 0 {
			t.Fatalf("roles of the removed user: %v, %v", roles, err)
		}
		if list, err := b.sessions.of(b.ctx, "view_er"); err != nil || len(list) != 0 {
			t.Fatalf("sessions of the removed user: %v, %v", list, err)
		}
	})
}

func TestUsersRefused(t *testing.T) {
	b := newBed(t)
	cluster(b.ctx, t, "prod")
	b.user("admin", map[string]string{AllClusters: "Administrator"})
	b.user("op", map[string]string{"prod": "Administrator"})
	foreign := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "ops-team"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "root@example"}},
	}
	if _, err := api.Client.RbacV1().ClusterRoleBindings().Create(b.ctx, foreign, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	defer api.Client.RbacV1().ClusterRoleBindings().Delete(b.ctx, foreign.Name, metav1.DeleteOptions{})

	for _, tc := range []struct {
		name string
		user inventory.User
		want Code
	}{
		{"exists", inventory.User{Name: "op", Password: testPassword}, CodeUserExists},
		{"reserved name", inventory.User{Name: "system:masters", Password: testPassword}, CodeNameReserved},
		{"bad name", inventory.User{Name: "A", Password: testPassword}, CodeNameInvalid},
		{"no password", inventory.User{Name: "a"}, CodePasswordShort},
		{"role", inventory.User{Name: "a", Password: testPassword, Roles: map[string]string{"prod": "Root"}}, CodeRoleUnknown},
		{"role of the wrong case", inventory.User{Name: "a", Password: testPassword, Roles: map[string]string{"prod": "viewer"}}, CodeRoleUnknown},
		{"cluster", inventory.User{Name: "a", Password: testPassword, Roles: map[string]string{"nowhere": "Viewer"}}, CodeClusterUnknown},
		{"namespace that is no cluster", inventory.User{Name: "a", Password: testPassword, Roles: map[string]string{"kanrin-system": "Viewer"}}, CodeClusterUnknown},
		{"cluster that walks", inventory.User{Name: "a", Password: testPassword, Roles: map[string]string{"../prod": "Viewer"}}, CodeClusterUnknown},
		{"name with rights of its own", inventory.User{Name: "root@example", Password: testPassword}, CodeNameBound},
	} {
		t.Run("create: "+tc.name, func(t *testing.T) {
			if _, err := b.CreateUser(b.ctx, tc.user); CodeOf(err) != tc.want {
				t.Fatalf("CreateUser = %v, want code %q", err, tc.want)
			}
		})
	}
	yes := true
	for _, tc := range []struct {
		name string
		do   func() error
		want Code
	}{
		{"remove the last administrator", func() error { return b.DeleteUser(b.ctx, "admin") }, CodeLastAdministrator},
		{"disable the last administrator", func() error { _, err := b.UpdateUser(b.ctx, "admin", UserChange{Disabled: &yes}); return err }, CodeLastAdministrator},
		{"demote the last administrator", func() error {
			_, err := b.UpdateUser(b.ctx, "admin", UserChange{Roles: map[string]string{"prod": "Administrator"}})
			return err
		}, CodeLastAdministrator},
		{"remove nobody", func() error { return b.DeleteUser(b.ctx, "nobody") }, CodeUserUnknown},
		{"change nobody", func() error { _, err := b.UpdateUser(b.ctx, "nobody", UserChange{Disabled: &yes}); return err }, CodeUserUnknown},
		{"remove what cannot be a user", func() error { return b.DeleteUser(b.ctx, "../op") }, CodeUserUnknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.do(); CodeOf(err) != tc.want {
				t.Fatalf("got %v, want code %q", err, tc.want)
			}
		})
	}
	b.user("second", map[string]string{AllClusters: "Administrator"})
	if err := b.DeleteUser(b.ctx, "admin"); err != nil {
		t.Fatalf("removing one of two administrators: %v", err)
	}
}

// The file with the first password goes when it is no longer the password.
func TestPasswordFileGoesWithThePassword(t *testing.T) {
	b := newBed(t)
	if err := b.bootstrap(b.ctx); err != nil {
		t.Fatal(err)
	}
	other := "another-password-9"
	if _, err := b.UpdateUser(b.ctx, "admin", UserChange{Password: &other}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.passwordFile()); !os.IsNotExist(err) {
		t.Fatalf("the file is still there: %v", err)
	}
	b.signIn("admin", other)
	if err := b.bootstrap(b.ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.passwordFile()); !os.IsNotExist(err) {
		t.Fatalf("a restart made a file again: %v", err)
	}
}
