package nodes

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/etcd"
)

// goodAdd are the facts of a host that nothing is to be said of.
func goodAdd() (*AddFacts, AddOptions) {
	return &AddFacts{
		Cluster: "lab", Host: "w9", Node: "w9", Address: "10.0.0.9", Hostname: "w9", Runtime: "containerd://2.2.1",
		Kubelet: "v1.36.3", Kubeadm: "v1.36.3", Version: "v1.36.3", Endpoint: "api:6443", Stable: true, Kubeadmed: true,
		CAHashes: []string{"sha256:00"}, Nodes: []string{"c1", "w1"}, ControlPlanes: []string{"c1"}, HostsOf: map[string]string{}, Via: []string{"c1"},
		Etcd: etcdOf("up", "up"),
		Preflight: &Preflight{
			Systemd: true, IPForward: true, BrNetfilter: true, Overlay: true, Programs: []string{"kubelet", "kubeadm", "containerd"},
			Addresses: []string{"10.0.0.9"}, Endpoint: "yes", DiskBytes: 10 << 30, Packages: map[string]string{},
		},
	}, AddOptions{
		Host: "w9", Role: v1alpha1.RoleWorker, Ignore: map[string]bool{}, Labels: map[string]string{},
	}
}

// found renders findings as "severity Code …".
func found(list []v1alpha1.Finding) string {
	var out []string
	for _, f := range list {
		if f.Message == "" || strings.HasPrefix(f.Message, "finding.") || strings.Contains(f.Message, "{") {
			out = append(out, "NOTEXT("+f.Message+")")
		}
		s := string(f.Severity) + " " + f.Code
		if len(f.Ways) > 0 {
			s += " " + f.Ways[0].Flag
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func TestCheckAdd(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*AddFacts, *AddOptions)
		want   string
	}{
		{"nothing to say", func(*AddFacts, *AddOptions) {}, ""},
		{"unreachable", func(f *AddFacts, _ *AddOptions) { f.Unreachable, f.Preflight = "no answer", nil }, "blocker HostUnusable"},
		{"clock", func(f *AddFacts, _ *AddOptions) { f.ClockOffset = -700 }, "blocker PreflightClock --ignore-preflight Clock"},
		{"clock within its error", func(f *AddFacts, _ *AddOptions) { f.ClockOffset, f.ClockError = 520, 40 }, ""},
		{"clock accepted", func(f *AddFacts, o *AddOptions) { f.ClockOffset, o.Ignore["Clock"] = 700, true }, "warning PreflightClock"},
		{"swap", func(f *AddFacts, _ *AddOptions) { f.Swap = true }, "blocker PreflightSwap --ignore-preflight Swap"},
		{"all accepted", func(f *AddFacts, o *AddOptions) { f.Swap, o.Ignore["all"] = true, true }, "warning PreflightSwap"},
		{"disk", func(f *AddFacts, _ *AddOptions) { f.Preflight.DiskBytes = 1 << 30 }, "blocker PreflightDisk --ignore-preflight Disk"},
		{"disk for the bundle", func(f *AddFacts, _ *AddOptions) { f.BundleBytes = 5 << 30 }, "blocker PreflightDisk --ignore-preflight Disk"},
		{"port", func(f *AddFacts, _ *AddOptions) { f.Preflight.Ports = []int{6443, 10250} }, "blocker PreflightPort --ignore-preflight Port-10250"},
		{"leftovers are not accepted", func(f *AddFacts, o *AddOptions) { f.Preflight.Leftovers, o.Ignore["all"] = []string{"/x"}, true }, "blocker PreflightLeftovers"},
		{"name", func(f *AddFacts, _ *AddOptions) { f.Node = "w1" }, "blocker NodeExists, info HostnameDiffers"},
		{"name of another host", func(f *AddFacts, _ *AddOptions) { f.HostsOf["w9"] = "w8" }, "blocker NodeNameTaken"},
		{"name that is none", func(f *AddFacts, _ *AddOptions) { f.Node = "W_9" }, "blocker NodeNameInvalid, info HostnameDiffers"},
		{"not kubeadm", func(f *AddFacts, _ *AddOptions) { f.Kubeadmed = false }, "blocker NotKubeadm"},
		{"no endpoint reached", func(f *AddFacts, _ *AddOptions) { f.Preflight.Endpoint = "no" }, "blocker PreflightEndpoint --ignore-preflight Endpoint"},
		{
			"no kubelet", func(f *AddFacts, _ *AddOptions) {
				f.Preflight.Programs, f.Kubelet, f.Kubeadm, f.Runtime = nil, "", "", ""
			},
			"blocker ProgramMissing, blocker ProgramMissing, blocker ProgramMissing",
		},
		{"the bundle brings them", func(f *AddFacts, o *AddOptions) {
			f.Preflight.Programs, f.Kubelet, f.Kubeadm, f.Runtime = nil, "", "", ""
			o.Bundle, f.BundleKube, f.Brings = "b", "v1.36.3", []string{"kubelet", "kubeadm", "containerd"}
		}, ""},
		{"the package manager brings them", func(f *AddFacts, _ *AddOptions) {
			f.Preflight.Programs, f.Kubelet, f.Kubeadm, f.Runtime = nil, "", "", ""
			f.Preflight.Packages = map[string]string{"kubelet": "1.36.1-1.1", "kubeadm": "1.36.1-1.1", "containerd": "1.7"}
		}, ""},
		{"bundle is broken", func(f *AddFacts, o *AddOptions) { o.Bundle, f.BundleError = "b", "x" }, "blocker BundleUnusable"},
		{"kubelet newer", func(f *AddFacts, _ *AddOptions) { f.Kubelet = "v1.37.0" }, "blocker SkewNewer"},
		{"kubelet three behind", func(f *AddFacts, _ *AddOptions) { f.Kubelet = "v1.33.9" }, "warning SkewBehind"},
		{"kubelet four behind", func(f *AddFacts, _ *AddOptions) { f.Kubelet = "v1.32.0" }, "blocker SkewOlder"},
		{"kubeadm behind", func(f *AddFacts, _ *AddOptions) { f.Kubeadm = "v1.34.0" }, "blocker SkewKubeadm"},
		{"labels and taints", func(_ *AddFacts, o *AddOptions) {
			o.Labels["a b"], o.Taints = "", []corev1.Taint{{Key: "x", Effect: "Never"}}
		}, "blocker LabelInvalid, blocker TaintInvalid"},
		{"control plane", func(_ *AddFacts, o *AddOptions) { o.Role = v1alpha1.RoleControlPlane }, "warning EvenControlPlanes"},
		{"control plane, third", func(f *AddFacts, o *AddOptions) {
			o.Role, f.ControlPlanes = v1alpha1.RoleControlPlane, []string{"c1", "c2"}
		}, ""},
		{"control plane of an older version", func(f *AddFacts, o *AddOptions) {
			o.Role, f.ControlPlanes, f.Kubelet = v1alpha1.RoleControlPlane, []string{"c1", "c2"}, "v1.35.0"
		}, "blocker SkewControlPlane"},
		{"control plane without an endpoint", func(f *AddFacts, o *AddOptions) {
			o.Role, f.ControlPlanes, f.Stable = v1alpha1.RoleControlPlane, []string{"c1", "c2"}, false
		}, "blocker NoEndpoint"},
		{"nobody to hand out certificates", func(f *AddFacts, o *AddOptions) {
			o.Role, f.ControlPlanes, f.Via = v1alpha1.RoleControlPlane, []string{"c1", "c2"}, nil
		}, "blocker NoControlPlaneHost"},
		{"etcd is not whole", func(f *AddFacts, o *AddOptions) {
			o.Role, f.ControlPlanes, f.Etcd = v1alpha1.RoleControlPlane, []string{"c1", "c2"}, etcdOf("up", "down")
		}, "blocker EtcdNotWhole"},
		{"a learner is there", func(f *AddFacts, o *AddOptions) {
			o.Role, f.ControlPlanes, f.Etcd = v1alpha1.RoleControlPlane, []string{"c1", "c2"}, etcdOf("up", "learner")
		}, "blocker EtcdLearner"},
		{"its own member is left from before", func(f *AddFacts, o *AddOptions) {
			o.Role, f.ControlPlanes, f.Etcd[1].Name = v1alpha1.RoleControlPlane, []string{"c1", "c2"}, "w9"
		}, "blocker EtcdMemberLeft"},
		{"port of a control plane", func(f *AddFacts, o *AddOptions) {
			o.Role, f.ControlPlanes, f.Preflight.Ports = v1alpha1.RoleControlPlane, []string{"c1", "c2"}, []int{2379}
		}, "blocker PreflightPort --ignore-preflight Port-2379"},
		{"no forwarding", func(f *AddFacts, _ *AddOptions) { f.Preflight.IPForward = false }, "info PreflightForward"},
	} {
		f, o := goodAdd()
		c.change(f, &o)
		if got := found(CheckAdd(f, o)); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestComposeAdd(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*AddFacts, *AddOptions)
		want   string
		taints string
	}{
		{"worker", func(*AddFacts, *AddOptions) {}, "prepare join mark ready register", ""},
		{"with a bundle", func(_ *AddFacts, o *AddOptions) { o.Bundle = "b" }, "install prepare join mark ready register", ""},
		{"from packages", func(f *AddFacts, _ *AddOptions) {
			f.Preflight.Programs, f.Preflight.Packages = nil, map[string]string{"kubelet": "1"}
		}, "install prepare join mark ready register", ""},
		{
			"control plane", func(_ *AddFacts, o *AddOptions) { o.Role = v1alpha1.RoleControlPlane },
			"prepare join mark ready voter register", "node-role.kubernetes.io/control-plane:NoSchedule",
		},
		{
			"scanner", func(_ *AddFacts, o *AddOptions) { o.Role = v1alpha1.RoleScanner },
			"prepare join mark ready register", "node-role.kubernetes.io/scanner:NoSchedule",
		},
		{"control plane with its taint said", func(_ *AddFacts, o *AddOptions) {
			o.Role, o.Taints = v1alpha1.RoleControlPlane, []corev1.Taint{{Key: labelControlPlane, Effect: "PreferNoSchedule"}}
		}, "prepare join mark ready voter register", "node-role.kubernetes.io/control-plane:PreferNoSchedule"},
	} {
		f, o := goodAdd()
		c.change(f, &o)
		d, err := ComposeAdd(f, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := ids(d.Plan.Steps); got != c.want {
			t.Errorf("%s: steps %s, want %s", c.name, got, c.want)
		}
		var taints []string
		for _, x := range argsOf(f, o).Taints {
			taints = append(taints, x.ToString())
		}
		if got := strings.Join(taints, " "); got != c.taints {
			t.Errorf("%s: taints %s, want %s", c.name, got, c.taints)
		}
	}
}

func ids(list []v1alpha1.Step) string {
	var out []string
	for _, s := range list {
		out = append(out, s.ID)
		if strings.Contains(s.Title, "{") || strings.HasPrefix(s.Title, "step.") {
			out = append(out, "NOTEXT("+s.Title+")")
		}
	}
	return strings.Join(out, " ")
}

// Nothing secret gets into a plan: the token and the key are made when the step runs.
func TestJoinConfig(t *testing.T) {
	f, o := goodAdd()
	o.Role = v1alpha1.RoleControlPlane
	a := argsOf(f, o)
	for version, want := range map[string]string{"v1.36.3": "kubeadm.k8s.io/v1beta4", "v1.30.1": "kubeadm.k8s.io/v1beta3"} {
		conf, err := joinConfig(a, version, "abcdef.0123456789abcdef", "00ff", "uid")
		if err != nil || !strings.Contains(string(conf), want) || !strings.Contains(string(conf), "certificateKey: 00ff") {
			t.Errorf("%s: %v\n%s", version, err, conf)
		}
	}
	if _, err := joinConfig(a, "unknown", "t", "k", "uid"); err == nil {
		t.Error("a version that is none was taken")
	}
	id, secret, err := newToken()
	if err != nil || len(id) != 6 || len(secret) != 16 || strings.Trim(id+secret, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		t.Errorf("token %q %q %v", id, secret, err)
	}
}

func TestParsePreflight(t *testing.T) {
	p, err := parsePreflight([]byte("systemd=yes\ncgroup=cgroup2fs\nipforward=1\ndisk=4194304\nport=280A\nport=0016\nport=280A\nleftover=/etc/kubernetes/kubelet.conf\n" +
		"program=kubelet\napt.kubeadm=1.36.1-1.1\naddress=10.0.0.9\nendpoint=yes\nnoise\nend=\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !p.Systemd || !p.CgroupV2 || !p.IPForward || p.DiskBytes != 4<<30 || !slices.Equal(p.Ports, []int{10250}) || !p.has("kubelet") ||
		p.Packages["kubeadm"] != "1.36.1-1.1" || len(p.Leftovers) != 1 || p.Endpoint != "yes" {
		t.Errorf("%+v", p)
	}
	if _, err := parsePreflight([]byte("systemd=yes\n")); err == nil {
		t.Error("half an answer was taken for a whole one")
	}
}

func FuzzParsePreflight(f *testing.F) {
	f.Add([]byte("systemd=yes\nport=280A\nend=\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parsePreflight(data)
		if err == nil && p.DiskBytes < -1 {
			t.Errorf("disk %d", p.DiskBytes)
		}
	})
}

// etcdOf makes members c1, c2 …
func etcdOf(spec ...string) []etcd.Member {
	var out []etcd.Member
	for i, s := range spec {
		m := etcd.Member{ID: string(rune('a' + i)), Name: "c" + string(rune('1'+i)), Started: true, Healthy: true}
		switch s {
		case "down":
			m.Healthy = false
		case "learner":
			m.Learner = true
		case "never":
			m.Name, m.Started, m.Healthy = "", false, false
		}
		out = append(out, m)
	}
	return out
}
