package snapshot

import (
	mvccpb "go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/protobuf/proto"
)

// marshal encodes a record as etcd does.
func marshal(kv *mvccpb.KeyValue) ([]byte, error) { return proto.Marshal(kv) }
