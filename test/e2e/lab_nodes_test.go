//go:build linux

package e2e

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// clean looks that nothing of an operation is left in the cluster: no token, no certificates.
func (n *labServer) clean() {
	n.t.Helper()
	list, err := n.client.CoreV1().Secrets("kube-system").List(context.Background(), metav1.ListOptions{LabelSelector: "kanrin.dev/operation"})
	if err != nil {
		n.t.Fatal(err)
	}
	for _, s := range list.Items {
		n.t.Errorf("secret %s is left", s.Name)
	}
}

// TestLabNodes lets machines join and leave. The parts build on each other: they share a lab, which takes a minute to make.
func TestLabNodes(t *testing.T) {
	n := labWith(t, "tn", 1, 1, 2)
	part := func(name string, do func(t *testing.T, n *labServer)) {
		if t.Failed() {
			return
		}
		t.Run(name, func(t *testing.T) {
			outer := n.t
			n.t = t
			defer func() { n.t = outer }()
			do(t, n)
		})
	}
	before := n.on("b1", stateScript)
	part("worker joins and leaves", func(t *testing.T, n *labServer) { workerAndBack(t, n, before) })
	part("join refused by kubeadm", func(t *testing.T, n *labServer) { refusedJoin(t, n, before) })
	part("join cut off and cancelled", func(t *testing.T, n *labServer) { cutJoin(t, n, before) })
	part("secrets stay secret", secretsStaySecret)
	part("killed while adding and removing", func(t *testing.T, n *labServer) { killedAddRemove(t, n, before) })
	part("learner without room is rolled back", func(t *testing.T, n *labServer) { fullDisk(t, n, before) })
	part("first control plane dies", firstDies)
	part("dead worker without proof", deadWorker)
}

func workerAndBack(t *testing.T, n *labServer, before string) {
	n.must(0, n.add("b1", "scanner", "--group", "night", "--label", "disk=ssd", "--taint", "example.com/only=batch:NoSchedule", "--yes")...)
	node := n.node("b1")
	if node == nil {
		t.Fatal("no node b1")
	}
	for k, v := range map[string]string{"disk": "ssd", "kanrin.dev/group": "night", "node-role.kubernetes.io/scanner": ""} {
		if have, ok := node.Labels[k]; !ok || have != v {
			t.Errorf("label %s is %q", k, have)
		}
	}
	taints := map[string]bool{}
	for _, x := range node.Spec.Taints {
		taints[x.Key] = true
	}
	if !taints["example.com/only"] || !taints["node-role.kubernetes.io/scanner"] {
		t.Errorf("taints %v", node.Spec.Taints)
	}
	n.clean()
	n.must(0, "node", "remove", "b1", "--keep-host", "--yes")
	if n.node("b1") != nil {
		t.Error("node b1 is still there")
	}
	n.same("b1", before)
}

// refusedJoin: kubeadm finds the cluster and fails when it writes its first files.
func refusedJoin(t *testing.T, n *labServer, before string) {
	n.on("b1", `mkdir -p /etc/kubernetes && mount -t tmpfs -o size=4k tmpfs /etc/kubernetes`)
	r := n.kanrin(n.add("b1", "worker", "--yes", "-o", "json")...)
	if r.code == 0 {
		t.Fatal("a host without room for its files has joined")
	}
	op := n.operation(r)
	n.t.Logf("%s", op.Status.Message)
	if got := n.get(op.Name); got.Status.Params["code"] != "JoinFailed" {
		t.Fatalf("%s %v", got.Status.Message, got.Status.Params)
	}
	if n.node("b1") != nil {
		t.Error("node b1 is there after a failed join")
	}
	n.clean()
	n.on("b1", `umount /etc/kubernetes; rmdir /etc/kubernetes 2>/dev/null; true`)
	n.must(0, "cancel", "operation/"+op.Name, "--yes")
	if got := n.over(op.Name, 2*time.Minute); got.Status.Phase != v1alpha1.PhaseCancelled {
		t.Errorf("%s %s", got.Status.Phase, got.Status.Message)
	}
	n.same("b1", before)
}

// cutJoin: the network goes away in the middle of a join, somebody cancels, the network comes back.
func cutJoin(t *testing.T, n *labServer, before string) {
	name := n.begin(n.add("b1", "control-plane")...)
	eventually(t, 2*time.Minute, "the join runs", func() bool { return n.step(name, "join") == v1alpha1.StepRunning })
	time.Sleep(4 * time.Second) // in the middle of it
	if err := n.lab.Cut(context.Background(), n.host("b1")); err != nil {
		t.Fatal(err)
	}
	n.kanrin("cancel", "operation/"+name, "--yes", "--detach")
	time.Sleep(20 * time.Second)
	if err := n.lab.Mend(context.Background(), n.host("b1")); err != nil {
		t.Fatal(err)
	}
	op := n.over(name, 5*time.Minute)
	if op.Status.Phase != v1alpha1.PhaseCancelled {
		t.Errorf("%s %s", op.Status.Phase, op.Status.Message)
	}
	if n.node("b1") != nil {
		t.Error("node b1 is left")
	}
	n.clean()
	n.same("b1", before)
	n.whole("cp1")
}

