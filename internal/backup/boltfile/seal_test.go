package boltfile

import (
	"encoding/binary"
	"hash/fnv"
)

// seal gives a meta page its checksum.
func seal(b []byte) {
	sum := fnv.New64a()
	_, _ = sum.Write(b[:metaSize-8])
	binary.LittleEndian.PutUint64(b[metaSize-8:], sum.Sum64())
}
