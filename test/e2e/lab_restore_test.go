//go:build linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/snapshot"
	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/install"
	"kanrin.dev/kanrin/internal/lab"
	"kanrin.dev/kanrin/internal/ops/controller"
	"kanrin.dev/kanrin/internal/ops/restore"
	"kanrin.dev/kanrin/internal/plan"
)

// TestLabRestore puts the etcd of a real cluster of three control planes back from a snapshot, with the engine killed at every step;
// takes a restore back; and replaces a member whose data is damaged. The engine is a process of its own (TestRestoreEngine), with sets in
// a directory, so that it can be killed without the management API.
//
// KANRIN_LAB_USE names a lab that is there already and stays.
func TestLabRestore(t *testing.T) {
	w := newRestoreWorld(t)
	t.Run("cancelled before the point of no return, everything is as it was", w.cancelled)
	t.Run("all members from one snapshot, killed at every step", w.allMembers)
	t.Run("all members after the data of all of them was destroyed", w.destroyed)
	t.Run("a broken member is replaced, killed at every step", w.member)
	t.Run("everything onto bare hosts, killed at every step", w.everything)
}

type restoreWorld struct {
	t          *testing.T
	lab        *lab.Lab
	kube       kubernetes.Interface // of the lab
	management client.WithWatch
	pool       *hosts.Pool
	kubeconfig string // of the management API
	sets       string
	epoch      int
	engine     *exec.Cmd
	said       *buffer
	suffix     string // of operations: a lab that stays keeps what they have set aside
}

func newRestoreWorld(t *testing.T) *restoreWorld {
	if os.Getenv("KANRIN_LAB") != "1" || os.Geteuid() != 0 {
		t.Skip("real machines are made as root and with KANRIN_LAB=1 only")
	}
	ctx := t.Context()
	w := &restoreWorld{t: t, sets: t.TempDir(), said: &buffer{}, suffix: strconv.FormatInt(time.Now().Unix()%1_000_000, 36)}
	name := os.Getenv("KANRIN_LAB_USE")
	if name == "" {
		name = "tr"
		t.Cleanup(func() {
			if os.Getenv("KANRIN_LAB_KEEP") == "" {
				_ = lab.Down(context.Background(), lab.DefaultDir, name)
			}
		})
		out, err := exec.Command(program(t, "kanrin", "KANRIN"), "lab", "up", "--name", name, "--control-planes", "3", "--workers", "1", "--register=false",
			"--kanrin-kube", program(t, "kanrin-kube", "KANRIN_KUBE"), "--programs", program(t, "lab", "KANRIN_LAB_PROGRAMS")).CombinedOutput()
		if err != nil {
			t.Fatalf("making the lab: %v\n%s", err, out)
		}
	}
	var err error
	if w.lab, err = lab.Open(lab.DefaultDir, name); err != nil {
		t.Fatal(err)
	}
	if w.kube, err = w.lab.Client(); err != nil {
		t.Fatal(err)
	}
	api := controlplanetest.Start(t)
	if err := install.Install(ctx, api.Config); err != nil {
		t.Fatal(err)
	}
	w.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(w.kubeconfig, api.Kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	if w.management, err = managementClient(w.kubeconfig); err != nil {
		t.Fatal(err)
	}
	w.register(ctx)
	w.pool = hosts.New(hosts.Options{Client: w.management})
	t.Cleanup(w.pool.Close)
	t.Cleanup(func() {
		w.kill()
		if t.Failed() {
			t.Logf("the engine said:\n%s", tail(w.said.String(), 6000))
		}
	})
	w.settle()
	return w
}

func managementClient(kubeconfig string) (client.WithWatch, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 100, 200
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	return client.NewWithWatch(config, client.Options{Scheme: scheme})
}

// register makes the cluster and its hosts known.
func (w *restoreWorld) register(ctx context.Context) {
	w.t.Helper()
	flat, err := os.ReadFile(w.lab.KubeconfigFile())
	if err != nil {
		w.t.Fatal(err)
	}
	f := fleet.New(fleet.Configuration{}, fleet.Dependencies{Management: w.management, Log: slog.New(slog.DiscardHandler)})
	if err := f.Start(ctx); err != nil {
		w.t.Fatal(err)
	}
	_, err = f.Register(ctx, fleet.Registration{Name: w.lab.Name, Kubeconfig: flat})
	_ = f.Stop(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	key, err := os.ReadFile(w.lab.KeyFile())
	if err != nil {
		w.t.Fatal(err)
	}
	w.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.lab.Name, Name: "ssh"}, Type: corev1.SecretTypeSSHAuth,
		Data: map[string][]byte{corev1.SSHAuthPrivateKey: key},
	})
	for _, h := range w.lab.Of(lab.RoleControlPlane, lab.RoleWorker) {
		w.create(&v1alpha1.Host{ObjectMeta: metav1.ObjectMeta{Namespace: w.lab.Name, Name: h.Name}, Spec: v1alpha1.HostSpec{
			Address: h.Address.String(), User: "ops", HostKey: h.HostKey, KeySecret: "ssh", NodeName: h.Name, Roles: []v1alpha1.HostRole{v1alpha1.HostRole(h.Role)},
		}})
	}
}

