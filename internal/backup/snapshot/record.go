package snapshot

import (
	"encoding/binary"
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// revision is the key of a record: a change of the key space, and which one within its transaction.
type revision struct {
	main, sub int64
	tombstone bool
}

const (
	revisionSize = 17 // main, '_', sub
	markTomb     = 't'
)

var (
	errRevision = errors.New("key is not a revision")
	errKeyValue = errors.New("value is not a key-value record")
)

func parseRevision(b []byte) (revision, error) {
	marked := len(b) == revisionSize+1 && b[revisionSize] == markTomb
	if (len(b) != revisionSize && !marked) || b[8] != '_' {
		return revision{}, errRevision
	}
	r := revision{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[9:])), marked}
	if r.main < 0 || r.sub < 0 {
		return revision{}, errRevision
	}
	return r, nil
}

func (r revision) after(main, sub int64) bool {
	return r.main > main || r.main == main && r.sub > sub
}

// keyValue is mvccpb.KeyValue; valueAt is the place of value in the record.
type keyValue struct {
	key, value                  []byte
	create, mod, version, lease int64
	valueAt                     int
}

// parseKeyValue decodes a record. It is stricter than protobuf, which lets a damaged record pass for another one: fields
// come once and with their own wire type.
func parseKeyValue(b []byte) (keyValue, error) {
	var kv keyValue
	seen := uint(0)
	for at := 0; at < len(b); {
		field, kind, n := protowire.ConsumeTag(b[at:])
		if n < 0 {
			return kv, errKeyValue
		}
		at += n
		if field > 6 {
			if n = protowire.ConsumeFieldValue(field, kind, b[at:]); n < 0 {
				return kv, errKeyValue
			}
			at += n
			continue
		}
		isBytes := field == 1 || field == 5
		if seen&(1<<field) != 0 || isBytes != (kind == protowire.BytesType) || !isBytes && kind != protowire.VarintType {
			return kv, errKeyValue
		}
		seen |= 1 << field
		if isBytes {
			value, n := protowire.ConsumeBytes(b[at:])
			if n < 0 {
				return kv, errKeyValue
			}
			at += n
			if field == 1 {
				kv.key = value
			} else {
				kv.value, kv.valueAt = value, at-len(value)
			}
			continue
		}
		value, n := protowire.ConsumeVarint(b[at:])
		if n < 0 {
			return kv, errKeyValue
		}
		at += n
		switch field {
		case 2:
			kv.create = int64(value)
		case 3:
			kv.mod = int64(value)
		case 4:
			kv.version = int64(value)
		case 6:
			kv.lease = int64(value)
		}
	}
	return kv, nil
}

// alarm gives the kind of an alarm, from the record that etcd keeps it under.
func alarm(b []byte) (string, bool) {
	kind := uint64(0)
	for len(b) > 0 {
		field, wire, n := protowire.ConsumeTag(b)
		if n < 0 || wire != protowire.VarintType {
			return "", false
		}
		value, m := protowire.ConsumeVarint(b[n:])
		if m < 0 {
			return "", false
		}
		if field == 2 {
			kind = value
		}
		b = b[n+m:]
	}
	switch kind {
	case 0:
		return "", true
	case 1:
		return "NOSPACE", true
	case 2:
		return "CORRUPT", true
	}
	return "UNKNOWN", true
}
