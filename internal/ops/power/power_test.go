package power

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/plan"
)

// three control planes and three workers in two tiers.
func facts() *Facts {
	f := &Facts{Cluster: "c", Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Engaged: map[string]string{}, Workloads: map[string]int32{}}
	add := func(name string, cp bool, tier int32) {
		f.Machines = append(f.Machines, Machine{
			Host: name, Node: name, ControlPlane: cp, Tier: tier, Runtime: "containerd", State: v1alpha1.HostReachable, Ready: true, Mark: "boot-" + name, Power: true,
			NotAfter: f.Now.Add(365 * 24 * time.Hour), NotAfterFile: "/x.crt",
		})
	}
	add("cp1", true, 0)
	add("cp2", true, 0)
	add("cp3", true, 0)
	add("w1", false, 0)
	add("w2", false, 0)
	add("w3", false, 5)
	return f
}

func ids(d *plan.Draft) []string {
	var out []string
	for _, s := range d.Plan.Steps {
		out = append(out, s.ID)
	}
	return out
}

func codes(d *plan.Draft, severity v1alpha1.Severity) []string {
	var out []string
	for _, f := range d.Plan.Findings {
		if f.Severity == severity {
			out = append(out, f.Code+" "+f.Object)
		}
	}
	return out
}

func TestStopOrder(t *testing.T) {
	f := facts()
	f.Machines[3].Cordoned = true
	d, err := ComposeStop(f, &v1alpha1.StopSpec{PowerOff: true}, "c/stop-1")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(`remember cordon
		stop-kubelet-cp1 stop-kubelet-cp2 stop-kubelet-cp3 stop-runtime-cp1 stop-runtime-cp2 stop-runtime-cp3 off-cp1 off-cp2 off-cp3
		stop-kubelet-w3 stop-runtime-w3 off-w3
		stop-kubelet-w1 stop-kubelet-w2 stop-runtime-w1 stop-runtime-w2 off-w1 off-w2`)
	if got := ids(d); !slices.Equal(got, want) {
		t.Errorf("steps\n%v, want\n%v", got, want)
	}
	if b := codes(d, v1alpha1.SeverityBlocker); len(b) > 0 {
		t.Errorf("blocked by %v", b)
	}
	if cordon := d.Plan.Steps[1]; slices.Contains(cordon.Targets, "w1") {
		t.Error("w1 was cordoned already: it is not this operation's to cordon")
	}
}

func TestStopRefuses(t *testing.T) {
	hook := Webhook{Key: "ValidatingWebhookConfiguration/policy", Names: []string{"p"}, Service: "policy/hook", Matters: "pods"}
	tests := map[string]struct {
		change func(*Facts, *v1alpha1.StopSpec)
		want   string
	}{
		"clocks":     {func(f *Facts, _ *v1alpha1.StopSpec) { f.Machines[4].OffsetMs = 5000 }, "ClocksDisagree w2"},
		"not surely": {func(f *Facts, _ *v1alpha1.StopSpec) { f.Machines[4].OffsetMs, f.Machines[4].ErrorMs = 1500, 700 }, ""},
		"certificate": {func(f *Facts, o *v1alpha1.StopSpec) {
			o.Until = ptr.To(metav1.NewTime(f.Now.Add(400 * 24 * time.Hour)))
		}, "CertificateEnds cp1"},
		"in time": {func(f *Facts, o *v1alpha1.StopSpec) { o.Until = ptr.To(metav1.NewTime(f.Now.Add(72 * time.Hour))) }, ""},
		"webhook": {func(f *Facts, _ *v1alpha1.StopSpec) { f.Webhooks = []Webhook{hook} }, "WebhookDeadlock " + hook.Key},
		"suspended": {func(f *Facts, o *v1alpha1.StopSpec) {
			f.Webhooks, o.SuspendWebhooks = []Webhook{hook}, []string{hook.Key}
		}, ""},
		"silent host":  {func(f *Facts, _ *v1alpha1.StopSpec) { f.Machines[5].State = v1alpha1.HostNoAnswer }, "HostNotUsable w3"},
		"no host":      {func(f *Facts, _ *v1alpha1.StopSpec) { f.Unhosted = []string{"w9"} }, "NoHost w9"},
		"stopped":      {func(f *Facts, _ *v1alpha1.StopSpec) { f.State = &State{Operation: "c/stop-0"} }, "AlreadyStopped c"},
		"busy":         {func(f *Facts, _ *v1alpha1.StopSpec) { f.Engaged["w1"] = "drain-1" }, "NodeBusy w1"},
		"not scalable": {func(f *Facts, _ *v1alpha1.StopSpec) { f.Missing = []string{"Job/a/b"} }, "NotScalable Job/a/b"},
		"no planes":    {func(f *Facts, _ *v1alpha1.StopSpec) { f.Machines = f.Machines[3:] }, "NoControlPlane c"},
	}
	for name, tt := range tests {
		f, o := facts(), &v1alpha1.StopSpec{}
		tt.change(f, o)
		d, err := ComposeStop(f, o, "c/stop-1")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(codes(d, v1alpha1.SeverityBlocker), ","); got != tt.want {
			t.Errorf("%s: blockers %q, want %q", name, got, tt.want)
		}
	}
}

