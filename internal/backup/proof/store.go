package proof

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"kanrin.dev/kanrin/internal/backup/snapshot"
	"kanrin.dev/kanrin/internal/controlplane"
)

const (
	// member is the name of the one member of the store, and of the control plane.
	member       = "proof"
	snapshotFile = "snapshot.db"
	// bump is what a restore adds to the revision, so that no watcher sees it go back; a proof does as a restore does.
	bump = 1_000_000_000
)

// writeSnapshot takes the snapshot from its reader and compares it with what the index says about it.
func (r *run) writeSnapshot(context.Context) error {
	f, err := os.OpenFile(r.scratch.path(snapshotFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing the snapshot to scratch: %w", err)
	}
	content := r.in.Size
	if hasChecksum(content) {
		content -= sha256.Size
	}
	hash := sha256.New()
	n, err := io.CopyN(io.MultiWriter(f, hash), r.in.Snapshot, content)
	if err == nil || errors.Is(err, io.EOF) {
		var rest int64
		// One byte more, so that a longer one is noticed.
		rest, err = io.Copy(f, io.LimitReader(r.in.Snapshot, r.in.Size-n+1))
		n += rest
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("writing the snapshot to scratch: %w", err)
	}
	want := r.in.Index.Stats()
	if n != r.in.Size || n != want.Size {
		r.problems.add(SnapshotDiffers, "", "want", strconv.FormatInt(want.Size, 10)+" bytes", "have", strconv.FormatInt(n, 10)+" bytes")
	} else if have := hex.EncodeToString(hash.Sum(nil)); have != want.SHA256 {
		r.problems.add(SnapshotDiffers, "", "want", want.SHA256, "have", have)
	}
	return nil
}

// hasChecksum tells a snapshot as etcd streams it, with its SHA-256 at the end, from a copy of a database file.
func hasChecksum(size int64) bool { return size%512 == sha256.Size }

// restore makes a data directory of the snapshot and removes the snapshot, whose room the rest needs.
func (r *run) restore(ctx context.Context) error {
	args := []string{
		"etcdutl", "snapshot", "restore", r.scratch.path(snapshotFile),
		"--data-dir=" + r.scratch.path("etcd"), "--name=" + member,
		"--initial-cluster=" + member + "=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380",
		"--initial-cluster-token=kanrin-" + member,
		"--bump-revision=" + strconv.Itoa(bump), "--mark-compacted",
	}
	if !hasChecksum(r.in.Size) {
		args = append(args, "--skip-hash-check")
	}
	var out lastLines
	if err := controlplane.Run(ctx, &out, nil, r.conf.Binary, args...); err != nil {
		var exit *exec.ExitError
		if ctx.Err() != nil || !errors.As(err, &exit) || r.scratch.full() {
			return fmt.Errorf("restoring the snapshot: %w", err)
		}
		r.problems.add(RestoreFailed, "", "reason", out.reason(exit))
		return errHopeless
	}
	if err := os.Remove(r.scratch.path(snapshotFile)); err != nil {
		return fmt.Errorf("removing the snapshot from scratch: %w", err)
	}
	return nil
}

// startEtcd starts etcd, on what was restored, and connects to it.
func (r *run) startEtcd(ctx context.Context) error {
	encryption, err := r.encryption()
	if err != nil {
		r.problems.add(EncryptionInvalid, "", "reason", err.Error())
		encryption = nil
	}
	r.plane, err = controlplane.New(controlplane.Configuration{
		Name: member, Dir: r.scratch.dir, Binary: r.conf.Binary, Unsynced: true,
		Restored: &controlplane.Restored{Encryption: encryption, EtcdPrefix: r.prefix()},
	}, controlplane.Dependencies{Log: r.conf.Log})
	if err != nil {
		return err
	}
	if err := r.plane.Start(ctx); err != nil {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, r.conf.Patience)
	defer cancel()
	if err := r.plane.WaitEtcd(patience); err != nil {
		if ctx.Err() != nil || r.scratch.full() {
			return err
		}
		r.problems.add(EtcdFailed, "", "reason", r.reason(err))
		return errHopeless
	}
	endpoint, tls, err := r.plane.Etcd()
	if err != nil {
		return err
	}
	r.etcd, err = clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, TLS: tls, DialTimeout: 10 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		return fmt.Errorf("connecting to the restored etcd: %w", err)
	}
	return r.disarm(patience)
}

func (r *run) prefix() string {
	if r.in.EtcdPrefix != "" {
		return r.in.EtcdPrefix
	}
	return strings.TrimSuffix(r.in.Index.KeyPrefix(), "/")
}

