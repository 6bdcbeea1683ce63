package etcd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"kanrin.dev/kanrin/internal/hosts"
)

// Via opens etcd through the first of the hosts that lets it.
func Via(ctx context.Context, pool *hosts.Pool, cluster string, via []string) (*Client, error) {
	errs := []error{errors.New("no host of a control plane is registered")}
	for _, host := range via {
		m, err := pool.Machine(ctx, cluster, host)
		if err == nil {
			var e *Client
			if e, err = Open(ctx, m); err == nil {
				return e, nil
			}
		}
		errs = append(errs, err)
	}
	if len(errs) > 1 {
		errs = errs[1:]
	}
	return nil, errors.Join(errs...)
}

// Host is the name of the machine that the client speaks through.
func (e *Client) Host() string { return e.machine.Name }

// Status is what a member says of itself.
type Status struct {
	ID, Leader string // hexadecimal; Leader is empty when it knows none
	Version    string // 3.6.8
	Revision   int64
	Bytes      int64 // of the database
	Learner    bool
	Errors     []string
}

// Status asks the member on the machine.
func (e *Client) Status(ctx context.Context) (*Status, error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s, err := e.client.Status(limited, local)
	if err != nil {
		return nil, fmt.Errorf("asking the member of etcd on %s: %w", e.machine.Name, err)
	}
	out := &Status{
		ID: strconv.FormatUint(s.Header.MemberId, 16), Version: s.Version, Revision: s.Header.Revision, Bytes: s.DbSize,
		Learner: s.IsLearner, Errors: s.Errors,
	}
	if s.Leader != 0 {
		out.Leader = strconv.FormatUint(s.Leader, 16)
	}
	return out, nil
}

// Hash is that of all keys of the member on the machine, up to a revision (0: its last). Members with the same hash at the same
// revision, compacted at the same one, hold the same.
type Hash struct {
	Hash                uint32
	Revision, Compacted int64
}

// Hash asks the member on the machine.
func (e *Client) Hash(ctx context.Context, revision int64) (Hash, error) {
	limited, cancel := context.WithTimeout(ctx, hashLimit)
	defer cancel()
	h, err := e.client.HashKV(limited, local, revision)
	if err != nil {
		return Hash{}, fmt.Errorf("asking the member of etcd on %s for its hash: %w", e.machine.Name, err)
	}
	return Hash{Hash: h.Hash, Revision: h.HashRevision, Compacted: h.CompactRevision}, nil
}

// Snapshot streams the database of the member on the machine, with its SHA-256 at the end. A stream that is cut off ends with an error.
func (e *Client) Snapshot(ctx context.Context) (io.ReadCloser, error) {
	r, err := e.client.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("taking a snapshot of etcd on %s: %w", e.machine.Name, err)
	}
	return r, nil
}

// AddLearner adds a member without a vote and returns its id.
func (e *Client) AddLearner(ctx context.Context, peerURLs []string) (string, error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r, err := e.client.MemberAddAsLearner(limited, peerURLs)
	if err != nil {
		return "", fmt.Errorf("adding a learner to etcd: %w", err)
	}
	return strconv.FormatUint(r.Member.ID, 16), nil
}

// ErrNotInSync is a learner that has not caught up with the leader yet.
var ErrNotInSync = errors.New("the learner has not caught up with the leader yet")

// Promote gives a learner its vote; one that has it already is no error.
func (e *Client) Promote(ctx context.Context, id string) error {
	n, err := strconv.ParseUint(id, 16, 64)
	if err != nil {
		return fmt.Errorf("%q is not the id of a member: %w", id, err)
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_, err = e.client.MemberPromote(limited, n)
	switch {
	case err == nil, errors.Is(err, rpctypes.ErrMemberNotLearner):
		return nil
	case errors.Is(err, rpctypes.ErrMemberLearnerNotReady):
		return ErrNotInSync
	}
	return fmt.Errorf("promoting member %s of etcd: %w", id, err)
}
