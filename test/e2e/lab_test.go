//go:build linux

package e2e

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lab"
)

// labServer is a lab registered with a server of its own.
type labServer struct {
	*server
	lab    *lab.Lab
	client kubernetes.Interface
	bundle string
}

// labWith makes a lab registered with a server of its own; both are gone after the test.
func labWith(t *testing.T, name string, controlPlanes, workers, bare int) *labServer {
	t.Helper()
	if os.Getenv("KANRIN_LAB") != "1" || os.Geteuid() != 0 {
		t.Skip("real machines are made as root and with KANRIN_LAB=1 only")
	}
	if out, err := exec.Command("unshare", "--mount", "--net", "--pid", "--uts", "--fork", "true").CombinedOutput(); err != nil {
		t.Skipf("this machine does not let root make namespaces: %s", out)
	}
	s := newServer(t).start()
	ctx := context.Background()
	t.Cleanup(func() {
		if os.Getenv("KANRIN_LAB_KEEP") == "" {
			if err := lab.Down(ctx, lab.DefaultDir, name); err != nil {
				t.Errorf("taking the lab down: %v", err)
			}
		}
	})
	s.must(0, "lab", "up", "--name", name, "--control-planes", strconv.Itoa(controlPlanes), "--workers", strconv.Itoa(workers), "--bare", strconv.Itoa(bare), "--data-dir", s.dir,
		"--kanrin-kube", program(t, "kanrin-kube", "KANRIN_KUBE"), "--programs", program(t, "lab", "KANRIN_LAB_PROGRAMS"))
	l, err := lab.Open(lab.DefaultDir, name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.Client()
	if err != nil {
		t.Fatal(err)
	}
	return &labServer{server: s, lab: l, client: c, bundle: "lab-" + name}
}

func (n *labServer) host(name string) lab.Host {
	n.t.Helper()
	h, err := n.lab.Host(name)
	if err != nil {
		n.t.Fatal(err)
	}
	return *h
}

// on runs a script on a host, from below: no SSH, no Kanrin.
func (n *labServer) on(host, script string) string {
	n.t.Helper()
	out, err := n.lab.Enter(context.Background(), n.host(host), "sh", "-c", script)
	if err != nil {
		n.t.Fatalf("on %s: %v\n%s", host, err, tail(string(out), 2000))
	}
	return string(out)
}

// stateScript prints what a host is: files, units, kernel settings, rules, packages. /var/lib/containerd and /etc/mtab have their own ways.
const stateScript = `exec 2>/dev/null
find /etc /usr/local /opt /root /var/lib /lib/systemd -xdev \( -path /var/lib/systemd -o -path /var/lib/containerd -o -path /etc/mtab \) -prune -o -printf '%y %m %p %l\n' | sort
find /etc /usr/local /opt -xdev -type f -exec sha256sum {} + | sort -k2
for d in /var/lib/kubelet /var/lib/etcd /var/lib/containerd /var/lib/cni /etc/kubernetes; do find $d -mindepth 1 -maxdepth 1 | sort; done
systemctl list-unit-files --no-legend --state=enabled | awk '{print $1}' | sort
systemctl list-units --no-legend --type=service --state=running,failed | grep -v 'user@\|session' | awk '{print $1,$2,$3,$4}' | sort
cat /proc/sys/net/ipv4/ip_forward
nft list ruleset; ip -br link | awk '{print $1}' | sed 's/@.*//' | sort
dpkg-query -W | sort; ls -d /run/kanrin; true`

func (n *labServer) same(host, before string) {
	n.t.Helper()
	after := n.on(host, stateScript)
	if after == before {
		return
	}
	b, a := strings.Split(before, "\n"), strings.Split(after, "\n")
	for _, line := range a {
		if !slices.Contains(b, line) {
			n.t.Errorf("%s has more than before: %s", host, line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			n.t.Errorf("%s has less than before: %s", host, line)
		}
	}
}

func (n *labServer) add(host, role string, more ...string) []string {
	return append([]string{"node", "add", host, "--role", role, "--bundle", n.bundle, "--ignore-preflight", "all"}, more...)
}

// begin plans and approves, and returns as soon as the operation runs.
func (n *labServer) begin(args ...string) string {
	n.t.Helper()
	op := n.operation(n.must(0, append(args, "--plan-only", "-o", "json")...))
	n.must(0, "approve", "operation/"+op.Name, "--plan", op.Status.Plan.Digest)
	return op.Name
}

// over waits for the end of an operation. One that pauses because a step failed fails the test.
func (n *labServer) over(name string, limit time.Duration) *v1alpha1.Operation {
	n.t.Helper()
	var op *v1alpha1.Operation
	eventually(n.t, limit, "operation "+name+" is over", func() bool {
		r := n.kanrin("get", "operations", name, "-o", "json")
		if r.code != 0 {
			return false
		}
		op = n.operation(r)
		if op.Status.Phase == v1alpha1.PhasePaused && op.Status.Reason == v1alpha1.ReasonStepFailed {
			n.t.Fatalf("operation %s: %s", name, op.Status.Message)
		}
		return op.Status.Phase.Terminal()
	})
	return op
}

func (n *labServer) step(name, id string) v1alpha1.StepState {
	n.t.Helper()
	for _, s := range n.get(name).Status.Steps {
		if s.ID == id {
			return s.State
		}
	}
	return ""
}

// node returns a Node or nil.
func (n *labServer) node(name string) *corev1.Node {
	n.t.Helper()
	var node *corev1.Node
	eventually(n.t, time.Minute, "the API answers", func() bool {
		got, err := n.client.CoreV1().Nodes().Get(context.Background(), name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return true
		}
		node = got
		return err == nil
	})
	if node != nil && node.Name == "" {
		return nil
	}
	return node
}

// settle waits until every node is Ready and every pod of kube-system is, as the cluster itself says.
func (n *labServer) settle() {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := n.lab.WaitReady(ctx); err != nil {
		n.t.Fatal(err)
	}
	eventually(n.t, time.Minute, "Kanrin follows the cluster", func() bool {
		r := n.kanrin("get", "nodes", "-o", "json")
		return r.code == 0 && !strings.Contains(r.out, "NotReady")
	})
}

func (n *labServer) pause() string { return "registry.k8s.io/pause:3.10.2" }

func (n *labServer) kubectl(args ...string) string {
	return n.kubectlOf(n.lab.KubeconfigFile(), args...)
}

func (n *labServer) kubectlOf(kubeconfig string, args ...string) string {
	n.t.Helper()
	r := n.server.kubectl(kubeconfig, args...)
	if r.code != 0 {
		n.t.Fatalf("kubectl %s: %s", strings.Join(args, " "), r.err)
	}
	return r.out
}