// disarm takes back alarms, under which etcd would accept no writes of the API server.
func (r *run) disarm(ctx context.Context) error {
	status, err := r.etcd.Status(ctx, r.etcd.Endpoints()[0])
	if err != nil {
		return fmt.Errorf("asking the restored etcd for its version: %w", err)
	}
	r.result.EtcdVersion = status.Version
	alarms, err := r.etcd.AlarmList(ctx)
	if err != nil {
		return fmt.Errorf("asking the restored etcd for alarms: %w", err)
	}
	for _, a := range alarms.Alarms {
		r.problems.add(EtcdAlarm, "", "alarm", a.Alarm.String())
	}
	if len(alarms.Alarms) == 0 {
		return nil
	}
	if _, err := r.etcd.AlarmDisarm(ctx, &clientv3.AlarmMember{}); err != nil {
		return fmt.Errorf("disarming the restored etcd: %w", err)
	}
	return nil
}

// Pages of keys are as large as these, whichever is reached first.
const (
	pageKeys  = 2000
	pageBytes = 16 << 20
)

// compareKeys reads all of etcd, in the order of the keys as the index has them, at one revision: what leases take meanwhile
// is still seen.
func (r *run) compareKeys(ctx context.Context) error {
	x := r.in.Index
	from, revision, i := "\x00", int64(0), 0
	for {
		limit, size := 1, int64(0)
		for ; i+limit < x.Len() && limit < pageKeys && size < pageBytes; limit++ {
			size += int64(x.At(i + limit).Size)
		}
		resp, err := r.etcd.Get(ctx, from, clientv3.WithFromKey(), clientv3.WithLimit(int64(limit)), clientv3.WithRev(revision), clientv3.WithSerializable())
		if err != nil {
			return fmt.Errorf("reading the restored etcd: %w", err)
		}
		if revision == 0 {
			revision = resp.Header.Revision
		}
		for _, kv := range resp.Kvs {
			for ; i < x.Len() && x.At(i).Key < string(kv.Key); i++ {
				r.missing(x.At(i))
			}
			if i == x.Len() || x.At(i).Key != string(kv.Key) {
				r.problems.add(KeyUnknown, string(kv.Key))
				continue
			}
			e := x.At(i)
			i++
			digest := sha256.Sum256(kv.Value)
			what := ""
			switch {
			case kv.ModRevision != e.ModRevision:
				what = "ModRevision"
			case kv.CreateRevision != e.CreateRevision:
				what = "CreateRevision"
			case kv.Version != e.Version:
				what = "Version"
			case kv.Lease != e.Lease:
				what = "Lease"
			case len(kv.Value) != int(e.Size) || !bytes.Equal(digest[:len(e.Digest)], e.Digest[:]):
				what = "Value"
			default:
				r.result.Keys++
				continue
			}
			r.problems.add(KeyDiffers, e.Key, "what", what)
		}
		if !resp.More || len(resp.Kvs) == 0 {
			break
		}
		from = string(resp.Kvs[len(resp.Kvs)-1].Key) + "\x00"
	}
	for ; i < x.Len(); i++ {
		r.missing(x.At(i))
	}
	return nil
}

func (r *run) missing(e snapshot.Entry) {
	if e.Lease == 0 { // one with a lease may be gone
		r.problems.add(KeyMissing, e.Key)
	}
}

// reason is an error in one line, without the logs and paths of the scratch directory, which nobody will find.
func (r *run) reason(err error) string {
	text, _, _ := strings.Cut(err.Error(), "; its log is ")
	return oneLine(strings.ReplaceAll(text, r.scratch.dir+"/", ""))
}

const maxReason = 500

func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	return s
}

// lastLines keeps the end of what a program prints.
type lastLines struct{ buf []byte }

func (l *lastLines) Write(p []byte) (int, error) {
	const kept = 4096
	l.buf = append(l.buf, p...)
	if len(l.buf) > 2*kept {
		l.buf = append(l.buf[:0], l.buf[len(l.buf)-kept:]...)
	}
	return len(p), nil
}

// reason is the last line, or what begins with the last error; without what MariaDB then quotes of a statement.
func (l *lastLines) reason(err error) string {
	text := strings.TrimSpace(string(l.buf))
	text = text[strings.LastIndexByte(text[:max(0, strings.LastIndex(text, "ERROR"))], '\n')+1:]
	if !strings.Contains(text, "ERROR") {
		text = text[strings.LastIndexByte(text, '\n')+1:]
	}
	text, _, _ = strings.Cut(text, " near '")
	if text = oneLine(text); text == "" {
		return oneLine(err.Error())
	}
	return text
}