// whole waits until etcd has exactly these members, all healthy: asked through Kanrin's own plan of a further one.
func (n *labServer) whole(want ...string) {
	n.t.Helper()
	var got string
	limit := time.Now().Add(90 * time.Second)
	for time.Now().Before(limit) {
		op := n.operation(n.must2("node", "add", "b2", "--role", "control-plane", "--bundle", n.bundle, "--ignore-preflight", "all", "--plan-only", "-o", "json"))
		n.kanrin("cancel", "operation/"+op.Name, "--yes")
		got = fmt.Sprint(op.Status.Plan.Findings)
		for _, l := range op.Status.Plan.Summary {
			if l.Code == "Etcd" && l.Params["voters"] == fmt.Sprint(len(want)) && l.Params["healthy"] == fmt.Sprint(len(want)) {
				return
			}
			got += fmt.Sprint(l.Params)
		}
		time.Sleep(time.Second)
	}
	n.t.Errorf("etcd is not %v: %s", want, got)
}

// must2 runs a command whose plan may be blocked.
func (n *labServer) must2(args ...string) result {
	n.t.Helper()
	r := n.kanrin(args...)
	if r.out == "" {
		n.t.Fatalf("kanrin %s: exit %d: %s", strings.Join(args, " "), r.code, tail(r.err, 2000))
	}
	return r
}

// spied are the secrets of a join, read from below while it runs: the token from the cluster, the key from the file on the host.
func (n *labServer) spy(ctx context.Context, host string) <-chan []string {
	out := make(chan []string, 1)
	go func() {
		seen := map[string]bool{}
		for ctx.Err() == nil {
			if list, err := n.client.CoreV1().Secrets("kube-system").List(ctx, metav1.ListOptions{LabelSelector: "kanrin.dev/operation"}); err == nil {
				for _, s := range list.Items {
					seen[string(s.Data["token-secret"])] = true
				}
			}
			h, err := n.lab.Host(host)
			if err != nil {
				break
			}
			text, _ := n.lab.Enter(ctx, *h, "sh", "-c", `sed -n 's/^ *certificateKey: //p' /run/kanrin/join.yaml 2>/dev/null`)
			seen[strings.Trim(strings.TrimSpace(string(text)), "\"")] = true
			time.Sleep(200 * time.Millisecond)
		}
		delete(seen, "")
		out <- slices.Collect(maps.Keys(seen))
	}()
	return out
}

// secretsStaySecret joins a control plane and looks for its token and key everywhere but where they belong.
func secretsStaySecret(t *testing.T, n *labServer) {
	ctx, stop := context.WithCancel(context.Background())
	found := n.spy(ctx, "b1")
	r := n.must(0, n.add("b1", "control-plane", "--yes")...)
	stop()
	secrets := <-found
	if len(secrets) < 2 {
		t.Fatalf("only %d secrets were seen: nothing is proven", len(secrets))
	}
	all := r.out + r.err + n.out.String() + n.must(0, "get", "operations", "-o", "json").out
	for _, secret := range secrets {
		if strings.Contains(all, secret) {
			t.Error("a secret stands in the output, the log or an operation")
		}
		err := filepath.WalkDir(n.dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return nil //nolint:nilerr // files come and go
			}
			if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), secret) {
				t.Errorf("a secret stands in %s", path)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		for _, host := range []string{"b1", "cp1"} {
			left := n.on(host, `grep -rlF -e '`+secret+`' /run/kanrin /var/log /var/lib/kanrin /etc /root /tmp 2>/dev/null; journalctl --no-pager 2>/dev/null | grep -cF -e '`+secret+`' | grep -v '^0$'; true`)
			if strings.TrimSpace(left) != "" {
				t.Errorf("a secret is left on %s: %s", host, left)
			}
		}
	}
	n.must(0, "node", "remove", "b1", "--keep-host", "--yes")
}