func (w *restoreWorld) create(o client.Object) {
	w.t.Helper()
	if err := w.management.Create(w.t.Context(), o); err != nil {
		w.t.Fatalf("creating %T %s: %v", o, o.GetName(), err)
	}
}

// spawn starts an engine; kill ends it as a power cut would.
func (w *restoreWorld) spawn() {
	w.t.Helper()
	w.epoch++
	w.engine = exec.Command(os.Args[0], "-test.run=^TestRestoreEngine$", "-test.v")
	w.engine.Env = append(os.Environ(), "KANRIN_RESTORE_ENGINE="+w.kubeconfig, "KANRIN_RESTORE_SETS="+w.sets, "KANRIN_RESTORE_EPOCH="+strconv.Itoa(w.epoch),
		"KANRIN_RESTORE_KUBE="+program(w.t, "kanrin-kube", "KANRIN_KUBE"))
	w.engine.Stdout, w.engine.Stderr = w.said, w.said
	if err := w.engine.Start(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *restoreWorld) kill() {
	if w.engine != nil {
		_ = w.engine.Process.Kill()
		_ = w.engine.Wait()
		w.engine = nil
	}
}

// always is the right to act for as long as the process lives.
type always int64

func (always) Check() error        { return nil }
func (always) Deadline() time.Time { return time.Now().Add(13 * time.Second) }
func (e always) Epoch() int64      { return int64(e) }

type operationsOf struct{ client.Client }

func (h operationsOf) Operations(ctx context.Context, cluster string) ([]v1alpha1.Operation, error) {
	var l v1alpha1.OperationList
	err := h.List(ctx, &l, client.InNamespace(cluster))
	return l.Items, err
}

// TestRestoreEngine is no test but the engine of TestLabRestore: it carries out operations until it is killed.
func TestRestoreEngine(t *testing.T) {
	kubeconfig := os.Getenv("KANRIN_RESTORE_ENGINE")
	if kubeconfig == "" {
		t.Skip("runs as a process of TestLabRestore")
	}
	c, err := managementClient(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	f := fleet.New(fleet.Configuration{}, fleet.Dependencies{Management: c, Log: slog.New(slog.DiscardHandler)})
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	sets := directorySets(os.Getenv("KANRIN_RESTORE_SETS"))
	registry := plan.NewRegistry()
	restore.Register(registry, restore.Dependencies{
		Fleet: f, Hosts: hosts.New(hosts.Options{Client: c, Log: log}), Client: c, History: operationsOf{c}, Sets: sets,
		Kube: os.Getenv("KANRIN_RESTORE_KUBE"), Scratch: os.TempDir(), Present: sets.keep,
	})
	epoch, _ := strconv.ParseInt(os.Getenv("KANRIN_RESTORE_EPOCH"), 10, 64)
	controller.New(controller.Configuration{}, controller.Dependencies{
		Client: c, Registry: registry, Identity: fmt.Sprintf("engine-%d", epoch), Log: log,
	}).Lead(t.Context(), always(epoch))
}

// directorySets are sets that lie in directories, unsealed.
type directorySets string

func (d directorySets) Open(_ context.Context, _, backup string) (restore.Set, error) {
	root, err := os.OpenRoot(filepath.Join(string(d), backup))
	if err != nil {
		return nil, err
	}
	return directorySet{root}, nil
}

func (d directorySets) keep(_ context.Context, _, name string, r io.Reader, _ int64) error {
	dir := filepath.Join(string(d), name, "etcd")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "snapshot.db"), data, 0o600)
}

