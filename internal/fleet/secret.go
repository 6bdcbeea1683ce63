package fleet

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// KubeconfigKey is the key of a cluster's Secret that holds its kubeconfig.
const KubeconfigKey = "kubeconfig"

// secretState is what is known of a cluster's Secret. The kubeconfig is nil when there is no such Secret or key.
type secretState struct {
	name       string
	read       bool
	kubeconfig []byte
}

// secretFollower watches the one Secret that a cluster names.
type secretFollower struct {
	keeper  *keeper
	name    string
	end     context.CancelFunc
	running sync.WaitGroup
}

func (s *secretFollower) follow(name string) {
	if name == s.name && s.end != nil {
		return
	}
	s.stop()
	s.name = name
	ctx, end := context.WithCancel(s.keeper.ended)
	s.end = end
	s.running.Go(func() { s.watch(ctx, name) })
}

func (s *secretFollower) stop() {
	if s.end != nil {
		s.end()
		s.running.Wait()
		s.end = nil
	}
}

func (s *secretFollower) watch(ctx context.Context, name string) {
	one := fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
	options := func(o metav1.ListOptions) *client.ListOptions {
		o.FieldSelector = one
		return &client.ListOptions{Namespace: s.keeper.name, Raw: &o}
	}
	management, silent := s.keeper.fleet.management, logr.Discard()
	cache.NewReflectorWithOptions(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list := &corev1.SecretList{}
			return list, management.List(ctx, list, options(o))
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return management.Watch(ctx, &corev1.SecretList{}, options(o))
		},
	}, &corev1.Secret{}, secretStore{s.keeper, name}, cache.ReflectorOptions{
		Name: "secret", Logger: &silent,
		Backoff: &wait.Backoff{Duration: 200 * time.Millisecond, Cap: 3 * time.Second, Steps: 10, Factor: 2, Jitter: 0.5},
	}).RunWithContext(klog.NewContext(ctx, silent))
}

// secretStore hands what the watch delivers to the keeper.
type secretStore struct {
	keeper *keeper
	name   string
}

func (s secretStore) set(kubeconfig []byte) error {
	s.keeper.mu.Lock()
	s.keeper.secret = secretState{name: s.name, read: true, kubeconfig: kubeconfig}
	s.keeper.mu.Unlock()
	s.keeper.wake()
	return nil
}

func (s secretStore) Add(o any) error { return s.Update(o) }

func (s secretStore) Update(o any) error {
	secret, ok := o.(*corev1.Secret)
	if !ok || secret.Name != s.name {
		return nil
	}
	return s.set(secret.Data[KubeconfigKey])
}

func (s secretStore) Delete(any) error { return s.set(nil) }

func (s secretStore) Replace(list []any, _ string) error {
	for _, o := range list {
		if secret, ok := o.(*corev1.Secret); ok && secret.Name == s.name {
			return s.Update(o)
		}
	}
	return s.set(nil)
}

func (s secretStore) Resync() error { return nil }
