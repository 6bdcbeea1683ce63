package nodes

import (
	"fmt"

	"sigs.k8s.io/yaml"
)

// joinConfig renders kubeadm's JoinConfiguration. It holds the token and the key: it goes to a file that root alone reads.
func joinConfig(a addArgs, kubeadm, token, certificateKey, operation string) ([]byte, error) {
	v, ok := parseVersion(kubeadm)
	if !ok {
		return nil, fmt.Errorf("%q is not a version of kubeadm", kubeadm)
	}
	beta4 := v.major > 1 || v.minor >= 31
	taints := make([]map[string]any, 0, len(a.Taints))
	for _, t := range a.Taints {
		taints = append(taints, map[string]any{"key": t.Key, "value": t.Value, "effect": string(t.Effect)})
	}
	registration := map[string]any{"name": a.Node, "criSocket": a.Socket, "taints": taints}
	labels := labelOperation + "=" + operation
	if beta4 {
		registration["kubeletExtraArgs"] = []map[string]any{{"name": "node-labels", "value": labels}}
	} else {
		registration["kubeletExtraArgs"] = map[string]any{"node-labels": labels}
	}
	if len(a.Ignore) > 0 {
		registration["ignorePreflightErrors"] = a.Ignore
	}
	doc := map[string]any{
		"apiVersion": configVersion(beta4), "kind": "JoinConfiguration", "nodeRegistration": registration,
		"discovery": map[string]any{"bootstrapToken": map[string]any{"apiServerEndpoint": a.Endpoint, "token": token, "caCertHashes": a.CAHashes}},
	}
	if a.ControlPlane {
		cp := map[string]any{"certificateKey": certificateKey}
		if a.Advertise != "" {
			cp["localAPIEndpoint"] = map[string]any{"advertiseAddress": a.Advertise, "bindPort": 6443}
		}
		doc["controlPlane"] = cp
	}
	if beta4 {
		doc["timeouts"] = map[string]any{"discovery": "2m0s", "tlsBootstrap": "5m0s", "kubeletHealthCheck": "5m0s", "controlPlaneComponentHealthCheck": "8m0s"}
	}
	return yaml.Marshal(doc)
}

func configVersion(beta4 bool) string {
	if beta4 {
		return "kubeadm.k8s.io/v1beta4"
	}
	return "kubeadm.k8s.io/v1beta3"
}

// uploadConfig renders what kubeadm init phase upload-certs needs: the key, and the cluster's own configuration, without which it would ask
// the internet for a version.
func uploadConfig(kubeadm, advertise, socket, certificateKey, cluster string) ([]byte, error) {
	v, ok := parseVersion(kubeadm)
	if !ok {
		return nil, fmt.Errorf("%q is not a version of kubeadm", kubeadm)
	}
	beta4 := v.major > 1 || v.minor >= 31
	doc := map[string]any{
		"apiVersion": configVersion(beta4), "kind": "InitConfiguration", "certificateKey": certificateKey,
		"nodeRegistration": map[string]any{"criSocket": socket},
	}
	if advertise != "" {
		doc["localAPIEndpoint"] = map[string]any{"advertiseAddress": advertise, "bindPort": 6443}
	}
	out, err := yaml.Marshal(doc)
	if err != nil {
		return nil, err
	}
	return append(append(out, "---\n"...), cluster...), nil
}