type directorySet struct{ root *os.Root }

func (d directorySet) Open(_ context.Context, path string) (io.ReadCloser, int64, error) {
	f, err := d.root.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	return f, info.Size(), err
}

func (d directorySet) Unseal(_ context.Context, path string) (io.ReadCloser, error) {
	return d.root.Open(path)
}

func (d directorySet) Index(ctx context.Context) (*snapshot.Index, error) {
	f, err := d.root.Open("etcd/snapshot.db")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	x, _, err := snapshot.Build(ctx, f, info.Size(), snapshot.Options{RequireChecksum: true})
	return x, err
}

func (d directorySet) Verify(ctx context.Context) error {
	_, err := d.Index(ctx)
	return err
}

func (d directorySet) Close() error { return d.root.Close() }

// backup takes a set and says that it is proven.
func (w *restoreWorld) backup(name string) *snapshot.Index {
	w.t.Helper()
	ctx := w.t.Context()
	began := metav1.Now()
	e, err := etcd.Via(ctx, w.pool, w.lab.Name, []string{"cp2"})
	if err != nil {
		w.t.Fatal(err)
	}
	defer e.Close()
	r, err := e.Snapshot(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Close()
	sets := directorySets(w.sets)
	if err := sets.keep(ctx, "", name, r, 0); err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, h := range w.lab.Of(lab.RoleControlPlane, lab.RoleWorker) {
		names = append(names, h.Name)
		files := w.on(h.Name, `tar -C / --numeric-owner -cf - ./etc/kubernetes ./var/lib/kubelet/config.yaml ./var/lib/kubelet/kubeadm-flags.env ./var/lib/kubelet/pki ./etc/cni/net.d 2>/dev/null`)
		if err := os.MkdirAll(filepath.Join(w.sets, name, "keys"), 0o700); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.sets, name, "keys", h.Name+".tar.age"), []byte(files), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	set, err := sets.Open(ctx, "", name)
	if err != nil {
		w.t.Fatal(err)
	}
	defer set.Close()
	x, err := set.Index(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Namespace: w.lab.Name, Name: name}, Spec: v1alpha1.BackupSpec{Policy: "p"}}
	w.create(b)
	b.Status = v1alpha1.BackupStatus{
		Phase: v1alpha1.BackupProven, StartedAt: &began, Revision: x.Stats().Revision, Objects: int64(x.Len()), KubernetesVersion: w.lab.Kubernetes, Digest: "d",
		Components: []v1alpha1.ComponentStatus{
			{Name: "etcd", Type: v1alpha1.ComponentEtcd, State: v1alpha1.ComponentCaptured, Version: "3.6.8"},
			{Name: "keys", Type: v1alpha1.ComponentClusterDirectory, State: v1alpha1.ComponentCaptured, From: strings.Join(names, ", ")},
		},
	}
	if err := w.management.Status().Update(ctx, b); err != nil {
		w.t.Fatal(err)
	}
	return x
}

// on runs a script on a host, from below: no SSH, no Kanrin.
func (w *restoreWorld) on(host, script string) string {
	w.t.Helper()
	h, err := w.lab.Host(host)
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.lab.Enter(context.Background(), *h, "sh", "-c", script)
	if err != nil {
		w.t.Fatalf("on %s: %v\n%s", host, err, tail(string(out), 2000))
	}
	return string(out)
}

