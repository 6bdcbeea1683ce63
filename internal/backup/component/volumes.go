package component

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/object"
)

var volumeSnapshots = schema.GroupVersionResource{Group: "snapshot.storage.k8s.io", Version: "v1", Resource: "volumesnapshots"}

// LabelSet on a VolumeSnapshot names the set that it belongs to.
const LabelSet = "kanrin.dev/backup"

// volumeSnapshots asks the CSI drivers for a snapshot of every bound claim and waits until each can be used. The data stays with the
// storage; the set holds the manifests of the snapshots and of their contents. A claim whose driver offers none is missing.
func (e Env) volumeSnapshots(ctx context.Context, c v1alpha1.BackupComponent, w Writer) (*Record, error) {
	if e.Connection == nil {
		return nil, absent("ClusterSilent", e.Cluster.Name, nil)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout(c))
	defer cancel()
	config := rest.CopyConfig(e.Connection.Config)
	config.ContentConfig = rest.ContentConfig{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("preparing to take snapshots of volumes: %w", err)
	}
	claims, err := e.claims(ctx, c.Namespaces)
	if err != nil {
		return nil, absent("ClusterSilent", e.Cluster.Name, err)
	}
	r := &Record{From: e.Cluster.Name}
	served := true
	if _, err := client.Resource(volumeSnapshots).List(ctx, metav1.ListOptions{Limit: 1}); apierrors.IsNotFound(err) {
		served = false
	} else if err != nil {
		return nil, absent("ClusterSilent", e.Cluster.Name, err)
	}
	if !served {
		for _, claim := range claims {
			r.Missing = append(r.Missing, missing("NoVolumeSnapshots", claim.Namespace+"/"+claim.Name, nil))
		}
		if len(claims) > 0 {
			return nil, &AbsentError{r.Missing[0]}
		}
		return r, nil
	}
	for _, claim := range claims {
		s, err := e.snapshotOf(ctx, client, claim)
		if err != nil {
			if errors.Is(context.Cause(ctx), context.Canceled) {
				return nil, context.Cause(ctx)
			}
			r.Missing = append(r.Missing, missing("VolumeSnapshotFailed", claim.Namespace+"/"+claim.Name, err))
			continue
		}
		data, err := object.YAML(s)
		if err != nil {
			return nil, err
		}
		if _, err := w.File(claim.Namespace+"/"+claim.Name+".yaml", stamp(0o600), bytes.NewReader(data)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (e Env) claims(ctx context.Context, namespaces []string) ([]corev1.PersistentVolumeClaim, error) {
	list, err := e.Connection.Client.CoreV1().PersistentVolumeClaims("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	out := slices.DeleteFunc(list.Items, func(p corev1.PersistentVolumeClaim) bool {
		return p.Status.Phase != corev1.ClaimBound || len(namespaces) > 0 && !slices.Contains(namespaces, p.Namespace)
	})
	slices.SortFunc(out, func(a, b corev1.PersistentVolumeClaim) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return out, nil
}

// snapshotOf makes the snapshot of a claim, or finds the one that an interrupted run of the same set has made, and waits for it.
func (e Env) snapshotOf(ctx context.Context, client dynamic.Interface, claim corev1.PersistentVolumeClaim) (*unstructured.Unstructured, error) {
	at := client.Resource(volumeSnapshots).Namespace(claim.Namespace)
	name := claim.Name + "-" + e.Set
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": volumeSnapshots.GroupVersion().String(), "kind": "VolumeSnapshot",
		"metadata": map[string]any{"name": name, "labels": map[string]any{LabelSet: e.Set}},
		"spec":     map[string]any{"source": map[string]any{"persistentVolumeClaimName": claim.Name}},
	}}
	if e.Guard != nil {
		if err := e.Guard(); err != nil {
			return nil, err
		}
	}
	if _, err := at.Create(ctx, u, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return nil, err
	}
	for {
		s, err := at.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		if ready, _, _ := unstructured.NestedBool(s.Object, "status", "readyToUse"); ready {
			return s, nil
		}
		if why, found, _ := unstructured.NestedString(s.Object, "status", "error", "message"); found && why != "" {
			return nil, errors.New(why)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for snapshot %s: %w", name, context.Cause(ctx))
		case <-time.After(time.Second):
		}
	}
}
