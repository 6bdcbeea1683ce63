package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kanrin.dev/kanrin/internal/cli"
)

// command runs one command line without a terminal.
func command(t *testing.T, args ...string) (code cli.Code, out, talk string) {
	t.Helper()
	var o, e bytes.Buffer
	code = execute(t.Context(), &cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e}, args)
	return code, o.String(), e.String()
}

// nowhere makes sure that no test reaches a console or a kubeconfig of whoever runs it.
func nowhere(t *testing.T) {
	t.Helper()
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "config"))
	t.Setenv("HOME", t.TempDir())
	for _, name := range []string{"KANRIN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		t.Setenv(name, "")
	}
}

func TestUsage(t *testing.T) {
	nowhere(t)
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("\x00\x01"), 0o600); err != nil {
		t.Fatal(err)
	}
	plugin := filepath.Join(t.TempDir(), "plugin")
	if err := os.WriteFile(plugin, []byte(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://c:6443"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, interactiveMode: Never}}}]
current-context: c
`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args string
		code cli.Code
		say  string
	}{
		{"", 0, ""},
		{"--help", 0, ""},
		{"help drain", 0, ""},
		{"drain --help --lang ja", 0, ""},
		{"version --client", 0, ""},
		{"--version", 0, ""},
		{"completion bash", 0, ""},
		{"completion zsh", 0, ""},
		{"completion fish", 0, ""},
		{"completion powershell", 2, "bash, zsh, fish"},
		{"completion", 2, "is missing"},
		{"nonsense", 2, `no command "nonsense"`},
		{"dran w3", 2, "kanrin drain"},
		{"drain w3 --surge", 2, "--surge needs a value"},
		{"drain --nonsense", 2, "no flag --nonsense"},
		{"drain", 2, "NODE is missing"},
		{"drain w3 --plan-only --dry-run", 2, "exclude each other"},
		{"drain w3 --grace-period nine", 2, `"nine"`},
		{"drain w3 --grace-period -2", 2, "0 to 86400"},
		{"drain w3 --grace-period 86401", 2, "0 to 86400"},
		{"drain w3 --timeout -1s", 2, "168h"},
		{"drain w3 --timeout 169h", 2, "168h"},
		{"drain w3 --surge web", 2, "--surge takes namespace/name"},
		{"drain w3 --delete a/b/c", 2, "--delete takes namespace/name"},
		{"drain w3 --delete /c", 2, "--delete takes namespace/name"},
		{"drain pod/w3", 2, "cannot be the name of a node"},
		{"drain w3 -o xml", 2, "formats are"},
		{"drain w3 -o jsonpath={.a", 2, "formats are"},
		{"drain w3", 8, "kanrin login"},
		{"cordon w3", 8, "kanrin login"},
		{"get", 2, "clusters, nodes, workloads, pods, hosts, backups, backuppolicies, drills, operations"},
		{"get secrets", 2, `no resource "secrets"`},
		{"get nodes", 8, "kanrin login"},
		{"get nodes --kubeconfig " + garbage, 2, "not a kubeconfig"},
		{"get nodes --kubeconfig /does/not/exist", 2, "/does/not/exist does not exist"},
		{"get nodes --context nope", 2, "no such context"},
		{"describe", 2, "clusters, nodes"},
		{"describe node", 2, "NAME is missing"},
		{"approve a/b/c/d", 2, "operation/drain-x7k2p"},
		{"approve Drain", 2, "operation/drain-x7k2p"},
		{"approve operation/x --plan a --yes", 2, "exclude each other"},
		{"approve operation/x", 8, "kanrin login"},
		{"watch", 2, "OPERATION is missing"},
		{"watch op/", 2, "names no operation"},
		{"pause a b", 2, `"b" is too much`},
		{"login", 2, "URL is missing"},
		{"login http://ops:8443", 2, "HTTPS"},
		{"login ftp://ops", 2, "HTTPS"},
		{"login https://", 2, "not the address"},
		{"login https://user:pw@ops", 2, "not the address"},
		{"login https://ops --token x --username y", 2, "exclude each other"},
		{"login https://127.0.0.1:1", 1, "nothing listens"},
		{"login https://name.invalid", 1, "cannot be resolved"},
		{"logout", 8, "kanrin login"},
		{"whoami", 8, "kanrin login"},
		{"users", 2, "say what to do"},
		{"users add", 2, "NAME is missing"},
		{"users add sato --role King", 2, "Administrator, Operator, Editor, Viewer"},
		{"users set-role sato", 2, "NAME ROLE is missing"},
		{"cluster", 2, "say what to do"},
		{"cluster add prod", 2, "--kubeconfig is missing"},
		{"cluster add prod --kubeconfig /does/not/exist", 2, "does not exist"},
		{"cluster add prod --kubeconfig " + garbage, 2, "not a kubeconfig"},
		{"cluster add prod --kubeconfig " + plugin, 2, "exec"},
		{"cluster add prod --kubeconfig " + plugin + " --kube-context d", 2, "no context d"},
		{"cluster remove prod", 8, "kanrin login"},
		{"--lang fr version", 2, "--lang en"},
		{"docs html /tmp/x", 2, "html"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			code, out, talk := command(t, strings.Fields(tc.args)...)
			if code != tc.code {
				t.Errorf("exit code %d, want %d\n%s", code, tc.code, talk)
			}
			if !strings.Contains(talk, tc.say) {
				t.Errorf("said\n%s\nwithout %q", talk, tc.say)
			}
			if code != 0 && out != "" {
				t.Errorf("an error came with data on stdout:\n%s", out)
			}
			if lines := strings.Count(talk, "\n"); code != 0 && lines > 3 {
				t.Errorf("an error has three lines, not %d:\n%s", lines, talk)
			}
		})
	}
}

func TestLanguage(t *testing.T) {
	nowhere(t)
	if _, _, talk := command(t, "drain", "--lang", "ja"); !strings.Contains(talk, "エラー:") {
		t.Errorf("--lang ja: %s", talk)
	}
	if _, _, talk := command(t, "drain", "--lang=ja"); !strings.Contains(talk, "エラー:") {
		t.Errorf("--lang=ja: %s", talk)
	}
	t.Setenv("LANG", "ja_JP.UTF-8")
	if _, _, talk := command(t, "drain"); !strings.Contains(talk, "エラー:") {
		t.Errorf("LANG=ja_JP.UTF-8: %s", talk)
	}
	if _, _, talk := command(t, "drain", "--lang", "en"); !strings.Contains(talk, "error:") {
		t.Errorf("--lang en wins: %s", talk)
	}
}

func TestVersionForMachines(t *testing.T) {
	nowhere(t)
	code, out, _ := command(t, "version", "-o", "jsonpath={.kind} {.apiVersion}")
	if code != 0 || out != "Version "+inventoryVersion {
		t.Errorf("%d %q", code, out)
	}
}

// TestManual: a page for every command that users see, in both languages and forms, without anything that troff would take for a request.
func TestManual(t *testing.T) {
	nowhere(t)
	for _, l := range []string{"en", "ja"} {
		for form, suffix := range map[string]string{"man": ".1", "markdown": ".md"} {
			dir := t.TempDir()
			if code, _, talk := command(t, "docs", form, dir, "--lang", l); code != 0 {
				t.Fatalf("%s", talk)
			}
			for _, name := range []string{"kanrin", "kanrin-drain", "kanrin-get-nodes", "kanrin-cluster-add", "kanrin-login"} {
				data, err := os.ReadFile(filepath.Join(dir, name+suffix))
				if err != nil {
					t.Error(err)
					continue
				}
				if bytes.Contains(data, []byte("cli.")) {
					t.Errorf("%s %s%s lacks a text:\n%s", l, name, suffix, data)
				}
				if form == "markdown" {
					continue
				}
				for _, line := range strings.Split(string(data), "\n") {
					if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !strings.Contains(" .TH .SH .TP .PP .EX .EE .nh .ad ", " "+strings.Fields(line)[0]+" ") {
						t.Errorf("%s: troff would take this for a request: %q", name, line)
					}
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "kanrin-docs"+suffix)); err == nil {
				t.Error("a hidden command is in the manual")
			}
		}
	}
}
