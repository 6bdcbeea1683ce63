package trim

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Annotations that are kept: a name that ends in a slash stands for all that begin with it.
var (
	podAnnotations = []string{"kanrin.dev/", corev1.MirrorPodAnnotationKey}
	// The scheduler, those who read what the volume controllers write, or Kanrin look at these.
	keptAnnotations = []string{
		"kanrin.dev/", "pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/",
		"storageclass.kubernetes.io/", "storage.alpha.kubernetes.io/",
	}
)

func keep(m map[string]string, names ...string) map[string]string {
	var out map[string]string
	for k, v := range m {
		for _, n := range names {
			if k == n || strings.HasSuffix(n, "/") && strings.HasPrefix(k, n) {
				if out == nil {
					out = map[string]string{}
				}
				out[k] = v
			}
		}
	}
	return out
}
