package power

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"kanrin.dev/kanrin/internal/fleet"
)

var errKind = errors.New("only Deployments and StatefulSets can be scaled")

// markScaledBy and markReplicas on a workload say who scaled it to zero, and what it had.
const (
	markScaledBy = "kanrin.dev/scaled-by"
	markReplicas = "kanrin.dev/replicas-before"
)

// parts of a key Kind/namespace/name.
func parts(key string) (kind, namespace, name string) {
	p := strings.SplitN(key, "/", 3)
	for len(p) < 3 {
		p = append(p, "")
	}
	return p[0], p[1], p[2]
}

type scaled struct {
	version  string
	replicas int32
	ready    int32
	exist    int32
	by       string
}

// workload reads a workload itself, not the cache.
func workload(ctx context.Context, c *fleet.Connection, key string) (scaled, error) {
	kind, ns, name := parts(key)
	switch kind {
	case "Deployment":
		d, err := c.Client.AppsV1().Deployments(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return scaled{}, err
		}
		return scaled{d.ResourceVersion, ptr.Deref(d.Spec.Replicas, 1), d.Status.ReadyReplicas, d.Status.Replicas, d.Annotations[markScaledBy]}, nil
	case "StatefulSet":
		d, err := c.Client.AppsV1().StatefulSets(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return scaled{}, err
		}
		return scaled{d.ResourceVersion, ptr.Deref(d.Spec.Replicas, 1), d.Status.ReadyReplicas, d.Status.Replicas, d.Annotations[markScaledBy]}, nil
	}
	return scaled{}, errKind
}

func replicas(ctx context.Context, c *fleet.Connection, key string) (int32, error) {
	w, err := workload(ctx, c, key)
	return w.replicas, err
}

// scale sets replicas and marks in one conditional write. by empty removes the marks.
func scale(ctx context.Context, c *fleet.Connection, key string, w scaled, to int32, by string) error {
	marks := map[string]any{markScaledBy: nil, markReplicas: nil}
	if by != "" {
		marks = map[string]any{markScaledBy: by, markReplicas: fmt.Sprint(w.replicas)}
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": w.version, "annotations": marks}, "spec": map[string]any{"replicas": to},
	})
	if err != nil {
		return err
	}
	kind, ns, name := parts(key)
	o := metav1.PatchOptions{FieldManager: "kanrin"}
	if kind == "Deployment" {
		_, err = c.Client.AppsV1().Deployments(ns).Patch(ctx, name, types.MergePatchType, patch, o)
	} else {
		_, err = c.Client.AppsV1().StatefulSets(ns).Patch(ctx, name, types.MergePatchType, patch, o)
	}
	return err
}