func (w *restoreWorld) settle() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := w.lab.WaitReady(ctx); err != nil {
		w.t.Fatal(err)
	}
}

func (w *restoreWorld) configMap(name string) {
	w.t.Helper()
	eventually(w.t, time.Minute, "ConfigMap "+name+" is made", func() bool {
		_, err := w.kube.CoreV1().ConfigMaps("default").Create(w.t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		return err == nil || apierrors.IsAlreadyExists(err)
	})
}

func (w *restoreWorld) has(name string) bool {
	w.t.Helper()
	var found bool
	eventually(w.t, 2*time.Minute, "the API answers", func() bool {
		_, err := w.kube.CoreV1().ConfigMaps("default").Get(w.t.Context(), name, metav1.GetOptions{})
		found = err == nil
		return err == nil || apierrors.IsNotFound(err)
	})
	return found
}

// run plans, approves and waits. With kills the engine is killed when each step begins; at is called in every turn.
func (w *restoreWorld) run(name string, r v1alpha1.RestoreClusterRequest, kills bool, at func(*v1alpha1.Operation)) *v1alpha1.Operation {
	w.t.Helper()
	ctx := w.t.Context()
	name += "-" + w.suffix
	op := &v1alpha1.Operation{ObjectMeta: metav1.ObjectMeta{Namespace: w.lab.Name, Name: name}, Spec: v1alpha1.OperationSpec{
		Type: v1alpha1.OperationRestoreCluster, RestoreCluster: &r,
	}}
	w.create(op)
	if w.engine == nil {
		w.spawn()
	}
	seen, killed := map[string]bool{}, 0
	began, deadline := time.Now(), time.Now().Add(15*time.Minute)
	for {
		time.Sleep(40 * time.Millisecond)
		if err := w.management.Get(ctx, client.ObjectKeyFromObject(op), op); err != nil {
			w.t.Fatal(err)
		}
		st := &op.Status
		switch {
		case st.Phase.Terminal():
			w.t.Logf("%s: %s after %s, killed %d times; steps: %s", name, st.Phase, time.Since(began).Round(time.Second), killed, took(op))
			return op
		case st.Phase == v1alpha1.PhasePaused, time.Now().After(deadline):
			w.t.Fatalf("%s: %s, %s, waiting %+v; steps: %s", name, st.Phase, st.Message, st.Waiting, took(op))
		case st.Phase == v1alpha1.PhasePlanned && op.Spec.ApprovedPlan == "":
			if plan.Blockers(st.Plan) > 0 {
				w.t.Fatalf("%s is blocked: %+v", name, st.Plan.Findings)
			}
			for _, f := range st.Plan.Findings {
				w.t.Logf("%s: %s: %s", name, f.Severity, f.Message)
			}
			op.Spec.ApprovedPlan = st.Plan.Digest
			_ = w.management.Update(ctx, op) // a conflict is tried again in the next turn
			continue
		}
		if at != nil {
			at(op)
		}
		for _, s := range st.Steps {
			if !kills || s.State != v1alpha1.StepRunning || seen[s.ID] {
				continue
			}
			for _, s := range st.Steps { // those that run at the same time die together
				seen[s.ID] = seen[s.ID] || s.State == v1alpha1.StepRunning
			}
			w.kill()
			killed++
			w.spawn()
			break
		}
	}
}

func took(op *v1alpha1.Operation) string {
	var out []string
	for _, s := range op.Status.Steps {
		if s.StartedAt != nil && s.FinishedAt != nil {
			out = append(out, fmt.Sprintf("%s %s %.1fs", s.ID, s.State, s.FinishedAt.Sub(s.StartedAt.Time).Seconds()))
		} else {
			out = append(out, s.ID+" "+string(s.State)+" "+s.Message)
		}
	}
	return strings.Join(out, ", ")
}

// leftovers are what a restore has brought to a host and not taken away, without the data that was set aside.
const leftovers = `ls -d /var/lib/kanrin/restore /var/lib/etcd/kanrin-restore-* /etc/kubernetes/manifests/.kanrin* 2>/dev/null; true`

const manifestSums = `cd /etc/kubernetes/manifests && sha256sum *`

func (w *restoreWorld) planes() []string {
	var out []string
	for _, h := range w.lab.Of(lab.RoleControlPlane) {
		out = append(out, h.Name)
	}
	return out
}

// cancelAt cancels an operation when one of its steps has begun.
func (w *restoreWorld) cancelAt(step string) func(*v1alpha1.Operation) {
	return func(op *v1alpha1.Operation) {
		i := slices.IndexFunc(op.Status.Steps, func(s v1alpha1.StepStatus) bool { return s.ID == step && s.State == v1alpha1.StepRunning })
		if i >= 0 && !op.Spec.Cancelled {
			op.Spec.Cancelled = true
			_ = w.management.Update(w.t.Context(), op) // a conflict is tried again in the next turn
		}
	}
}

func (w *restoreWorld) cancelled(t *testing.T) {
	w.t = t
	w.configMap("before-cancel")
	w.backup("first")
	w.configMap("after-cancel")
	before := map[string]string{}
	for _, h := range w.planes() {
		before[h] = w.on(h, manifestSums)
	}
	op := w.run("cancelled", v1alpha1.RestoreClusterRequest{Mode: v1alpha1.RestoreAllMembers, Backup: "first"}, false, w.cancelAt("quorum"))
	if op.Status.Phase != v1alpha1.PhaseCancelled {
		t.Fatalf("%s: %s", op.Status.Phase, op.Status.Message)
	}
	w.settle()
	if !w.has("before-cancel") || !w.has("after-cancel") {
		t.Error("a cancelled restore has lost what was there")
	}
	for _, h := range w.planes() {
		if after := w.on(h, manifestSums); after != before[h] {
			t.Errorf("manifests of %s after a cancelled restore:\n%swere\n%s", h, after, before[h])
		}
		if left := w.on(h, leftovers+"; ls -d /var/lib/etcd/before-"+op.Name+" /var/lib/etcd.before-"+op.Name+" 2>/dev/null; true"); left != "" {
			t.Errorf("%s has leftovers: %s", h, left)
		}
	}
}

// onWorker prints how many rules of services and how many containers of pods there are that came after the set.
const onWorker = `echo "$(iptables-save 2>/dev/null | grep -c default/later) $(ctr -n k8s.io containers ls -q 'labels."io.kubernetes.pod.name"==later' | wc -l)"`

// visible makes a service and a pod and waits until w1 serves them.
func (w *restoreWorld) visible(name string) {
	w.t.Helper()
	ctx := w.t.Context()
	_, err := w.kube.CoreV1().Services("default").Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		w.t.Fatal(err)
	}
	_, err = w.kube.CoreV1().Pods("default").Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PodSpec{NodeName: "w1", Containers: []corev1.Container{{Name: "pause", Image: "registry.k8s.io/pause:3.10.2"}}},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		w.t.Fatal(err)
	}
	eventually(w.t, 2*time.Minute, "w1 serves "+name, func() bool {
		out := strings.Fields(w.on("w1", onWorker))
		return len(out) == 2 && out[0] != "0" && out[1] != "0"
	})
}

