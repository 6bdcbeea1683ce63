package fleet

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"kanrin.dev/kanrin/internal/fleet/trim"
)

// store is the trimmed cache of one kind other than pods.
type store struct {
	cache.Indexer
	pool    *trim.Pool
	changed func()
}

func newStore(pool *trim.Pool, changed func()) *store {
	return &store{
		Indexer: cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}),
		pool:    pool, changed: changed,
	}
}

// Transformer trims objects while they stream in.
func (s *store) Transformer() cache.TransformFunc {
	return func(o any) (any, error) { return o, s.trim(o) }
}

func (s *store) trim(o any) error {
	m, ok := o.(metav1.Object)
	if !ok {
		return fmt.Errorf("an object was expected, not %T", o)
	}
	s.pool.Object(m)
	return nil
}

func (s *store) Add(o any) error { return s.Update(o) }

func (s *store) Update(o any) error {
	if err := s.trim(o); err != nil {
		return err
	}
	before, known, _ := s.Indexer.Get(o) // an object of this store has a key
	err := s.Indexer.Update(o)
	if !known || !onlyHeartbeat(before, o) {
		s.changed()
	}
	return err
}

// onlyHeartbeat reports whether two versions of a node say the same: kubelets report several times a minute, and most of
// what they report is trimmed.
func onlyHeartbeat(before, after any) bool {
	a, ok := before.(*corev1.Node)
	if !ok {
		return false
	}
	b, ok := after.(*corev1.Node)
	if !ok || a.UID != b.UID {
		return false
	}
	x := *a // shallow: only the version differs from what is kept
	x.ResourceVersion = b.ResourceVersion
	return equality.Semantic.DeepEqual(&x, b)
}

func (s *store) Delete(o any) error {
	err := s.Indexer.Delete(o)
	s.changed()
	return err
}

// Replace takes objects that are trimmed already: by the transformer or page by page (see feed).
func (s *store) Replace(list []any, version string) error {
	err := s.Indexer.Replace(list, version)
	s.changed()
	return err
}
