package simulate

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"

	"kanrin.dev/kanrin/kube/snapshot"
)

// newClient returns a clientset whose writes the cluster handles. Reads come
// from the store through the informers; what arrives here is what the scheduler
// does to a cluster: it binds, reports failures, preempts, chooses volumes.
func newClient(c *cluster) *fake.Clientset {
	client := &fake.Clientset{}
	client.AddReactor("*", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		o, err := react(c, action)
		return true, o, err
	})
	// Only kinds that the snapshot cannot have are watched through the client.
	client.AddWatchReactor("*", func(clienttesting.Action) (bool, watch.Interface, error) {
		return true, newWatcher(), nil
	})
	return client
}

func react(c *cluster, action clienttesting.Action) (runtime.Object, error) {
	resource, sub := action.GetResource(), action.GetSubresource()
	pods := resource.GroupResource() == snapshot.Pods.GroupResource()
	switch a := action.(type) {
	case clienttesting.CreateActionImpl:
		if binding, ok := a.GetObject().(*corev1.Binding); ok && pods {
			return binding, c.bind(a.GetNamespace(), binding)
		}
	case clienttesting.PatchActionImpl:
		if pods && sub == "status" && a.GetPatchType() == types.StrategicMergePatchType {
			return c.patchPod(a.GetNamespace(), a.GetName(), a.GetPatch())
		}
	case clienttesting.DeleteActionImpl:
		if pods {
			return nil, c.preempt(a.GetNamespace(), a.GetName())
		}
	case clienttesting.UpdateActionImpl:
		if o, ok := a.GetObject().(object); ok && c.store.tables[resource] != nil && !pods {
			return c.update(resource, o.DeepCopyObject().(object))
		}
	case clienttesting.GetActionImpl:
		o, err := c.store.get(resource, a.GetNamespace(), a.GetName())
		if err != nil {
			return nil, err
		}
		return o.DeepCopyObject(), nil
	case clienttesting.ListActionImpl:
		kind := a.GetKind()
		kind.Kind += "List"
		return scheme.Scheme.New(kind)
	}
	return nil, apierrors.NewMethodNotSupported(resource.GroupResource(), action.GetVerb()+" "+sub)
}

// patched applies a strategic merge patch to a pod.
func patched(pod *corev1.Pod, patch []byte) (*corev1.Pod, error) {
	before, err := json.Marshal(pod)
	if err != nil {
		return nil, fmt.Errorf("encoding pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	after, err := strategicpatch.StrategicMergePatch(before, patch, corev1.Pod{})
	if err != nil {
		return nil, fmt.Errorf("patching pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	changed := &corev1.Pod{}
	if err := json.Unmarshal(after, changed); err != nil {
		return nil, fmt.Errorf("decoding pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return changed, nil
}
