package main

import (
	"encoding/json"
	"os"

	"k8s.io/component-base/version"

	etcdversion "go.etcd.io/etcd/api/v3/version"
	"sigs.k8s.io/kwok/pkg/consts"
)

// runVersion prints the versions of the upstream programs inside.
func runVersion() int {
	v := struct {
		Kubernetes string `json:"kubernetes"`
		Etcd       string `json:"etcd"`
		Kwok       string `json:"kwok"`
	}{version.Get().GitVersion, etcdversion.Version, "v" + consts.Version}
	if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
		return 1
	}
	return 0
}
