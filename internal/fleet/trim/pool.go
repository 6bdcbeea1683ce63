package trim

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"sync"
	"weak"
)

// Pool remembers what trimmed objects have in common, so that the next like one shares it. It is safe for concurrent use.
// Each managed cluster has its own, which goes with it.
type Pool struct {
	mu     sync.Mutex
	words  generations[string, string]
	maps   generations[digest, map[string]string]
	specs  shared[Spec]
	metas  shared[podMeta]
	states shared[podState]
	buf    []byte
}

// NewPool returns an empty pool.
func NewPool() *Pool {
	return &Pool{
		specs:  shared[Spec]{m: map[digest]weak.Pointer[Spec]{}},
		metas:  shared[podMeta]{m: map[digest]weak.Pointer[podMeta]{}},
		states: shared[podState]{m: map[digest]weak.Pointer[podState]{}},
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

// generations remembers values for a while. Two generations bound it: what was not asked for while one generation filled up
// is forgotten, which costs sharing and never correctness.
type generations[K comparable, V any] struct {
	now, before map[K]V
}

const (
	maxWords = 32768
	maxMaps  = 4096
)

// get returns the value of key, made by makeNew when it is not remembered.
func (g *generations[K, V]) get(key K, limit int, makeNew func() V) V {
	if v, ok := g.now[key]; ok {
		return v
	}
	v, ok := g.before[key]
	if !ok {
		v = makeNew()
	}
	if g.now == nil || len(g.now) >= limit {
		g.before, g.now = g.now, make(map[K]V, 64)
	}
	g.now[key] = v
	return v
}

// word makes equal strings one string.
func (p *Pool) word(s string) string {
	if s == "" {
		return ""
	}
	return p.words.get(s, maxWords, func() string { return s })
}

// stringMap makes equal maps one map.
func (p *Pool) stringMap(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	p.buf = appendMap(p.buf[:0], m)
	return p.maps.get(digestOf(p.buf), maxMaps, func() map[string]string {
		out := make(map[string]string, len(m))
		for k, v := range m {
			out[p.word(k)] = p.word(v)
		}
		return out
	})
}

// appendMap writes a map in one order.
func appendMap(b []byte, m map[string]string) []byte {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b = appendString(appendString(b, k), m[k])
	}
	return append(b, 0xff)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
