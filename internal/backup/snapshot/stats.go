package snapshot

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"kanrin.dev/kanrin/internal/backup/boltfile"
)

// Stats describes a snapshot as a whole.
type Stats struct {
	// Revision is the last of the key space; CompactRevision the last one whose past is gone, 0 for none.
	Revision        int64 `json:"revision"`
	CompactRevision int64 `json:"compactRevision,omitempty"`
	// Keys are alive at Revision. Revisions are all records of keys, with the past ones and the deletions.
	Keys      int `json:"keys"`
	Revisions int `json:"revisions"`
	Leases    int `json:"leases,omitempty"`
	// Size is that of the file in bytes. SHA256 is of the file without the checksum at its end, in hex; Checksum says
	// that there is one, and that it is the same.
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256"`
	Checksum bool   `json:"checksum"`
	// ConsistentIndex and Term are raft's, of the last applied entry. The term is 0 before etcd 3.5.
	ConsistentIndex uint64 `json:"consistentIndex"`
	Term            uint64 `json:"term,omitempty"`
	// Version is that of the storage: 3.4 (and before), 3.5, 3.6, …
	Version string `json:"version"`
	// ClusterVersion is that of the cluster, if it is in the snapshot (from etcd 3.4 on).
	ClusterVersion string `json:"clusterVersion,omitempty"`
	// Alarms are NOSPACE, CORRUPT or UNKNOWN.
	Alarms []string `json:"alarms,omitempty"`
	// AuthEnabled says that etcd asks for users of its own.
	AuthEnabled bool `json:"authEnabled,omitempty"`
}

// builder takes the entries of a database in any order.
type builder struct {
	table  *table
	stats  Stats
	alarms map[string]bool
}

func (b *builder) entry(bucket string, key, value []byte, offset int64) error {
	switch bucket {
	case "key":
		return b.keyValue(key, value, offset)
	case "meta":
		return b.meta(string(key), value, offset)
	case "lease":
		if len(key) != 8 {
			return damaged(boltfile.Record, offset, "lease has a name of %d bytes", len(key))
		}
		b.stats.Leases++
	case "cluster":
		if string(key) == "clusterVersion" && len(value) <= 64 {
			b.stats.ClusterVersion = string(value)
		}
	case "auth":
		if string(key) == "authEnabled" {
			b.stats.AuthEnabled = len(value) == 1 && value[0] == 1
		}
	case "alarm":
		kind, ok := alarm(key)
		if !ok {
			return damaged(boltfile.Record, offset, "alarm cannot be decoded")
		}
		if kind != "" {
			if b.alarms == nil {
				b.alarms = make(map[string]bool)
			}
			b.alarms[kind] = true
		}
	}
	return nil
}

func (b *builder) keyValue(key, value []byte, offset int64) error {
	rev, err := parseRevision(key)
	if err != nil {
		return damaged(boltfile.Record, offset, "%v", err)
	}
	b.stats.Revisions++
	b.stats.Revision = max(b.stats.Revision, rev.main)
	if len(value) == 0 {
		return nil // marks a revision that was raised when a snapshot was restored
	}
	kv, err := parseKeyValue(value)
	if err != nil {
		return damaged(boltfile.Record, offset, "%v", err)
	}
	if len(kv.key) == 0 {
		return damaged(boltfile.Record, offset, "record without a key")
	}
	if !rev.tombstone && (kv.mod != rev.main || kv.create < 1 || kv.create > kv.mod || kv.version < 1) {
		return damaged(boltfile.Record, offset, "record at revision %d says created at %d, changed at %d, version %d",
			rev.main, kv.create, kv.mod, kv.version)
	}
	r, isNew := b.table.record(kv.key)
	if r == nil {
		return damaged(boltfile.Record, offset, "key of %d bytes, or too many keys", len(kv.key))
	}
	if !isNew && !rev.after(r.mod, r.sub) {
		return nil
	}
	r.mod, r.sub, r.dead = rev.main, rev.sub, rev.tombstone
	if rev.tombstone {
		return nil
	}
	r.create, r.version, r.lease = kv.create, kv.version, kv.lease
	r.offset, r.size = offset+int64(kv.valueAt), uint32(len(kv.value))
	r.digest = valueDigest(kv.value)
	return nil
}

func (b *builder) meta(key string, value []byte, offset int64) error {
	number := func(to *uint64) error {
		if len(value) != 8 {
			return damaged(boltfile.Record, offset, "%s has %d bytes", key, len(value))
		}
		*to = binary.BigEndian.Uint64(value)
		return nil
	}
	switch key {
	case "consistent_index":
		return number(&b.stats.ConsistentIndex)
	case "term":
		return number(&b.stats.Term)
	case "storageVersion":
		if len(value) > 64 {
			return damaged(boltfile.Record, offset, "%s has %d bytes", key, len(value))
		}
		b.stats.Version = string(value)
	case "scheduledCompactRev", "finishedCompactRev":
		rev, err := parseRevision(value)
		if err != nil {
			return damaged(boltfile.Record, offset, "%s is not a revision", key)
		}
		b.stats.CompactRevision = max(b.stats.CompactRevision, rev.main)
	}
	return nil
}

func (b *builder) finish() Stats {
	s := b.stats
	s.Revision = max(s.Revision, s.CompactRevision, 1) // an etcd begins at 1
	s.Alarms = slices.Sorted(maps.Keys(b.alarms))
	switch parts := strings.SplitN(s.Version, ".", 3); {
	case len(parts) >= 2:
		s.Version = parts[0] + "." + parts[1]
	case s.Term > 0:
		s.Version = "3.5"
	default:
		s.Version = "3.4"
	}
	return s
}
