//go:build linux

package lab

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// initConfig is what kubeadm makes the cluster from.
func (l *Lab) initConfig(h Host, token, key string) string {
	return fmt.Sprintf(`apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens:
- token: %[1]s
  ttl: 30m
  usages: [signing, authentication]
  groups: [system:bootstrappers:kubeadm:default-node-token]
certificateKey: %[2]s
localAPIEndpoint:
  advertiseAddress: %[3]s
%[4]stimeouts:
  controlPlaneComponentHealthCheck: 5m
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: "%[5]s"
kubernetesVersion: %[6]s
controlPlaneEndpoint: %[7]s
networking:
  podSubnet: 10.244.0.0/16
  serviceSubnet: 10.96.0.0/16
apiServer:
  certSANs: [%[8]s]
controllerManager:
  extraArgs:
  # The network of the lab gives the pods their addresses.
  - {name: allocate-node-cidrs, value: "false"}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
# The disk is that of the outer machine, shared with all.
evictionHard: {memory.available: 50Mi, nodefs.available: 1%%, nodefs.inodesFree: 1%%, imagefs.available: 1%%}
imageGCHighThresholdPercent: 99
imageGCLowThresholdPercent: 98
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`, token, key, h.Address, registration(h), l.Name, l.Kubernetes, l.Endpoint(), l.Endpoint()[:strings.LastIndex(l.Endpoint(), ":")])
}

func registration(h Host) string {
	return fmt.Sprintf(`nodeRegistration:
  name: %s
  criSocket: unix:///run/containerd/containerd.sock
  imagePullPolicy: IfNotPresent
  ignorePreflightErrors: [all]
  kubeletExtraArgs:
  - {name: node-ip, value: %s}
`, h.Name, h.Address)
}

func (l *Lab) joinConfig(h Host, token, key string) string {
	var plane string
	if h.Role == RoleControlPlane {
		plane = fmt.Sprintf("controlPlane:\n  certificateKey: %s\n  localAPIEndpoint: {advertiseAddress: %s}\n", key, h.Address)
	}
	// The token is known to nobody but this lab, and the network is its own.
	return fmt.Sprintf(`apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken:
    apiServerEndpoint: %s
    token: %s
    unsafeSkipCAVerification: true
%s%stimeouts:
  controlPlaneComponentHealthCheck: 5m
  discovery: 5m
`, l.Endpoint(), token, plane, registration(h))
}

// kubeadm runs it on the host with a configuration that is gone afterwards, because it holds secrets.
func (l *Lab) kubeadm(ctx context.Context, h Host, config string, args ...string) error {
	file := l.hostDir(h, "up", "root", "kubeadm.yaml")
	if l.Running(h) {
		file = filepath.Join("/proc", fmt.Sprint(l.leader(h)), "root/root/kubeadm.yaml")
	}
	if err := writeFile(file, []byte(config), 0o600); err != nil {
		return err
	}
	line := append([]string{"kubeadm"}, args...)
	_, err := l.Enter(ctx, h, append(line, "--config=/root/kubeadm.yaml")...)
	if _, e := l.Enter(context.WithoutCancel(ctx), h, "rm", "-f", "/root/kubeadm.yaml"); err == nil {
		err = e
	}
	return err
}

func newToken() (token, key string) {
	var raw [11]byte
	var k [32]byte
	_, _ = rand.Read(raw[:])
	_, _ = rand.Read(k[:])
	t := hex.EncodeToString(raw[:])
	return t[:6] + "." + t[6:22], hex.EncodeToString(k[:])
}

// booted waits until the host's system runs and containerd answers.
func (l *Lab) booted(ctx context.Context, h Host) error {
	check := []string{"systemctl", "is-active", "--quiet", "ssh.service", "systemd-networkd.service"}
	if h.Role == RoleControlPlane || h.Role == RoleWorker {
		check = append(check, "containerd.service")
	}
	for {
		_, err := l.Enter(ctx, h, check...)
		if err == nil {
			return nil
		}
		if l.nspawn(h) == 0 {
			return fmt.Errorf("%s has stopped while it booted; see %s", h.Name, l.hostDir(h, "console.log"))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not boot: %w: %w", h.Name, ctx.Err(), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
