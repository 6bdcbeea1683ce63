package fleet_test

import (
	"fmt"
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/internal/controlplane/controlplanetest"
	"kanrin.dev/kanrin/internal/fleet"
)

// api is the one API of this package's tests: the management API, and the managed cluster too where that does not matter.
var api *controlplanetest.API

func TestMain(m *testing.M) {
	os.Exit(controlplanetest.Main(m, &api))
}

// has returns a check that the named pod is or is not in the cache.
func has(conn *fleet.Connection, namespace, name string, want bool) func() error {
	return func() error {
		if _, ok := conn.Pods().Get(namespace, name); ok != want {
			return fmt.Errorf("pod %s/%s in the cache: %v, want %v", namespace, name, ok, want)
		}
		return nil
	}
}

func podOf(namespace, name, node string) *corev1.Pod {
	p := &corev1.Pod{}
	p.Namespace, p.Name = namespace, name
	p.Spec.NodeName = node
	p.Spec.Containers = []corev1.Container{{Name: "main", Image: "registry.example/app:1"}}
	return p
}

var (
	getOptions  metav1.GetOptions
	listOptions metav1.ListOptions

	createOptions metav1.CreateOptions
	deleteNow     = metav1.DeleteOptions{GracePeriodSeconds: new(int64)}
)
