package trim

import (
	"crypto/sha256"
	"sync"
	"weak"
)

// Pool remembers what trimmed objects have in common, so that the next like one shares it. It is safe for concurrent use.
// Each managed cluster has its own, which goes with it.
type Pool struct {
	mu       sync.Mutex
	words    words
	specs    shared[Spec]
	metas    shared[podMeta]
	statuses shared[podStatuses]
	buf      []byte
}

// NewPool returns an empty pool.
func NewPool() *Pool {
	return &Pool{
		specs:    shared[Spec]{m: map[digest]weak.Pointer[Spec]{}},
		metas:    shared[podMeta]{m: map[digest]weak.Pointer[podMeta]{}},
		statuses: shared[podStatuses]{m: map[digest]weak.Pointer[podStatuses]{}},
	}
}

// digest identifies content; 128 bits of SHA-256 are enough for content that foreigners may write.
type digest [16]byte

func digestOf(b []byte) digest {
	sum := sha256.Sum256(b)
	return digest(sum[:16])
}

// shared finds equal values by digest without keeping them alive.
type shared[T any] struct {
	m       map[digest]weak.Pointer[T]
	sweepAt int
}

// get returns the value of d, made by makeNew when nobody holds one.
func (s *shared[T]) get(d digest, makeNew func() *T) *T {
	if p := s.m[d].Value(); p != nil {
		return p
	}
	v := makeNew()
	s.m[d] = weak.Make(v)
	if len(s.m) > s.sweepAt {
		for k, p := range s.m {
			if p.Value() == nil {
				delete(s.m, k)
			}
		}
		s.sweepAt = 2*len(s.m) + 256
	}
	return v
}

// words makes equal strings one string. Two generations bound it: what was not asked for while one generation filled up
// is forgotten, which costs sharing and never correctness.
type words struct {
	now, before map[string]string
}

const maxWords = 32768

func (w *words) get(s string) string {
	if s == "" {
		return ""
	}
	if v, ok := w.now[s]; ok {
		return v
	}
	v, ok := w.before[s]
	if !ok {
		v = s
	}
	if w.now == nil || len(w.now) >= maxWords {
		w.before, w.now = w.now, make(map[string]string, 64)
	}
	w.now[v] = v
	return v
}

func (w *words) getMap(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[w.get(k)] = w.get(v)
	}
	return out
}