func (w *restoreWorld) allMembers(t *testing.T) {
	w.t = t
	ctx := t.Context()
	w.configMap("kept")
	w.configMap("deleted-later")
	set := w.backup("second")
	old, err := w.kube.CoreV1().ConfigMaps("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.kube.CoreV1().ConfigMaps("default").Delete(ctx, "deleted-later", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		w.configMap("made-later-" + strconv.Itoa(i))
	}
	w.visible("later")
	op := w.run("all", v1alpha1.RestoreClusterRequest{Mode: v1alpha1.RestoreAllMembers, Backup: "second"}, true, nil)
	if op.Status.Phase != v1alpha1.PhaseSucceeded {
		t.Fatalf("%s: %s", op.Status.Phase, op.Status.Message)
	}
	w.settle()
	for _, l := range op.Status.Report.Lines {
		t.Log(l.Message)
	}
	if !w.has("kept") || !w.has("deleted-later") || w.has("made-later-0") {
		t.Error("the objects are not those of the set")
	}
	now, err := w.kube.CoreV1().ConfigMaps("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := strconv.ParseInt(now.ResourceVersion, 10, 64); n < set.Stats().Revision+1_000_000_000 {
		t.Errorf("the revision is %s after %d in the set", now.ResourceVersion, set.Stats().Revision)
	}
	watch, err := w.kube.CoreV1().ConfigMaps("default").Watch(ctx, metav1.ListOptions{ResourceVersion: old.ResourceVersion, TimeoutSeconds: new(int64(20))})
	if err == nil {
		e := <-watch.ResultChan()
		watch.Stop()
		err = apierrors.FromObject(e.Object)
	}
	if !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
		t.Errorf("a watch from before the restore: %v", err)
	}
	report := ""
	for _, l := range op.Status.Report.Lines {
		report += l.Message + "\n"
	}
	for _, want := range []string{"made-later-0", "deleted-later"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report does not name %s", want)
		}
	}
	for _, h := range w.planes() {
		if left := w.on(h, leftovers); left != "" {
			t.Errorf("%s has leftovers: %s", h, left)
		}
		if w.on(h, "ls -d /var/lib/etcd/before-"+op.Name+"/member /var/lib/etcd.before-"+op.Name+"/member 2>/dev/null; true") == "" {
			t.Errorf("%s has not kept its former data", h)
		}
	}
	// kube-proxy and the kubelet were not told anything: their watches have ended, and they have read everything anew.
	eventually(t, 2*time.Minute, "a service and a pod from after the set are gone from w1", func() bool {
		return strings.TrimSpace(w.on("w1", onWorker)) == "0 0"
	})
}

