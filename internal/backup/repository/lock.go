package repository

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kopia/kopia/repo/blob"
)

// Locks keep several Kanrins from hurting each other on one storage. A lock is a blob: everybody writes his own, then looks at the others'.
// Writers do not mind each other, nor maintenance, which leaves alone what is young. Maintenance runs once at a time. Freeing space at once
// is safe only when nobody else works here. A lock that is not renewed goes stale; time is told by the storage, not by anybody's clock.
const (
	lockPrefix  = "kanrin.lock."
	lockRenewal = 4 * time.Minute
	lockStale   = 20 * time.Minute
)

type lockKind string

const (
	lockWrite    lockKind = "write"
	lockMaintain lockKind = "maintain"
	lockAlone    lockKind = "alone"
)

func (k lockKind) conflicts(other lockKind) bool {
	return k == lockAlone || other == lockAlone || (k == lockMaintain && other == lockMaintain)
}

// holder says who holds a lock, and where to look whether he still lives.
type holder struct {
	Kind    lockKind `json:"kind"`
	Cluster string   `json:"cluster"`
	Host    string   `json:"host"`
	Boot    string   `json:"boot"`
	Space   string   `json:"space"` // of process IDs
	PID     int      `json:"pid"`
	Started string   `json:"started"`
}

func (h holder) String() string {
	return fmt.Sprintf("%s by process %d on %s (cluster %s)", h.Kind, h.PID, h.Host, h.Cluster)
}

// dead is true only when it is certain.
func (h holder) dead(me holder) bool {
	return h.Boot != "" && h.Boot == me.Boot && h.Host == me.Host && h.Space == me.Space && started(h.PID) != h.Started
}

func (r *Repository) me(kind lockKind) holder {
	host, _ := os.Hostname()
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	space, _ := os.Readlink("/proc/self/ns/pid")
	pid := os.Getpid()
	return holder{kind, r.options.Cluster, host, strings.TrimSpace(string(boot)), space, pid, started(pid)}
}

// started is the time a process began, in the kernel's ticks; empty when there is none.
func started(pid int) string {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 20 {
		return ""
	}
	return fields[19]
}

type lock struct {
	r    *Repository
	id   blob.ID
	data raw
	stop context.CancelFunc
	done sync.WaitGroup
}

// lock takes a lock or says who is in the way (Locked).
func (r *Repository) lock(ctx context.Context, kind lockKind) (*lock, error) {
	me := r.me(kind)
	content, err := json.Marshal(me)
	if err != nil {
		return nil, fmt.Errorf("writing lock: %w", err)
	}
	id := blob.ID(lockPrefix + strings.ToLower(rand.Text()))
	l := &lock{r: r, id: id, data: r.sealer.seal(id, content)}
	if err := l.renew(ctx); err != nil {
		return nil, classified(r.location.String(), "locking", err)
	}
	if err := r.conflict(ctx, l.id, me); err != nil {
		return nil, errors.Join(err, l.remove(ctx))
	}
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	l.done.Go(func() { l.keep(renewing) })
	return l, nil
}

func (r *Repository) conflict(ctx context.Context, mine blob.ID, me holder) error {
	locks, err := blob.ListAllBlobs(ctx, r.store, lockPrefix)
	if err != nil {
		return classified(r.location.String(), "listing locks of", err)
	}
	var now time.Time
	for _, l := range locks {
		if l.BlobID == mine {
			now = l.Timestamp
		}
	}
	if now.IsZero() {
		return &Error{State: Locked, Object: r.location.String(), Err: errors.New("the lock was taken away")}
	}
	for _, l := range locks {
		if l.BlobID == mine {
			continue
		}
		if now.Sub(l.Timestamp) > lockStale {
			_ = r.store.DeleteBlob(ctx, l.BlobID)
			continue
		}
		var other holder
		data, err := readBlob(ctx, r.store, l.BlobID)
		if errors.Is(err, blob.ErrBlobNotFound) {
			continue
		}
		if err != nil {
			return classified(r.location.String(), "reading lock of", err)
		}
		plain, err := r.sealer.open(l.BlobID, data)
		if err == nil {
			err = json.Unmarshal(plain, &other)
		}
		if err != nil {
			other = holder{Kind: lockAlone} // cannot be read: the worst is assumed until it goes stale
		}
		if other.dead(me) {
			_ = r.store.DeleteBlob(ctx, l.BlobID)
			continue
		}
		if me.Kind.conflicts(other.Kind) {
			return &Error{State: Locked, Object: other.String()}
		}
	}
	return nil
}

func (l *lock) renew(ctx context.Context) error {
	return l.r.store.PutBlob(ctx, l.id, l.data, blob.PutOptions{})
}

func (l *lock) keep(ctx context.Context) {
	tick := time.NewTicker(lockRenewal)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := l.renew(ctx); err != nil && ctx.Err() == nil {
				l.r.log.Warn("lock not renewed", "repository", l.r.location.String(), "error", err)
			}
		}
	}
}

func (l *lock) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := l.r.store.DeleteBlob(ctx, l.id); err != nil {
		return classified(l.r.location.String(), "unlocking", err)
	}
	return nil
}

func (l *lock) release(ctx context.Context) error {
	l.stop()
	l.done.Wait()
	return l.remove(ctx)
}
