package hosts

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/resource"

	"kanrin.dev/kanrin/api/v1alpha1"
)

const node = `os="Ubuntu 24.04.2 LTS"
uname=cp1 6.8.0-60-generic x86_64
boot=5f0c7c1e-7a7c-4d8e-8f5e-b1c0a4f2c111
init=12
ticks=100
btime=1760000000
cpus=8
memory=16384256 kB
swaps=0
kubelet=Kubernetes v1.36.3
kubeadm=v1.36.3
containerd=containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7193e4e490e9fbdc236c0e811ccaba3376
Id=kubelet.service
LoadState=loaded
ActiveState=active

Id=containerd.service
LoadState=loaded
ActiveState=active

Id=crio.service
LoadState=not-found
ActiveState=inactive
etcd=yes
disk./=/dev/mapper/vg 0-root 102626232 23456789 73912345 25% /
disk./var/lib/etcd=/dev/sdb1 20511312 1024 19443056 1% /var/lib/etcd
ready=
clock=1760000123456789012
`

func TestParseFacts(t *testing.T) {
	f := parseFacts([]byte(node))
	if f.OS != "Ubuntu 24.04.2 LTS" || f.Kubelet != "v1.36.3" || f.Kubeadm != "v1.36.3" || f.Runtime != "containerd://2.1.4" ||
		f.KubeletState != "active" || f.RuntimeState != "active" || !f.EtcdMember || f.Swap || f.CPUs != 8 || f.Hostname != "cp1" {
		t.Errorf("facts %+v", f)
	}
	if want := resource.MustParse("16384256Ki"); f.Memory.Cmp(want) != 0 {
		t.Errorf("memory %s", f.Memory.String())
	}
	if len(f.Disks) != 2 || f.Disks[0].Bytes != 102626232*1024 || f.Disks[0].Available != 73912345*1024 || f.Disks[1].Path != "/var/lib/etcd" {
		t.Errorf("disks %+v", f.Disks)
	}
	if f.BootedAt.Unix() != 1760000000 || len(f.BootID) != 32 {
		t.Errorf("boot %s at %s", f.BootID, f.BootedAt)
	}
	// A container that was started again on the same machine has booted.
	later := parseFacts([]byte(strings.Replace(node, "init=12", "init=987654", 1)))
	if later.BootID == f.BootID || later.BootedAt.Unix() != 1760000000+9876 {
		t.Errorf("second boot %s at %s", later.BootID, later.BootedAt)
	}
}

func TestParseRuntime(t *testing.T) {
	both := strings.Replace(node, "Id=crio.service\nLoadState=not-found", "crio=crio version 1.34.1\nId=crio.service\nLoadState=loaded", 1)
	other := strings.NewReplacer("Id=crio", "Id=containerd", "Id=containerd", "Id=crio").Replace(both)
	for name, c := range map[string]struct{ text, runtime, state string }{
		"containerd, and remains of CRI-O": {both, "containerd://2.1.4", "active"},
		"CRI-O, and remains of containerd": {other, "cri-o://1.34.1", "active"},
		"none":                             {"os=x\n", "", ""},
	} {
		if f := parseFacts([]byte(c.text)); f.Runtime != c.runtime || f.RuntimeState != c.state {
			t.Errorf("%s: %s %s", name, f.Runtime, f.RuntimeState)
		}
	}
}

func TestCompareClocks(t *testing.T) {
	sent := time.Unix(1760000000, 0)
	got := sent.Add(20 * time.Millisecond)
	for value, want := range map[string]exchange{
		"1760000000010000000": {0, 10 * time.Millisecond},
		"1760000005010000000": {5 * time.Second, 10 * time.Millisecond},
		"1759999999010000000": {-time.Second, 10 * time.Millisecond},
		"1760000000%N":        {490 * time.Millisecond, 510 * time.Millisecond},
		"1760000000":          {490 * time.Millisecond, 510 * time.Millisecond},
	} {
		if x, ok := compareClocks(sent, got, value); !ok || x != want {
			t.Errorf("%s: %v, want %v", value, x, want)
		}
	}
	for _, bad := range []string{"", "x", "-5", "0", "99999999999999999999999"} {
		if x, ok := compareClocks(sent, got, bad); ok {
			t.Errorf("%q gives %v", bad, x)
		}
	}
}

func FuzzParseFacts(f *testing.F) {
	f.Add([]byte(node))
	f.Add([]byte("disk./=a b% c%\ndisk.=\nclock=9\n=\n\xff=\xff\nmemory=-1 kB\nswaps=9999999999999999999999"))
	f.Fuzz(func(t *testing.T, data []byte) {
		facts := parseFacts(data)
		if len(facts.Disks) > 32 {
			t.Errorf("%d disks", len(facts.Disks))
		}
		for _, s := range []string{facts.OS, facts.Kernel, facts.Arch, facts.Hostname, facts.Runtime, facts.Kubelet, facts.Kubeadm, facts.KubeletState} {
			if len(s) > maxFact+20 || !utf8.ValidString(s) || strings.ContainsAny(s, "\n\x1b") {
				t.Errorf("value %q", s)
			}
		}
		text, err := json.Marshal(facts)
		if err != nil {
			t.Fatal(err)
		}
		var back v1alpha1.HostFacts
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
	})
}

// The script is read by every shell that is /bin/sh somewhere.
func TestFactsScriptIsPOSIX(t *testing.T) {
	data, err := os.ReadFile("facts.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, bashism := range []string{"[[", "local ", "function ", "<<<", "$'", "&>"} {
		if strings.Contains(string(data), bashism) {
			t.Errorf("the script uses %q", bashism)
		}
	}
}