// killedAddRemove kills Kanrin at random moments of joins and removals of a control plane, and lets the next life finish.
func killedAddRemove(t *testing.T, n *labServer, before string) {
	times := 2
	if full {
		times = 8
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	kill := func(name string, within time.Duration) {
		moment := time.Duration(random.Int64N(int64(within)))
		time.Sleep(moment)
		at := n.get(name).Status.StepText
		n.server.kill()
		eventually(t, 10*time.Second, "the children of a killed server are gone", func() bool { return len(processes(n.dir)) == 0 })
		n.start()
		op := n.over(name, 5*time.Minute)
		t.Logf("%s killed after %s (step %s): %s", name, moment.Round(10*time.Millisecond), at, op.Status.Phase)
		if op.Status.Phase != v1alpha1.PhaseSucceeded {
			t.Fatalf("%s: %s", op.Status.Phase, op.Status.Message)
		}
	}
	for range times {
		kill(n.begin(n.add("b1", "control-plane")...), 20*time.Second)
		if n.node("b1") == nil {
			t.Fatal("no node b1")
		}
		n.clean()
		n.whole("cp1", "b1")
		kill(n.begin("node", "remove", "b1", "--keep-host"), 6*time.Second)
		if n.node("b1") != nil {
			t.Fatal("node b1 is left")
		}
		n.whole("cp1")
		n.same("b1", before)
	}
}

// fullDisk: there is no room for etcd's data. The learner that kubeadm has added never starts; the cancel takes it out again.
func fullDisk(t *testing.T, n *labServer, before string) {
	n.on("b1", `mkdir -p /var/lib/etcd && mount -t tmpfs -o size=1m tmpfs /var/lib/etcd`)
	name := n.begin(n.add("b1", "control-plane")...)
	eventually(t, 3*time.Minute, "etcd on b1 has failed for want of room", func() bool {
		return strings.Contains(n.on("b1", `grep -l 'no space left' /var/log/pods/*etcd*/*/*.log 2>/dev/null | head -1; true`), "etcd")
	})
	n.must(0, "cancel", "operation/"+name, "--yes")
	op := n.over(name, 5*time.Minute)
	if op.Status.Phase != v1alpha1.PhaseCancelled {
		t.Errorf("%s %s", op.Status.Phase, op.Status.Message)
	}
	n.on("b1", `umount /var/lib/etcd`)
	if n.node("b1") != nil {
		t.Error("node b1 is left")
	}
	n.clean()
	n.whole("cp1")
	n.same("b1", before)
}

// firstDies: with three control planes, the first one is cut off from power, and removed without it.
func firstDies(t *testing.T, n *labServer) {
	n.must(0, n.add("b1", "control-plane", "--yes")...)
	n.must(0, n.add("b2", "control-plane", "--yes")...)
	// While it runs, it is not dead, whatever somebody accepts.
	r := n.must2("node", "remove", "cp1", "--dead", "--accept-split-brain", "cp1", "--plan-only", "-o", "json")
	if codes := blockerCodes(n.operation(r)); codes != "StillAnswers" {
		t.Fatalf("a control plane that answers: blockers %s", codes)
	}
	if err := n.lab.Kill(context.Background(), n.host("cp1")); err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*time.Minute, "cp1 is not Ready", func() bool {
		r := n.must2("node", "remove", "cp1", "--dead", "--plan-only", "-o", "json")
		op := n.operation(r)
		n.kanrin("cancel", "operation/"+op.Name, "--yes")
		return op.Status.Plan != nil && blockerCodes(op) == ""
	})
	n.must(0, "node", "remove", "cp1", "--dead", "--yes")
	if n.node("cp1") != nil {
		t.Error("node cp1 is left")
	}
	if r := n.kanrin("get", "hosts", "cp1"); r.code == 0 {
		t.Error("host cp1 is left")
	}
	pods, err := n.client.CoreV1().Pods("").List(context.Background(), metav1.ListOptions{FieldSelector: "spec.nodeName=cp1"})
	if err != nil || len(pods.Items) > 0 {
		t.Errorf("%d pods of cp1 are left, %v", len(pods.Items), err)
	}
	// One of two may leave; then the last may not.
	n.must(0, "node", "remove", "b2", "--keep-host", "--yes")
	r = n.must2("node", "remove", "b1", "--plan-only", "-o", "json")
	if codes := blockerCodes(n.operation(r)); !strings.Contains(codes, "LastControlPlane") {
		t.Errorf("the last control plane: blockers %s", codes)
	}
}

// deadWorker: a worker that is only cut off. Its power is on, so nothing proves that it is dead: it takes the word of a person, and the
// right word.
func deadWorker(t *testing.T, n *labServer) {
	if err := n.lab.Cut(context.Background(), n.host("w1")); err != nil {
		t.Fatal(err)
	}
	plan := func(more ...string) string {
		r := n.must2(append([]string{"node", "remove", "w1", "--dead", "--plan-only", "-o", "json"}, more...)...)
		op := n.operation(r)
		n.kanrin("cancel", "operation/"+op.Name, "--yes")
		return blockerCodes(op)
	}
	if got := plan("--accept-split-brain", "w1"); got != "StillAlive" {
		t.Errorf("a worker whose lease is fresh: blockers %q", got)
	}
	eventually(t, 2*time.Minute, "w1 is silent", func() bool { return plan() == "SilenceIsNoProof" })
	if got := plan("--accept-split-brain", "b1"); got != "AcceptedOther" {
		t.Errorf("another's name was accepted: blockers %q", got)
	}
	n.must(0, "node", "remove", "w1", "--dead", "--accept-split-brain", "w1", "--yes")
	if n.node("w1") != nil {
		t.Error("node w1 is left")
	}
}

func blockerCodes(op *v1alpha1.Operation) string {
	var out []string
	if op.Status.Plan == nil {
		return "no plan: " + op.Status.Message
	}
	for _, f := range op.Status.Plan.Findings {
		if f.Severity == v1alpha1.SeverityBlocker {
			out = append(out, f.Code)
		}
	}
	return strings.Join(out, ",")
}