// destroy damages the log of a member and kills it: it does not come up again.
const destroy = `for f in /var/lib/etcd/member/wal/*.wal; do dd if=/dev/urandom of="$f" bs=4096 count=64 conv=notrunc 2>/dev/null; done; pkill -KILL -x etcd; true`

func (w *restoreWorld) destroyed(t *testing.T) {
	w.t = t
	w.kill() // what it knows of the cluster must not help
	w.configMap("before-the-end")
	w.backup("fourth")
	for _, h := range w.planes() {
		w.on(h, destroy)
	}
	eventually(t, 2*time.Minute, "the API is gone", func() bool {
		_, err := w.kube.CoreV1().ConfigMaps("default").Get(t.Context(), "before-the-end", metav1.GetOptions{})
		return err != nil && !apierrors.IsNotFound(err)
	})
	op := w.run("destroyed", v1alpha1.RestoreClusterRequest{Mode: v1alpha1.RestoreAllMembers, Backup: "fourth", WithoutPresent: true}, false, nil)
	if op.Status.Phase != v1alpha1.PhaseSucceeded {
		t.Fatalf("%s: %s", op.Status.Phase, op.Status.Message)
	}
	w.settle()
	if !w.has("before-the-end") {
		t.Error("the objects are not those of the set")
	}
	if !strings.Contains(took(op), "present Done") || !slices.ContainsFunc(op.Status.Report.Lines, func(l v1alpha1.Line) bool { return l.Code == "RestoreNotCompared" }) {
		t.Errorf("the report: %+v", op.Status.Report.Lines)
	}
}

