package kubeconfig

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

var entry = Entry{
	Name: "kanrin-ops", Server: "https://ops:8443", CA: []byte("-----BEGIN CERTIFICATE-----\n"), Token: "secret",
	Namespace: "demo", User: "sato", Expires: time.Date(2026, 11, 21, 14, 2, 0, 0, time.UTC),
}

const foreign = `# the team's file: do not sort
apiVersion: v1
kind: Config
clusters:
- name: prod
  cluster:
    server: https://prod:6443   # behind the balancer
    x-team: platform
contexts:
- name: prod
  context: {cluster: prod, user: me, namespace: shop}
users:
- name: me
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: get-token, interactiveMode: Never}
current-context: prod
preferences: {colors: true}
x-unknown: [1, 2]
`

func TestSetKeepsEverythingElse(t *testing.T) {
	got, err := Set([]byte(foreign), entry)
	if err != nil {
		t.Fatal(err)
	}
	for _, kept := range []string{"# the team's file: do not sort", "# behind the balancer", "x-team: platform", "x-unknown: [1, 2]", "colors: true", "command: get-token"} {
		if !strings.Contains(string(got), kept) {
			t.Errorf("lost %q in\n%s", kept, got)
		}
	}
	config, err := clientcmd.Load(got)
	if err != nil {
		t.Fatal(err)
	}
	if config.CurrentContext != "kanrin-ops" {
		t.Errorf("current context %q", config.CurrentContext)
	}
	ctx := config.Contexts["kanrin-ops"]
	if ctx == nil || ctx.Namespace != "demo" || config.AuthInfos[ctx.AuthInfo].Token != "secret" || config.Clusters[ctx.Cluster].Server != "https://ops:8443" {
		t.Errorf("the entry is not there:\n%s", got)
	}
	login := loginOf(ctx)
	if login.User != "sato" || !login.Expires.Equal(entry.Expires) || login.Previous != "prod" {
		t.Errorf("login %+v", login)
	}
}

func TestSetTwiceThenRemoveGivesTheFileBack(t *testing.T) {
	once, err := Set([]byte(foreign), entry)
	if err != nil {
		t.Fatal(err)
	}
	again := entry
	again.Token = "newer"
	twice, err := Set(once, again)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(twice), "secret") || strings.Count(string(twice), "name: kanrin-ops") != 3 {
		t.Errorf("the old entry is still there:\n%s", twice)
	}
	got, err := Remove(twice, "kanrin-ops")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(got), "kanrin") || strings.Contains(string(got), "newer") {
		t.Errorf("something of the login stayed:\n%s", got)
	}
	want, _ := clientcmd.Load([]byte(foreign))
	config, err := clientcmd.Load(got)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(config, want) {
		t.Errorf("after signing in and out the file says\n%s", got)
	}
}

func TestSetStartsAFile(t *testing.T) {
	for name, data := range map[string]string{
		"nothing": "", "spaces": " \n", "a comment": "# mine\n", "empty lists": "apiVersion: v1\nkind: Config\nclusters: null\ncontexts: []\nusers:\n",
		"kubectl's own empty": "apiVersion: v1\nclusters: []\ncontexts: []\ncurrent-context: \"\"\nkind: Config\npreferences: {}\nusers: []\n",
		"JSON":                `{"apiVersion":"v1","kind":"Config","clusters":[],"contexts":[],"users":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Set([]byte(data), entry)
			if err != nil {
				t.Fatal(err)
			}
			config, err := clientcmd.Load(got)
			if err != nil || config.Contexts["kanrin-ops"] == nil {
				t.Fatalf("%v in\n%s", err, got)
			}
			if strings.Contains(data, "# mine") && !strings.Contains(string(got), "# mine") {
				t.Errorf("the comment is gone:\n%s", got)
			}
		})
	}
}

func TestGarbageIsRefused(t *testing.T) {
	for name, data := range map[string]string{
		"binary": "\x00\x01\x02", "a list": "- 1\n- 2\n", "text": "hello", "another kind": "apiVersion: v1\nkind: Pod\n",
		"broken": "clusters: [", "two documents": foreign + "---\n" + foreign, "clusters a map": "apiVersion: v1\nkind: Config\nclusters: {a: b}\n",
		"an alias for a list": "apiVersion: v1\nkind: Config\nusers: &u\n- name: a\n  user: {}\ncontexts: *u\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := Set([]byte(data), entry); !errors.Is(err, ErrGarbage) {
				t.Errorf("Set: %v, wrote\n%s", err, got)
			}
		})
	}
}

func TestRemoveKeepsWhatOthersUse(t *testing.T) {
	once, err := Set([]byte(foreign), entry)
	if err != nil {
		t.Fatal(err)
	}
	shared := strings.Replace(string(once), "contexts:\n", "contexts:\n- name: mine\n  context:\n    cluster: kanrin-ops\n    user: me\n", 1)
	got, err := Remove([]byte(shared), "kanrin-ops")
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.Load(got)
	if err != nil {
		t.Fatal(err)
	}
	if config.Clusters["kanrin-ops"] == nil || config.AuthInfos["kanrin-ops"] != nil || config.Contexts["kanrin-ops"] != nil {
		t.Errorf("want the cluster kept and the user and context gone:\n%s", got)
	}
	if same, err := Remove([]byte(foreign), "absent"); err != nil || string(same) != foreign {
		t.Errorf("removing what is not there changed the file: %v\n%s", err, same)
	}
}

func FuzzSetAndRemove(f *testing.F) {
	f.Add([]byte(foreign))
	f.Add([]byte(""))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte(`{"clusters":null}`))
	f.Add([]byte("clusters:\n- name: kanrin-ops\n"))
	f.Add([]byte("? [a]\n: b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := Set(data, entry)
		if err != nil {
			return
		}
		before, err := load(data)
		if err != nil {
			t.Fatalf("Set accepted what clients cannot read: %v", err)
		}
		removed, err := Remove(set, entry.Name)
		if err != nil {
			t.Fatalf("what Set wrote, Remove cannot read: %v\n%s", err, set)
		}
		after, err := load(removed)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(others(before, []string{entry.Name}), others(after, []string{entry.Name})) {
			t.Fatalf("lost something:\n%s\nbecame\n%s", data, removed)
		}
	})
}
