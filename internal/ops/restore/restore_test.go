package restore

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/plan"
)

func etcdManifest(name, ip string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Pod
metadata: {name: etcd, namespace: kube-system}
spec:
  containers:
  - command:
    - etcd
    - --advertise-client-urls=https://%[2]s:2379
    - --data-dir=/var/lib/etcd
    - --initial-advertise-peer-urls=https://%[2]s:2380
    - --initial-cluster=%[1]s=https://%[2]s:2380
    - --listen-client-urls=https://127.0.0.1:2379,https://%[2]s:2379
    - --listen-peer-urls=https://%[2]s:2380
    - --name=%[1]s
    image: registry.k8s.io/etcd:3.6.6-0
    name: etcd
`, name, ip)
}

func plane(n int) Host {
	return Host{
		Name: fmt.Sprintf("cp%d", n), Node: fmt.Sprintf("cp%d", n), ControlPlane: true, Member: fmt.Sprintf("cp%d", n), PeerURL: fmt.Sprintf("https://10.0.0.%d:2380", n),
		DataDir: "/var/lib/etcd", Etcd: "3.6.6", Kubernetes: "v1.36.3", APIPort: 6443, EtcdServers: "https://127.0.0.1:2379", CA: "ca", Kubelet: "active",
		FreeData: 100 << 30, FreeState: 100 << 30,
	}
}

func members(states ...string) []etcd.Member {
	var out []etcd.Member
	for i, s := range states {
		m := etcd.Member{ID: fmt.Sprint(i + 1), Name: fmt.Sprintf("cp%d", i+1), PeerURLs: []string{fmt.Sprintf("https://10.0.0.%d:2380", i+1)}, Started: true, Healthy: true}
		switch s {
		case "down":
			m.Healthy = false
		case "learner":
			m.Learner = true
		}
		out = append(out, m)
	}
	return out
}

func facts() *Facts {
	return &Facts{
		Cluster: "prod", Hosts: []Host{plane(1), plane(2), plane(3), {Name: "w1", Node: "w1"}}, Etcd: members("up", "up", "up"), Highest: 5000, Program: 170 << 20, Tool: "3.6",
		Now: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC),
		Set: &SetFacts{
			Name: "b1", Phase: "Proven", Kubernetes: "v1.36.3", Etcd: "etcd", EtcdVersion: "3.6.6", Keys: "keys", Revision: 4000, Bytes: 1 << 30, CA: "ca", CAKnown: true,
			At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		},
	}
}

// codes are severity and code of findings.
func codes(fs []v1alpha1.Finding) string {
	out := make([]string, len(fs))
	for i, f := range fs {
		out[i] = string(f.Severity[0]) + ":" + f.Code
		if len(f.Ways) > 0 {
			out[i] += "(" + f.Ways[0].Flag + ")"
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

func TestCheckAll(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Facts, *Options)
		want   string
	}{
		{"all is well", func(*Facts, *Options) {}, ""},
		{"unproven", func(f *Facts, _ *Options) { f.Set.Phase = "Captured" }, "b:RestoreSetUnproven(--unproven)"},
		{"unproven, accepted", func(f *Facts, o *Options) { f.Set.Phase, o.Unproven = "Captured", true }, "w:RestoreSetUnproven"},
		{"failed its proof", func(f *Facts, _ *Options) { f.Set.Phase = "ProofFailed" }, "b:RestoreSetFailedProof(--unproven)"},
		{"not finished", func(f *Facts, o *Options) { f.Set.Phase, o.Unproven = "InProgress", true }, "b:RestoreSetUnfinished"},
		{"without etcd", func(f *Facts, _ *Options) { f.Set.Etcd = "" }, "b:RestoreSetNoEtcd"},
		{"a part is missing", func(f *Facts, _ *Options) { f.Set.Missing = 1 }, "w:RestoreSetIncomplete"},
		{"cannot be opened", func(f *Facts, _ *Options) { f.Set.Error = "no such set" }, "b:RestoreSetUnreadable"},
		{"no revision", func(f *Facts, _ *Options) { f.Set.Revision = 0 }, "b:RestoreSetNoRevision"},
		{"of another cluster", func(f *Facts, _ *Options) { f.Set.CA = "other" }, "b:RestoreOtherCluster"},
		{"keys cannot be read", func(f *Facts, _ *Options) { f.Set.CAKnown, f.Set.KeysError = false, "sealed to another" }, "w:RestoreKeysUnknown"},
		{"other encryption", func(f *Facts, _ *Options) { f.Set.Encryption, f.Hosts[0].Encryption = "a", "b" }, "b:RestoreEncryptionDiffers"},
		{"encryption is gone", func(f *Facts, _ *Options) { f.Set.Encryption = "a" }, "b:RestoreEncryptionDiffers"},
		{"encryption is new", func(f *Facts, _ *Options) { f.Hosts[1].Encryption = "b" }, "w:RestoreEncryptionNew"},
		{"a newer set", func(f *Facts, _ *Options) { f.Set.Kubernetes = "v1.37.0" }, "b:RestoreSetNewer"},
		{"an older set", func(f *Facts, _ *Options) { f.Set.Kubernetes = "v1.35.1" }, "w:RestoreSetOlder"},
		{"etcd is older", func(f *Facts, _ *Options) { f.Hosts[0].Etcd = "3.5.21" }, "b:RestoreEtcdOlder"},
		{"etcd is newer", func(f *Facts, _ *Options) { f.Hosts[0].Etcd = "3.7.0" }, "w:RestoreEtcdTool"},
		{"a control plane is silent", func(f *Facts, _ *Options) {
			f.Hosts[1] = Host{Name: "cp2", Node: "cp2", ControlPlane: true, Unreachable: "no route"}
		}, "b:RestoreHostSilent(--without cp2)"},
		{"a control plane is left out", func(f *Facts, _ *Options) {
			f.Hosts[1] = Host{Name: "cp2", Node: "cp2", ControlPlane: true, Left: true, Unreachable: "no route"}
		}, "w:RestoreLeftOut"},
		{"a living one is left out", func(f *Facts, _ *Options) { f.Hosts[1].Left = true }, "b:RestoreLeftAnswers"},
		{"a worker is silent", func(f *Facts, _ *Options) { f.Hosts[3].Unreachable = "no route" }, "w:RestoreWorkerSilent"},
		{"no host for a control plane", func(f *Facts, _ *Options) { f.Unhosted = []string{"cp4"} }, "b:RestoreNoHost"},
		{"a member of nobody", func(f *Facts, _ *Options) { f.Etcd = members("up", "up", "up", "up") }, "b:RestoreStranger"},
		{"external etcd", func(f *Facts, _ *Options) {
			for i := range 3 {
				f.Hosts[i].Missing, f.Hosts[i].EtcdServers = []string{podEtcd}, "https://10.1.0.1:2379"
			}
		}, "b:ExternalEtcd"},
		{"a manifest is missing", func(f *Facts, _ *Options) { f.Hosts[0].Missing = []string{podScheduler} }, "b:RestoreManifestMissing"},
		{"a manifest is broken", func(f *Facts, _ *Options) { f.Hosts[0].Broken = []string{podEtcd} }, "b:RestoreManifestBroken"},
		{"log elsewhere", func(f *Facts, _ *Options) { f.Hosts[0].WALDir = "/wal" }, "b:RestoreWALDir"},
		{"kubelet down", func(f *Facts, _ *Options) { f.Hosts[2].Kubelet = "inactive" }, "b:RestoreKubelet"},
		{"no room beside etcd", func(f *Facts, _ *Options) { f.Hosts[2].FreeData = 2 << 30 }, "b:RestoreRoom"},
		{"no room for the program", func(f *Facts, _ *Options) { f.Hosts[2].FreeState = 100 << 20 }, "b:RestoreRoom"},
		{"etcd does not answer", func(f *Facts, _ *Options) { f.Etcd, f.EtcdError = nil, "refused" }, "b:RestorePresentUnreadable(--without-present)"},
		{"etcd does not answer, accepted", func(f *Facts, o *Options) { f.Etcd, f.EtcdError, o.WithoutPresent = nil, "refused", true }, "w:RestorePresentUnreadable"},
		{"two of one name", func(f *Facts, _ *Options) { f.Hosts[1].Member = "cp1" }, "b:RestoreNameTwice"},
		{"no control plane", func(f *Facts, _ *Options) { f.Hosts = f.Hosts[3:]; f.Etcd = nil }, "b:RestoreNoControlPlane"},
	} {
		f, o := facts(), Options{Mode: v1alpha1.RestoreAllMembers, Backup: "b1"}
		c.change(f, &o)
		if got := codes(CheckAll(f, o)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestCheckMember(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Facts)
		want   string
	}{
		{"broken", func(f *Facts) { f.Etcd = members("up", "up", "down") }, ""},
		{"healthy", func(*Facts) {}, "w:RestoreMemberHealthy"},
		{"another is down too", func(f *Facts) { f.Etcd = members("up", "down", "down") }, "b:RestoreMemberQuorum"},
		{"one of two", func(f *Facts) { f.Etcd, f.Hosts, f.Member = members("up", "down"), []Host{plane(1), plane(3)}, "2" }, "b:RestoreMemberQuorum"},
		{"the only one", func(f *Facts) { f.Etcd, f.Member = members("down"), "1" }, "b:RestoreMemberQuorum"},
		{"gone already", func(f *Facts) { f.Etcd, f.Member = members("up", "up"), "" }, "w:RestoreMemberGone"},
		{"a learner is there", func(f *Facts) {
			f.Etcd = append(members("up", "up", "down"), etcd.Member{ID: "9", Name: "x", Learner: true, Started: true})
		}, "b:EtcdLearner"},
		{"nobody answers", func(f *Facts) { f.Etcd, f.EtcdError, f.Member = nil, "refused", "" }, "b:RestoreNoMembers"},
		{"the host is silent", func(f *Facts) { f.Hosts[2].Unreachable, f.Etcd = "no route", members("up", "up", "down") }, "b:RestoreHostSilent"},
		{"a worker", func(f *Facts) { f.Hosts[2].ControlPlane = false }, "b:RestoreNotControlPlane"},
	} {
		f := facts()
		f.Set, f.Member = nil, "3"
		c.change(f)
		if got := codes(CheckMember(f, Options{Mode: v1alpha1.RestoreMember, Member: "cp3"})); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func ids(d *plan.Draft) string {
	var out []string
	for _, s := range d.Plan.Steps {
		id := s.ID
		if s.ID == d.Plan.PointOfNoReturn {
			id = "| " + id
		}
		out = append(out, id)
	}
	return strings.Join(out, " ")
}

func TestComposeAll(t *testing.T) {
	f := facts()
	f.Hosts = []Host{plane(1), plane(2), {Name: "w1", Node: "w1"}, {Name: "w2", Node: "w2", Unreachable: "no route"}, {Name: "lb"}}
	d, err := ComposeAll("op", f, Options{Backup: "b1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "verify present stage-cp1 stage-cp2 build-cp1 build-cp2 fence-cp1 fence-cp2 stop-etcd-cp1 stop-etcd-cp2 swap-cp1 swap-cp2 start-etcd-cp1 start-etcd-cp2 " +
		"quorum | serve-cp1 serve-cp2 kubelet-cp1 kubelet-cp2 kubelet-w1 control-cp1 control-cp2 gate tidy-cp1 tidy-cp2"
	if got := ids(d); got != want {
		t.Errorf("steps: %s\nwant:  %s", got, want)
	}
	for _, s := range d.Plan.Steps {
		if strings.Contains(s.Title, "{") {
			t.Errorf("the title of %s is %q", s.ID, s.Title)
		}
		if s.Kind == KindBuild && !strings.Contains(string(s.Args.Raw), `"cluster":"cp1=https://10.0.0.1:2380,cp2=https://10.0.0.2:2380","token":"kanrin-op","bump":2000000000`) {
			t.Errorf("arguments of %s: %s", s.ID, s.Args.Raw)
		}
	}
	for _, l := range d.Plan.Summary {
		if strings.Contains(l.Message, "{") {
			t.Errorf("summary: %s", l.Message)
		}
	}
}

func TestComposeMember(t *testing.T) {
	f := facts()
	f.Set, f.Member = nil, "3"
	d, err := ComposeMember("op", f, Options{Mode: v1alpha1.RestoreMember, Member: "cp3"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "stop-etcd-cp3 aside-cp3 | dismiss-cp3 learner-cp3 start-etcd-cp3 promote-cp3 tidy-cp3"
	if got := ids(d); got != want {
		t.Errorf("steps: %s\nwant:  %s", got, want)
	}
	if s := d.Plan.Steps[2]; !strings.Contains(string(s.Args.Raw), `"old":"3","via":["cp1","cp2"]`) {
		t.Errorf("arguments: %s", s.Args.Raw)
	}
}

func TestBump(t *testing.T) {
	for _, c := range []struct{ set, highest, want int64 }{
		{4000, 0, 1_000_000_000},             // nobody knows
		{4000, 4000, 1_000_000_000},          // nothing was written since
		{4000, 4001, 2_000_000_000},          // beyond it by a step at least
		{4000, 1_000_004_000, 2_000_000_000}, // an earlier restore
		{4000, 1_000_004_001, 3_000_000_000},
	} {
		f := facts()
		f.Set.Revision, f.Highest = c.set, c.highest
		got := f.bump()
		if got != c.want || c.set+got < c.highest+minBump {
			t.Errorf("set %d, highest %d: raised by %d, want %d", c.set, c.highest, got, c.want)
		}
	}
}

func TestParseStaticPod(t *testing.T) {
	p, err := parseStaticPod([]byte(etcdManifest("cp1", "10.0.0.1")))
	if err != nil {
		t.Fatal(err)
	}
	if p.version() != "3.6.6" || p.flag("name") != "cp1" || p.flag("data-dir") != "/var/lib/etcd" || p.args[0] != "etcd" {
		t.Errorf("%+v", p)
	}
	if got := p.ports(podEtcd); !slices.Equal(got, []int{2379, 2380}) {
		t.Errorf("ports: %v", got)
	}
	api := &staticPod{args: []string{"kube-apiserver", "--secure-port", "7443"}, tag: "v1.36.3"}
	if got := api.ports(podAPIServer); !slices.Equal(got, []int{7443}) || api.version() != "v1.36.3" {
		t.Errorf("ports: %v", got)
	}
	for _, bad := range []string{"", "kind: Pod", "{", "kind: ConfigMap", strings.Repeat("x", maxManifest+1)} {
		if _, err := parseStaticPod([]byte(bad)); err == nil {
			t.Errorf("%.20q was taken for a pod", bad)
		}
	}
}

func TestJoinManifest(t *testing.T) {
	raw := etcdManifest("cp3", "10.0.0.3")
	const cluster = "cp1=https://10.0.0.1:2380,cp3=https://10.0.0.3:2380"
	out, err := joinManifest([]byte(raw), cluster)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(raw, "--initial-cluster=cp3=https://10.0.0.3:2380", "--initial-cluster="+cluster+"\n    - --initial-cluster-state=existing", 1)
	if string(out) != want {
		t.Errorf("%s\nwant\n%s", out, want)
	}
	again, err := joinManifest(out, cluster)
	if err != nil || string(again) != want {
		t.Errorf("changed twice: %v\n%s", err, again)
	}
	if _, err := joinManifest([]byte(strings.ReplaceAll(raw, "--initial-cluster=", "--other=")), cluster); err == nil {
		t.Error("a manifest without --initial-cluster was changed")
	}
}

func TestClusterOf(t *testing.T) {
	ms := members("up", "up", "learner")
	ms[2].Name = "" // it has not started yet
	if got := clusterOf(ms, "cp3", "https://10.0.0.3:2380"); got != "cp1=https://10.0.0.1:2380,cp2=https://10.0.0.2:2380,cp3=https://10.0.0.3:2380" {
		t.Error(got)
	}
}

func TestParseProbe(t *testing.T) {
	var h Host
	out := "manifest=etcd " + base64.StdEncoding.EncodeToString([]byte(etcdManifest("cp1", "10.0.0.1"))) + "\nmanifest=kube-scheduler !!\nkubelet=active\nca=Y2E=\nlacks=flock\nstate=1024\nend=\n"
	if _, err := parseProbe([]byte(out), &h); err != nil {
		t.Fatal(err)
	}
	if h.Member != "cp1" || h.PeerURL != "https://10.0.0.1:2380" || h.DataDir != "/var/lib/etcd" || h.Kubelet != "active" || h.CA == "" || h.FreeState != 1<<20 ||
		!slices.Equal(h.Missing, []string{podAPIServer, podController, podScheduler}) || !slices.Equal(h.Lacks, []string{"flock"}) {
		t.Errorf("%+v", h)
	}
	if _, err := parseProbe([]byte(strings.TrimSuffix(out, "end=\n")), &Host{}); err == nil {
		t.Error("half a probe was taken for a whole one")
	}
}

func TestRunning(t *testing.T) {
	p, err := parseStaticPod([]byte(etcdManifest("cp1", "10.0.0.1")))
	if err != nil {
		t.Fatal(err)
	}
	line := "process 42 " + strings.Join(p.args, "\037") + "\037\n"
	for _, c := range []struct {
		name, out string
		want      bool
	}{
		{"nothing", "end\n", false},
		{"its process", line + "end\n", true},
		{"another etcd", "process 7 etcd\037--name=other\037\nend\n", false},
		{"its port", "port 094B\nend\n", true},
		{"another port", "port 0016\nend\n", false},
	} {
		r, err := parseRunning([]byte(c.out))
		if err != nil || r.of(podEtcd, p) != c.want {
			t.Errorf("%s: %v, %v", c.name, r, err)
		}
	}
	if _, err := parseRunning([]byte(line)); err == nil {
		t.Error("half a list was taken for a whole one")
	}
}

func FuzzHostOutput(f *testing.F) {
	f.Add([]byte("manifest=etcd " + base64.StdEncoding.EncodeToString([]byte(etcdManifest("cp1", "10.0.0.1"))) + "\nend=\n"))
	f.Add([]byte("process 3 a\037b\nport 094B\nend\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = parseProbe(data, &Host{})
		_, _ = parseRunning(data)
		_, _ = joinManifest(data, "a=b")
	})
}

func TestPassed(t *testing.T) {
	d, err := ComposeAll("op", facts(), Options{Backup: "b1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	op := &v1alpha1.Operation{}
	op.Status.Plan = &d.Plan
	for _, c := range []struct {
		step  string
		state v1alpha1.StepState
		want  bool
	}{
		{"quorum", v1alpha1.StepDone, false},
		{"serve-cp1", v1alpha1.StepPending, false},
		{"serve-cp2", v1alpha1.StepRunning, true},
		{"serve-cp1", v1alpha1.StepFailed, true},
		{"serve-cp1", v1alpha1.StepNotUndone, true},
		{"gate", v1alpha1.StepRunning, true},
	} {
		op.Status.Steps = []v1alpha1.StepStatus{{ID: c.step, State: c.state}}
		if got := passed(&plan.Scope{Operation: op}); got != c.want {
			t.Errorf("%s %s: passed %v", c.step, c.state, got)
		}
	}
}

func bareFacts() *Facts {
	f := facts()
	f.Etcd, f.Set.Hosts = nil, []string{"cp1", "cp2", "cp3"}
	for i := range 3 {
		h := &f.Hosts[i]
		h.Archived, h.Runtime, h.Addresses, h.Kubelet = true, "containerd", []string{fmt.Sprintf("10.0.0.%d", i+1)}, ""
	}
	f.Hosts[3].Leftovers = []string{"/etc/kubernetes/kubelet.conf"} // a worker that was not lost
	return f
}

func TestCheckEverything(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Facts)
		want   string
	}{
		{"all is well", func(*Facts) {}, ""},
		{"not bare", func(f *Facts) { f.Hosts[0].Leftovers = []string{"/etc/kubernetes/pki"} }, "b:RestoreNotBare"},
		{"another address", func(f *Facts) { f.Hosts[0].Addresses = []string{"10.9.9.9"} }, "b:RestoreAddressDiffers"},
		{"silent", func(f *Facts) { f.Hosts[0].Unreachable = "no route" }, "b:RestoreBareSilent"},
		{"no runtime", func(f *Facts) { f.Hosts[0].Runtime = "" }, "b:RestoreRuntime"},
		{"no kubelet", func(f *Facts) { f.Hosts[0].Lacks = []string{"kubelet"} }, "b:RestoreProgramMissing"},
		{"not a control plane in the set", func(f *Facts) { f.Hosts[0].Missing = []string{podEtcd} }, "b:RestoreArchiveLacks"},
		{"a set without keys", func(f *Facts) { f.Set.Keys = "" }, "b:RestoreSetNoKeys"},
		{"one is not there any more", func(f *Facts) { f.Hosts = f.Hosts[1:] }, "w:RestoreHostLeft"},
		{"one is new", func(f *Facts) { f.Hosts[0].Archived = false }, "w:RestoreHostNew"},
		{"all are new", func(f *Facts) {
			for i := range f.Hosts {
				f.Hosts[i].Archived = false
			}
		}, "b:RestoreNoMember w:RestoreHostNew"},
		{"a worker was lost", func(f *Facts) { f.Hosts[3].Leftovers = nil }, "w:RestoreWorkerBare"},
		{"an unproven set", func(f *Facts) { f.Set.Phase = "Captured" }, "b:RestoreSetUnproven(--unproven)"},
	} {
		f := bareFacts()
		c.change(f)
		if got := codes(CheckEverything(f, Options{Mode: v1alpha1.RestoreEverything, Backup: "b1"})); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestComposeEverything(t *testing.T) {
	f := bareFacts()
	f.Hosts[1].Archived = false
	f.Hosts = append(f.Hosts, Host{Name: "w2", Node: "w2", Archived: true, Runtime: "containerd"})
	d, err := ComposeEverything("op", f, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "verify stage-cp1 stage-cp3 build-cp1 build-cp3 unpack-cp1 unpack-cp3 unpack-w2 swap-cp1 swap-cp3 kubelet-up-cp1 kubelet-up-cp3 kubelet-up-w2 " +
		"start-etcd-cp1 start-etcd-cp3 quorum | serve-cp1 serve-cp3 kubelet-w1 control-cp1 control-cp3 gate tidy-cp1 tidy-cp3 tidy-w2"
	if got := ids(d); got != want {
		t.Errorf("steps: %s\nwant:  %s", got, want)
	}
}

// memorySet is one archive, unsealed.
type memorySet struct {
	Set
	data []byte
}

func (s memorySet) Unseal(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s.data)), nil
}

func TestRepack(t *testing.T) {
	var in bytes.Buffer
	w := tar.NewWriter(&in)
	for _, h := range []tar.Header{
		{Name: "./etc/kubernetes/pki/ca.key", Typeflag: tar.TypeReg, Mode: 0o4600, Size: 3},
		{Name: "./var/lib/kubelet/pki/kubelet-client-current.pem", Typeflag: tar.TypeSymlink, Linkname: "/var/lib/kubelet/pki/kubelet-client-1.pem"},
		{Name: "./etc/kubernetes/../../root/.ssh/authorized_keys", Typeflag: tar.TypeReg, Size: 3},
		{Name: "./etc/shadow", Typeflag: tar.TypeReg, Size: 3},
		{Name: "./etc/kubernetes/out", Typeflag: tar.TypeSymlink, Linkname: "../../root"},
		{Name: "./etc/kubernetes/away", Typeflag: tar.TypeSymlink, Linkname: "/etc/shadow"},
		{Name: "./etc/kubernetes/hard", Typeflag: tar.TypeLink, Linkname: "etc/shadow"},
		{Name: "./etc/kubernetes/dev", Typeflag: tar.TypeBlock},
		{Name: "./etc/containerd/config.toml", Typeflag: tar.TypeReg, Size: 3},
		{Name: "./etc/default/kubelet", Typeflag: tar.TypeReg, Size: 0, Mode: 0o644},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(make([]byte, h.Size))
	}
	_ = w.Close()
	out, err := packed(t.Context(), memorySet{data: in.Bytes()}, "x")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for r := tar.NewReader(bytes.NewReader(out)); ; {
		h, err := r.Next()
		if err != nil {
			break
		}
		got = append(got, fmt.Sprintf("%s %o", h.Name, h.Mode))
	}
	want := []string{"etc/kubernetes/pki/ca.key 600", "var/lib/kubelet/pki/kubelet-client-current.pem 0", "etc/default/kubelet 644"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if _, err := packed(t.Context(), memorySet{data: in.Bytes()[:513]}, "x"); err == nil {
		t.Error("half an archive was taken for a whole one")
	}
}