func (w *restoreWorld) member(t *testing.T) {
	w.t = t
	w.configMap("before-member")
	manifest := w.on("cp3", "cat /etc/kubernetes/manifests/etcd.yaml")
	w.on("cp3", destroy)
	eventually(t, 2*time.Minute, "the member is broken", func() bool {
		e, err := etcd.Via(t.Context(), w.pool, w.lab.Name, []string{"cp1"})
		if err != nil {
			return false
		}
		defer e.Close()
		members, err := e.Members(t.Context())
		return err == nil && etcd.QuorumOf(members).Healthy == 2
	})
	op := w.run("member", v1alpha1.RestoreClusterRequest{Mode: v1alpha1.RestoreMember, Member: "cp3"}, true, nil)
	if op.Status.Phase != v1alpha1.PhaseSucceeded {
		t.Fatalf("%s: %s", op.Status.Phase, op.Status.Message)
	}
	w.settle()
	e, err := etcd.Via(t.Context(), w.pool, w.lab.Name, []string{"cp3"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	members, err := e.Members(t.Context())
	if q := etcd.QuorumOf(members); err != nil || q.Voters != 3 || q.Healthy != 3 || len(members) != 3 {
		t.Errorf("members: %+v, %v", members, err)
	}
	if !w.has("before-member") {
		t.Error("something was lost")
	}
	after := w.on("cp3", "cat /etc/kubernetes/manifests/etcd.yaml")
	if !strings.Contains(after, "--initial-cluster-state=existing") || strings.Count(after, "--initial-cluster=") != 1 {
		t.Errorf("the manifest of etcd:\n%s\nwas\n%s", after, manifest)
	}
	if left := w.on("cp3", leftovers); left != "" {
		t.Errorf("cp3 has leftovers: %s", left)
	}
}

// lose takes a machine's cluster away, as a new machine would come.
const lose = `systemctl disable --now kubelet
kubeadm reset -f --cri-socket unix:///run/containerd/containerd.sock --skip-phases=remove-etcd-member,preflight 2>&1
rm -rf /etc/kubernetes /var/lib/etcd/* /var/lib/etcd.before* /var/lib/kubelet/*
ls -A /etc/kubernetes /var/lib/etcd /var/lib/kubelet; pgrep -l 'etcd|kube-'; true`

func (w *restoreWorld) everything(t *testing.T) {
	w.t = t
	ctx := t.Context()
	w.configMap("in-the-set")
	set := w.backup("third")
	w.configMap("after-the-set")
	for _, h := range w.lab.Of(lab.RoleControlPlane, lab.RoleWorker) {
		t.Logf("%s: %s", h.Name, tail(w.on(h.Name, lose), 300))
	}
	op := w.run("nothing", v1alpha1.RestoreClusterRequest{Mode: v1alpha1.RestoreEverything, Backup: "third"}, false, w.cancelAt("quorum"))
	if op.Status.Phase != v1alpha1.PhaseCancelled {
		t.Fatalf("%s: %s", op.Status.Phase, op.Status.Message)
	}
	for _, h := range w.lab.Of(lab.RoleControlPlane, lab.RoleWorker) {
		if left := w.on(h.Name, leftovers+"; find /etc/kubernetes /var/lib/etcd /var/lib/kubelet/pki /var/lib/kubelet/config.yaml -type f 2>/dev/null; systemctl is-enabled kubelet | grep enabled; true"); left != "" {
			t.Errorf("%s is not bare after a cancelled restore: %s", h.Name, left)
		}
	}
	op = w.run("everything", v1alpha1.RestoreClusterRequest{Mode: v1alpha1.RestoreEverything, Backup: "third"}, true, nil)
	if op.Status.Phase != v1alpha1.PhaseSucceeded {
		t.Fatalf("%s: %s", op.Status.Phase, op.Status.Message)
	}
	w.settle()
	if !w.has("in-the-set") || w.has("after-the-set") {
		t.Error("the objects are not those of the set")
	}
	now, err := w.kube.CoreV1().ConfigMaps("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := strconv.ParseInt(now.ResourceVersion, 10, 64); n < set.Stats().Revision+1_000_000_000 {
		t.Errorf("the revision is %s after %d in the set", now.ResourceVersion, set.Stats().Revision)
	}
	for _, h := range w.planes() {
		if left := w.on(h, leftovers); left != "" {
			t.Errorf("%s has leftovers: %s", h, left)
		}
		e, err := etcd.Via(ctx, w.pool, w.lab.Name, []string{h})
		if err != nil {
			t.Fatal(err)
		}
		members, err := e.Members(ctx)
		e.Close()
		if q := etcd.QuorumOf(members); err != nil || q.Voters != 3 || q.Healthy != 3 {
			t.Errorf("members through %s: %+v, %v", h, members, err)
		}
	}
}