func TestStartPutsBackWhatWasWrittenDown(t *testing.T) {
	f := facts()
	f.Machines[1].State, f.Machines[3].State = v1alpha1.HostUnreachable, v1alpha1.HostUnreachable
	f.State = &State{
		Operation: "c/stop-1", Cordoned: map[string]string{"w2": ""}, Tiers: []map[string]int32{{"Deployment/a/x": 2}, {"Deployment/a/y": 1}},
		Webhooks: map[string][]string{"ValidatingWebhookConfiguration/policy": {"p"}}, Whole: []string{"Deployment/a/x"},
	}
	d, err := ComposeStart(f, &v1alpha1.StartSpec{})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(`on-cp2 on-w1 start-runtime-w1 start-runtime-w2 start-kubelet-w1 start-kubelet-w2 start-runtime-w3 start-kubelet-w3
		start-runtime-cp1 start-runtime-cp2 start-runtime-cp3 start-kubelet-cp1 start-kubelet-cp2 start-kubelet-cp3
		gate-etcd gate-api gate-nodes gate-core uncordon restore-webhooks scale-up-2 scale-up-1 settle forget`)
	if got := ids(d); !slices.Equal(got, want) {
		t.Errorf("steps\n%v, want\n%v", got, want)
	}
	for _, s := range d.Plan.Steps {
		if s.ID == "uncordon" && slices.Contains(s.Targets, "w2") {
			t.Error("w2 was cordoned before the stop and must stay so")
		}
	}
	if _, err := ComposeStart(facts(), &v1alpha1.StartSpec{Without: []string{"w9"}}); err == nil {
		t.Error("a host that is not there cannot be left out")
	}
	d, err = ComposeStart(facts(), &v1alpha1.StartSpec{Without: []string{"cp1", "cp2"}})
	if err != nil || !slices.Contains(codes(d, v1alpha1.SeverityBlocker), "QuorumOut c") {
		t.Errorf("without two of three control planes: %v, %v", codes(d, v1alpha1.SeverityBlocker), err)
	}
}

func TestRestartKeepsTheQuorum(t *testing.T) {
	f := facts()
	d, err := ComposeRestart(f, &v1alpha1.RestartSpec{Nodes: []string{"w1", "w2", "w3", "cp1", "cp2"}, MaxUnavailable: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(`cordon-1 evict-1 restart-cp1 uncordon-1 cordon-2 evict-2 restart-cp2 uncordon-2
		cordon-3 evict-3 restart-w1 restart-w2 uncordon-3 cordon-4 evict-4 restart-w3 uncordon-4`)
	if got := ids(d); !slices.Equal(got, want) {
		t.Errorf("steps\n%v, want\n%v", got, want)
	}
	f.Machines[2].Ready = false
	d, _ = ComposeRestart(f, &v1alpha1.RestartSpec{Nodes: []string{"cp1"}})
	if b := codes(d, v1alpha1.SeverityBlocker); !slices.Equal(b, []string{"QuorumAtRisk cp1"}) {
		t.Errorf("with cp3 out: %v", b)
	}
	d, _ = ComposeRestart(f, &v1alpha1.RestartSpec{Nodes: []string{"cp3"}})
	if b := codes(d, v1alpha1.SeverityBlocker); len(b) > 0 {
		t.Errorf("the one that is out may be restarted: %v", b)
	}
}

func TestPick(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	long, short := failing{"w1", now.Add(-time.Hour)}, failing{"w2", now.Add(-time.Second)}
	op := func(phase v1alpha1.Phase, node string, ago time.Duration) v1alpha1.Operation {
		o := v1alpha1.Operation{Spec: v1alpha1.OperationSpec{Recover: &v1alpha1.RecoverSpec{Node: node}}}
		o.CreationTimestamp = metav1.NewTime(now.Add(-ago))
		o.Status.Phase = phase
		return o
	}
	tests := map[string]struct {
		out  []failing
		ops  []v1alpha1.Operation
		node string
	}{
		"none":             {nil, nil, ""},
		"long enough":      {[]failing{long}, nil, "w1"},
		"not yet":          {[]failing{short}, nil, ""},
		"too many":         {[]failing{long, short, {"w3", long.since}}, nil, ""},
		"at work":          {[]failing{long}, []v1alpha1.Operation{op(v1alpha1.PhaseRunning, "w2", time.Minute)}, ""},
		"tried":            {[]failing{long}, []v1alpha1.Operation{op(v1alpha1.PhaseFailed, "w1", time.Hour)}, ""},
		"tried long ago":   {[]failing{long}, []v1alpha1.Operation{op(v1alpha1.PhaseFailed, "w1", 7*time.Hour)}, "w1"},
		"helped last time": {[]failing{long}, []v1alpha1.Operation{op(v1alpha1.PhaseSucceeded, "w1", time.Hour)}, "w1"},
	}
	for name, tt := range tests {
		if node, why := pick(v1alpha1.RecoveryPolicy{Enabled: true}, 10, tt.out, tt.ops, now); node != tt.node {
			t.Errorf("%s: %q (%s), want %q", name, node, why, tt.node)
		}
	}
}

func TestDeadlocks(t *testing.T) {
	hook := func(fail admissionv1.FailurePolicyType, resource, group string, selector *metav1.LabelSelector, service bool) admissionv1.ValidatingWebhookConfiguration {
		w := admissionv1.ValidatingWebhook{Name: "h", FailurePolicy: &fail, NamespaceSelector: selector, Rules: []admissionv1.RuleWithOperations{{
			Rule: admissionv1.Rule{APIGroups: []string{group}, Resources: []string{resource}},
		}}}
		if service {
			w.ClientConfig.Service = &admissionv1.ServiceReference{Namespace: "policy", Name: "hook"}
		}
		return admissionv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "x"}, Webhooks: []admissionv1.ValidatingWebhook{w}}
	}
	name := "kubernetes.io/metadata.name"
	spared := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: name, Operator: metav1.LabelSelectorOpNotIn, Values: []string{"policy", "kube-system"}}}}
	tests := map[string]struct {
		hook admissionv1.ValidatingWebhookConfiguration
		want int
	}{
		"pods":               {hook(admissionv1.Fail, "pods", "", nil, true), 1},
		"everything":         {hook(admissionv1.Fail, "*/*", "*", nil, true), 1},
		"leases":             {hook(admissionv1.Fail, "leases", "coordination.k8s.io", nil, true), 1},
		"ignores failures":   {hook(admissionv1.Ignore, "pods", "", nil, true), 0},
		"outside":            {hook(admissionv1.Fail, "pods", "", nil, false), 0},
		"something else":     {hook(admissionv1.Fail, "ingresses", "networking.k8s.io", nil, true), 0},
		"its own are spared": {hook(admissionv1.Fail, "pods", "", spared, true), 0},
	}
	for n, tt := range tests {
		if got := deadlocks([]admissionv1.ValidatingWebhookConfiguration{tt.hook}, nil); len(got) != tt.want {
			t.Errorf("%s: %v", n, got)
		}
	}
}

