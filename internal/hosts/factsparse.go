package hosts

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
)

const maxFact = 200 // bytes of one value

// parseFacts reads the output of facts.sh. It takes what it can use: a machine's words are never an error.
func parseFacts(data []byte) *v1alpha1.HostFacts {
	values := map[string]string{}
	f := &v1alpha1.HostFacts{}
	unit := "" // systemctl show: Id first, then the properties of that unit
	for _, line := range lines(data) {
		key, value, _ := strings.Cut(line, "=")
		switch key {
		case "Id":
			unit = strings.TrimSuffix(value, ".service")
			continue
		case "LoadState", "ActiveState":
			key = "unit." + unit + "." + key
		}
		if path, ok := strings.CutPrefix(key, "disk."); ok {
			if d, ok := parseDisk(path, value); ok && len(f.Disks) < 32 {
				f.Disks = append(f.Disks, d)
			}
			continue
		}
		if _, twice := values[key]; !twice && len(values) < 100 {
			values[key] = clip(value)
		}
	}
	f.OS = clip(unquote(values["os"]))
	if u := strings.Fields(values["uname"]); len(u) == 3 {
		f.Hostname, f.Kernel, f.Arch = u[0], u[1], u[2]
	}
	f.BootID, f.BootedAt = parseBoot(values)
	f.CPUs = int32(number(values["cpus"], 1<<16))
	f.Memory = *resource.NewQuantity(number(strings.TrimSuffix(values["memory"], " kB"), 1<<40)*1024, resource.BinarySI)
	f.Swap = number(values["swaps"], 1000) > 0
	f.Kubelet = version(values["kubelet"])
	f.Kubeadm = version(values["kubeadm"])
	f.KubeletState = unitState(values, "kubelet")
	f.EtcdMember = values["etcd"] == "yes"
	f.Runtime, f.RuntimeState = parseRuntime(values)
	return f
}

// parseRuntime prefers the runtime that runs, for a machine may have remains of another.
func parseRuntime(values map[string]string) (runtime, state string) {
	for _, r := range []struct{ key, scheme string }{{"containerd", "containerd://"}, {"crio", "cri-o://"}} {
		v, s := strings.TrimPrefix(version(values[r.key]), "v"), unitState(values, r.key)
		if v == "" || runtime != "" && s != "active" {
			continue
		}
		if runtime == "" || state != "active" {
			runtime, state = r.scheme+v, s
		}
	}
	return runtime, state
}

// unitState is empty when there is no such unit.
func unitState(values map[string]string, unit string) string {
	if load := values["unit."+unit+".LoadState"]; load == "" || load == "not-found" {
		return ""
	}
	return values["unit."+unit+".ActiveState"]
}

// parseBoot makes an identity of the boot out of the kernel's and the start of process 1.
func parseBoot(values map[string]string) (string, *metav1.Time) {
	boot, init := values["boot"], values["init"]
	if boot == "" {
		return "", nil
	}
	sum := sha256.Sum256([]byte(boot + " " + init))
	var at *metav1.Time
	if btime := number(values["btime"], 1<<40); btime > 0 {
		ticks := number(values["ticks"], 1<<20)
		if ticks == 0 {
			ticks = 100
		}
		t := metav1.Unix(btime+number(init, 1<<50)/ticks, 0)
		at = &t
	}
	return hex.EncodeToString(sum[:16]), at
}

// parseDisk reads a line of df -Pk: file system, blocks of 1024 bytes, used, available, capacity, mount point. Names may hold spaces,
// so that it is read around the percentage.
func parseDisk(path, line string) (v1alpha1.HostDisk, bool) {
	fields := strings.Fields(line)
	for i := len(fields) - 1; i >= 4; i-- {
		if !strings.HasSuffix(fields[i], "%") {
			continue
		}
		blocks, available := number(fields[i-3], 1<<50), number(fields[i-1], 1<<50)
		if blocks == 0 || !strings.HasPrefix(path, "/") {
			return v1alpha1.HostDisk{}, false
		}
		return v1alpha1.HostDisk{Path: clip(path), Bytes: blocks * 1024, Available: available * 1024}, true
	}
	return v1alpha1.HostDisk{}, false
}

// version finds the first word that looks like one: "Kubernetes v1.36.3" gives v1.36.3, "containerd github.com/… 1.7.2 …" 1.7.2.
func version(s string) string {
	for _, word := range strings.Fields(s) {
		w := strings.TrimPrefix(word, "v")
		if w != "" && w[0] >= '0' && w[0] <= '9' && strings.Contains(w, ".") {
			return strings.TrimRight(word, ",")
		}
	}
	return ""
}

// number reads a whole number from 0 to most; anything else is 0.
func number(s string, most int64) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n < 0 || n > most {
		return 0
	}
	return n
}

// parseClock reads seconds, or nanoseconds, since 1970, and how coarse they are.
func parseClock(s string) (t time.Time, precision time.Duration, ok bool) {
	s = strings.TrimSpace(s)
	s, coarse := strings.CutSuffix(s, "%N")
	if !coarse {
		s, coarse = strings.CutSuffix(s, "N")
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil || n <= 0:
		return time.Time{}, 0, false
	case coarse || len(s) < 12:
		if n > math.MaxInt64/int64(time.Second) {
			return time.Time{}, 0, false
		}
		return time.Unix(n, 0), time.Second, true
	}
	return time.Unix(0, n), 0, true
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// clip makes a value fit for a status: printable, and not long.
func clip(s string) string {
	s = strings.TrimSpace(printable(s))
	if len(s) > maxFact {
		s = strings.ToValidUTF8(s[:maxFact], "")
	}
	return s
}
