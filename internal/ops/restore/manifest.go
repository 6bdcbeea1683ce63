package restore

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// Static pods of a control plane that matter, as kubeadm names them.
const (
	podEtcd       = "etcd"
	podAPIServer  = "kube-apiserver"
	podController = "kube-controller-manager"
	podScheduler  = "kube-scheduler"
)

const maxManifest = 1 << 20

// staticPod is what a manifest says of its first container.
type staticPod struct {
	args []string // the command line, as the process has it
	tag  string   // of the image
}

func parseStaticPod(raw []byte) (*staticPod, error) {
	var pod corev1.Pod
	if len(raw) > maxManifest {
		return nil, errors.New("the manifest is too large")
	}
	if err := yaml.Unmarshal(raw, &pod); err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	if pod.Kind != "Pod" || len(pod.Spec.Containers) == 0 {
		return nil, errors.New("reading the manifest: it describes no pod")
	}
	c := pod.Spec.Containers[0]
	p := &staticPod{args: append(slices.Clone(c.Command), c.Args...)}
	if _, tag, ok := strings.Cut(path.Base(c.Image), ":"); ok {
		p.tag, _, _ = strings.Cut(tag, "@")
	}
	return p, nil
}

// flag is the value of a flag; the last one counts.
func (p *staticPod) flag(name string) string {
	value := ""
	for i, a := range p.args {
		if v, ok := strings.CutPrefix(a, "--"+name+"="); ok {
			value = v
		} else if a == "--"+name && i+1 < len(p.args) {
			value = p.args[i+1]
		}
	}
	return value
}

// ports that the process listens on.
func (p *staticPod) ports(component string) []int {
	port := func(flag string, otherwise int) []int {
		if n, err := strconv.Atoi(p.flag(flag)); err == nil {
			return []int{n}
		}
		return []int{otherwise}
	}
	switch component {
	case podAPIServer:
		return port("secure-port", 6443)
	case podController:
		return port("secure-port", 10257)
	case podScheduler:
		return port("secure-port", 10259)
	}
	var out []int
	for _, f := range []string{"listen-client-urls", "listen-peer-urls"} {
		for _, u := range strings.Split(p.flag(f), ",") {
			if parsed, err := url.Parse(u); err == nil {
				if n, err := strconv.Atoi(parsed.Port()); err == nil && !slices.Contains(out, n) {
					out = append(out, n)
				}
			}
		}
	}
	return out
}

// version is 3.6.6 of a tag 3.6.6-0, v1.36.3 of a tag v1.36.3.
func (p *staticPod) version() string {
	v, _, _ := strings.Cut(p.tag, "-")
	return v
}

var (
	clusterLine = regexp.MustCompile(`(?m)^(\s*-\s*)--initial-cluster=.*$`)
	stateLine   = regexp.MustCompile(`(?m)^\s*-\s*--initial-cluster-state=.*\n?`)
)

// joinManifest is the manifest of a member that joins an existing cluster, as kubeadm join writes it: all members, state existing.
// Everything else stays as it is, to the byte.
func joinManifest(raw []byte, cluster string) ([]byte, error) {
	if n := len(clusterLine.FindAll(raw, -1)); n != 1 {
		return nil, fmt.Errorf("the manifest of etcd has --initial-cluster %d times", n)
	}
	out := stateLine.ReplaceAll(raw, nil)
	out = clusterLine.ReplaceAll(out, []byte("${1}--initial-cluster="+strings.ReplaceAll(cluster, "$", "$$")+"\n${1}--initial-cluster-state=existing"))
	p, err := parseStaticPod(out)
	if err != nil {
		return nil, err
	}
	if p.flag("initial-cluster") != cluster || p.flag("initial-cluster-state") != "existing" {
		return nil, errors.New("the manifest of etcd could not be changed")
	}
	return out, nil
}

// minor is major and minor of 3.6.8, v1.36.3, 3.6.
type minor struct{ major, minor int }

func parseMinor(s string) (minor, bool) {
	parts := strings.SplitN(strings.TrimPrefix(s, "v"), ".", 3)
	if len(parts) < 2 {
		return minor{}, false
	}
	a, err1 := strconv.Atoi(parts[0])
	b, err2 := strconv.Atoi(parts[1])
	return minor{a, b}, err1 == nil && err2 == nil && a > 0 && b >= 0
}

func (m minor) less(o minor) bool {
	return m.major < o.major || m.major == o.major && m.minor < o.minor
}

func (m minor) String() string { return fmt.Sprintf("%d.%d", m.major, m.minor) }
