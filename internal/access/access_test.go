package access

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	clocktesting "k8s.io/utils/clock/testing"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
	"kanrin.dev/kanrin/internal/install"
)

var api *controlplanetest.API

func TestMain(m *testing.M) { os.Exit(controlplanetest.Main(m, &api)) }

var installed sync.Once

// bed is one server's access component on the package's management API, which it finds without users, sessions and roles.
type bed struct {
	*Access
	t     *testing.T
	ctx   context.Context
	clock *clocktesting.FakeClock
	log   *bytes.Buffer
	dir   string
	conf  Configuration
}

func newBed(t *testing.T) *bed {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	installed.Do(func() {
		if err := install.Install(ctx, api.Config); err != nil {
			t.Fatalf("installing: %v", err)
		}
	})
	empty(ctx, t)
	dir := t.TempDir()
	b := &bed{
		t: t, ctx: ctx, dir: dir, log: &bytes.Buffer{}, clock: clocktesting.NewFakeClock(time.Now()),
		conf: Configuration{DataDir: dir, Hash: quick},
	}
	b.Access = b.another()
	return b
}

// in is the bed for a subtest.
func (b *bed) in(t *testing.T) *bed {
	inner := *b
	inner.t = t
	return &inner
}

// another server on the same management API and with the same data directory.
func (b *bed) another() *Access {
	b.t.Helper()
	a, err := New(b.conf, Dependencies{
		Management: api.Config, Clock: b.clock,
		Log: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

func empty(ctx context.Context, t *testing.T) {
	t.Helper()
	all, labelled := metav1.ListOptions{}, metav1.ListOptions{LabelSelector: labelUser}
	err := api.Client.CoreV1().Secrets(v1alpha1.SystemNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, all)
	if err == nil {
		err = api.Client.RbacV1().ClusterRoleBindings().DeleteCollection(ctx, metav1.DeleteOptions{}, labelled)
	}
	if err != nil {
		t.Fatal(err)
	}
	list, err := api.Client.RbacV1().RoleBindings("").List(ctx, labelled)
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range list.Items {
		if err := api.Client.RbacV1().RoleBindings(item.Namespace).Delete(ctx, item.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// cluster registers a cluster by its namespace and object alone.
func cluster(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	_, err := api.Client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(api.Config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Resource(v1alpha1.GroupVersion.WithResource("clusters")).Namespace(name).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": "Cluster", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"kubeconfigSecret": "kubeconfig"},
	}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

const testPassword = "old-password-7"

func (b *bed) user(name string, roles map[string]string) {
	b.t.Helper()
	if _, err := b.CreateUser(b.ctx, inventory.User{Name: name, Password: testPassword, Roles: roles}); err != nil {
		b.t.Fatalf("creating user %s: %v", name, err)
	}
}

func (b *bed) signIn(name, password string) (Token, Session) {
	b.t.Helper()
	token, session, _, err := b.SignIn(b.ctx, name, password, Browser)
	if err != nil {
		b.t.Fatalf("signing %s in: %v", name, err)
	}
	return token, session
}

func (b *bed) wantSession(a *Access, token Token, want Code) {
	b.t.Helper()
	_, err := a.Authenticate(b.ctx, token)
	if got := CodeOf(err); got != want || want == "" && err != nil {
		b.t.Fatalf("authenticating = %v, want code %q", err, want)
	}
}

func TestFirstStart(t *testing.T) {
	b := newBed(t)
	if err := b.Start(b.ctx); err != nil {
		t.Fatal(err)
	}
	if err := b.Stop(b.ctx); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(b.dir, "admin-password")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("admin-password: %v, %v, want mode 0600", info, err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	password := strings.TrimSpace(string(data))
	token, session := b.signIn("admin", password)
	if session.User != "admin" || !session.Expires.Equal(session.Created.Add(12*time.Hour)) {
		t.Fatalf("session is %+v, want one of admin for 12 h", session)
	}
	if role, err := b.Role(b.ctx, "admin"); err != nil || role != Administrator {
		t.Fatalf("role of admin = %q, %v", role, err)
	}

	t.Run("a restart keeps the password and the session", func(t *testing.T) {
		b := b.in(t)
		again := b.another()
		if err := again.Start(b.ctx); err != nil {
			t.Fatal(err)
		}
		defer again.Stop(b.ctx)
		b.wantSession(again, token, "")
		b.signIn("admin", password)
		if now, _ := os.ReadFile(file); !bytes.Equal(now, data) {
			t.Fatal("the password file has changed")
		}
	})
	t.Run("nothing secret is logged or stored", func(t *testing.T) {
		b := b.in(t)
		b.wantNoSecrets(password, token.secret, token.Reveal())
	})
}

// wantNoSecrets fails when a secret stands in the log or, as it is, in the management API.
func (b *bed) wantNoSecrets(secrets ...string) {
	b.t.Helper()
	list, err := api.Client.CoreV1().Secrets(v1alpha1.SystemNamespace).List(b.ctx, metav1.ListOptions{})
	if err != nil || len(list.Items) == 0 {
		b.t.Fatalf("%d secrets, %v", len(list.Items), err)
	}
	var stored strings.Builder
	for _, item := range list.Items {
		fmt.Fprintln(&stored, item.ObjectMeta)
		for key, value := range item.Data {
			fmt.Fprintf(&stored, "%s=%s\n", key, value)
		}
	}
	for i, secret := range secrets {
		if strings.Contains(b.log.String(), secret) {
			b.t.Errorf("secret %d stands in the log:\n%s", i, b.log)
		}
		if strings.Contains(stored.String(), secret) {
			b.t.Errorf("secret %d is stored as it is", i)
		}
	}
}

// A start that was killed after each of its writes is completed by the next one, and the password in the file is the one that counts.
func TestFirstStartCutShort(t *testing.T) {
	for name, before := range map[string]func(b *bed){
		"after the file": func(b *bed) {
			if _, err := b.firstPassword(); err != nil {
				b.t.Fatal(err)
			}
		},
		"after the binding": func(b *bed) {
			if _, err := b.firstPassword(); err != nil {
				b.t.Fatal(err)
			}
			if err := b.bindings.set(b.ctx, FirstAdministrator, map[string]string{AllClusters: string(Administrator)}); err != nil {
				b.t.Fatal(err)
			}
		},
		"with half a file": func(b *bed) {
			if err := os.WriteFile(b.passwordFile(), []byte("abc"), 0o600); err != nil {
				b.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			before(b)
			if err := b.bootstrap(b.ctx); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(b.passwordFile())
			if err != nil {
				t.Fatal(err)
			}
			b.signIn("admin", strings.TrimSpace(string(data)))
			if admins, err := b.administrators(b.ctx); err != nil || len(admins) != 1 {
				t.Fatalf("administrators = %v, %v", admins, err)
			}
		})
	}
}

func TestSignInRefuses(t *testing.T) {
	b := newBed(t)
	b.user("hanako", nil)
	b.user("gone", nil)
	disabled := true
	if _, err := b.UpdateUser(b.ctx, "gone", UserChange{Disabled: &disabled}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, user, password string
		known                bool
	}{
		{"wrong password", "hanako", testPassword + "x", true},
		{"empty password", "hanako", "", true},
		{"unknown user", "taro", testPassword, false},
		{"disabled user", "gone", testPassword, true},
		{"no user", "", testPassword, false},
		{"name that nobody can have", "system:admin", testPassword, false},
		{"name that walks", "../user-hanako", testPassword, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, known, err := b.SignIn(b.ctx, tc.user, tc.password, Browser)
			if CodeOf(err) != CodeSignInFailed || known != tc.known {
				t.Fatalf("SignIn = known %v, %v, want known %v and SignInFailed", known, err, tc.known)
			}
		})
	}
	b.signIn("hanako", testPassword)
}

func TestSessionEnds(t *testing.T) {
	b := newBed(t)
	b.user("hanako", nil)
	other := b.another()

	t.Run("revoked: here at once, elsewhere within the cache's time", func(t *testing.T) {
		b := b.in(t)
		token, session := b.signIn("hanako", testPassword)
		b.wantSession(b.Access, token, "")
		b.wantSession(other, token, "")
		var told []Ended
		b.OnEnded(func(e Ended) { told = append(told, e) })
		if err := b.Revoke(b.ctx, session.ID); err != nil {
			t.Fatal(err)
		}
		b.wantSession(b.Access, token, CodeSessionUnknown)
		if len(told) != 1 || told[0].Session != session.ID {
			t.Fatalf("told of %v", told)
		}
		b.clock.Step(b.conf.CacheTTL + 3*time.Second)
		b.wantSession(other, token, CodeSessionUnknown)
		if err := b.Revoke(b.ctx, session.ID); err != nil {
			t.Fatalf("revoking it once more: %v", err)
		}
	})
	t.Run("expired, and removed on sight", func(t *testing.T) {
		b := b.in(t)
		token, session := b.signIn("hanako", testPassword)
		b.wantSession(b.Access, token, "")
		b.clock.Step(12*time.Hour - time.Minute)
		b.wantSession(b.Access, token, "")
		b.clock.Step(time.Minute + time.Second)
		b.wantSession(b.Access, token, CodeSessionExpired)
		if s, err := b.sessions.get(b.ctx, session.ID); s != nil || err != nil {
			t.Fatalf("the expired session is still stored: %v, %v", s, err)
		}
	})
	t.Run("expired while cached", func(t *testing.T) {
		b := b.in(t)
		token, _ := b.signIn("hanako", testPassword)
		b.clock.Step(12*time.Hour - time.Second)
		b.wantSession(b.Access, token, "")
		b.clock.Step(2 * time.Second)
		b.wantSession(b.Access, token, CodeSessionExpired)
	})
	t.Run("wrong secret for a known id", func(t *testing.T) {
		b := b.in(t)
		token, _ := b.signIn("hanako", testPassword)
		b.wantSession(b.Access, Token{id: token.id, secret: newToken().secret}, CodeSessionUnknown)
		b.wantSession(b.Access, token, "")
		b.wantSession(b.Access, newToken(), CodeSessionUnknown)
	})
	t.Run("user removed and made again", func(t *testing.T) {
		b := b.in(t)
		token, _ := b.signIn("hanako", testPassword)
		b.wantSession(b.Access, token, "")
		// As kubectl would do it: nothing but the user's Secret.
		if err := api.Client.CoreV1().Secrets(v1alpha1.SystemNamespace).Delete(b.ctx, "user-hanako", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		b.user("hanako", nil)
		b.wantSession(b.Access, token, CodeSessionUnknown)
		b.clock.Step(10 * time.Second)
		b.wantSession(other, token, CodeSessionUnknown)
	})
	t.Run("disabled, and enabled again", func(t *testing.T) {
		b := b.in(t)
		token, _ := b.signIn("hanako", testPassword)
		b.wantSession(b.Access, token, "")
		for _, disabled := range []bool{true, false} {
			if _, err := b.UpdateUser(b.ctx, "hanako", UserChange{Disabled: &disabled}); err != nil {
				t.Fatal(err)
			}
			b.wantSession(b.Access, token, CodeSessionUnknown)
		}
		b.signIn("hanako", testPassword)
	})
	t.Run("the oldest of too many", func(t *testing.T) {
		b := b.in(t)
		b.clock.Step(time.Second)
		first, _ := b.signIn("hanako", testPassword)
		b.clock.Step(time.Second)
		for range maxSessions - 1 {
			b.signIn("hanako", testPassword)
		}
		b.wantSession(b.Access, first, "")
		second, _ := b.signIn("hanako", testPassword)
		b.wantSession(b.Access, first, CodeSessionUnknown)
		b.wantSession(b.Access, second, "")
	})
	t.Run("cleaned up", func(t *testing.T) {
		b := b.in(t)
		b.clock.Step(13 * time.Hour)
		keep, kept := b.signIn("hanako", testPassword)
		if err := b.sweep(b.ctx); err != nil {
			t.Fatal(err)
		}
		list, err := b.sessions.list(b.ctx, "")
		if err != nil || len(list) != 1 || list[0].ID != kept.ID || b.Sessions() != 1 {
			t.Fatalf("%d sessions are left, counted %d, %v", len(list), b.Sessions(), err)
		}
		b.wantSession(b.Access, keep, "")
	})
}

func TestChangePassword(t *testing.T) {
	b := newBed(t)
	b.user("hanako", nil)
	other := b.another()
	mine, session := b.signIn("hanako", testPassword)
	theirs, _ := b.signIn("hanako", testPassword)
	acc, err := b.accounts.get(b.ctx, "hanako")
	if err != nil {
		t.Fatal(err)
	}
	machine, _, err := b.sessions.create(b.ctx, acc, Machine, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b.wantSession(other, theirs, "")
	for _, tc := range []struct {
		old, new string
		want     Code
	}{
		{"not it", "new-password-8", CodePasswordWrong},
		{testPassword, "short", CodePasswordShort},
		{testPassword, testPassword, CodePasswordSame},
		{testPassword, "new-password-8", ""},
	} {
		if err := b.ChangePassword(b.ctx, session, tc.old, tc.new); CodeOf(err) != tc.want || tc.want == "" && err != nil {
			t.Fatalf("ChangePassword = %v, want code %q", err, tc.want)
		}
	}
	b.wantSession(b.Access, mine, "")
	b.wantSession(b.Access, machine, "")
	b.wantSession(b.Access, theirs, CodeSessionUnknown)
	b.clock.Step(5 * time.Second)
	b.wantSession(other, theirs, CodeSessionUnknown)
	b.wantSession(other, mine, "")
	if _, _, _, err := b.SignIn(b.ctx, "hanako", testPassword, Browser); CodeOf(err) != CodeSignInFailed {
		t.Fatalf("the old password: %v", err)
	}
	b.signIn("hanako", "new-password-8")
	b.wantNoSecrets(testPassword, "new-password-8", mine.secret, theirs.secret)
}

// Hashes made with former parameters are renewed when their user signs in.
func TestHashIsRenewed(t *testing.T) {
	b := newBed(t)
	b.user("hanako", nil)
	token, _ := b.signIn("hanako", testPassword)
	b.conf.Hash.Passes = 2
	stronger := b.another()
	if _, _, _, err := stronger.SignIn(b.ctx, "hanako", testPassword, Browser); err != nil {
		t.Fatal(err)
	}
	acc, err := b.accounts.get(b.ctx, "hanako")
	if err != nil || !strings.Contains(acc.hash, ",t=2,") {
		t.Fatalf("the stored hash is %q, %v, want one of 2 passes", acc.hash, err)
	}
	b.signIn("hanako", testPassword)
	b.wantSession(stronger, token, "")
}