func TestSuspendedWebhooksAreThoseThatArePutBack(t *testing.T) {
	fail, ignore := admissionv1.Fail, admissionv1.Ignore
	hooks := []admissionv1.ValidatingWebhook{{Name: "a", FailurePolicy: &fail}, {Name: "b", FailurePolicy: &ignore}, {Name: "c"}}
	var meta metav1.ObjectMeta
	all := func() (out []*policy) {
		for i := range hooks {
			out = append(out, &policy{hooks[i].Name, &hooks[i].FailurePolicy})
		}
		return out
	}
	is := func() string {
		var out []string
		for _, h := range hooks {
			out = append(out, string(ptr.Deref(h.FailurePolicy, admissionv1.Fail)))
		}
		return strings.Join(out, " ")
	}
	if turn(&meta, all(), nil, admissionv1.Fail, "") {
		t.Error("put back what nobody had suspended")
	}
	if !turn(&meta, all(), nil, admissionv1.Ignore, "c/start-1") || is() != "Ignore Ignore Ignore" || meta.Annotations[markSuspended] != "c/start-1" {
		t.Errorf("suspended: %s, %v", is(), meta.Annotations)
	}
	if turn(&meta, all(), nil, admissionv1.Ignore, "c/start-1") {
		t.Error("suspended twice")
	}
	if !turn(&meta, all(), nil, admissionv1.Fail, "") || is() != "Fail Ignore Fail" || len(meta.Annotations) != 0 {
		t.Errorf("put back: %s, %v", is(), meta.Annotations)
	}
}

func certificate(t testing.TB, notAfter time.Time) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: notAfter}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestEarliest(t *testing.T) {
	soon, late := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	out := "file /a.crt\n" + certificate(t, late) + certificate(t, late) + "garbage\nfile /b.conf\ndata !!\ndata " +
		base64.StdEncoding.EncodeToString([]byte(certificate(t, soon))) + "\nfile /c.crt\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
	if file, at := earliest(out); file != "/b.conf" || !at.Equal(soon) {
		t.Errorf("%s %s", file, at)
	}
	if file, at := earliest(""); file != "" || !at.IsZero() {
		t.Errorf("of nothing: %s %s", file, at)
	}
}

func FuzzEarliest(f *testing.F) {
	f.Add("file /a\n" + certificate(f, time.Now()))
	f.Add("data AAAA\nfile \n-----BEGIN CERTIFICATE-----")
	f.Fuzz(func(_ *testing.T, out string) { earliest(out) })
}
