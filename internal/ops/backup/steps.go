package backup

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/backup/component"
	"kanrin.dev/kanrin/internal/backup/repository"
	"kanrin.dev/kanrin/internal/lang"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// begin makes the Backup object of the set.
type begin struct{ base }

// Done implements plan.Behaviour.
func (b begin) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[setArgs](s)
	if err != nil {
		return false, err
	}
	var x v1alpha1.Backup
	err = b.d.Client.Get(ctx, client.ObjectKey{Namespace: s.Cluster, Name: a.Set}, &x)
	return err == nil && x.Status.Operation == s.Operation.Name, client.IgnoreNotFound(err)
}

// Do implements plan.Behaviour.
func (b begin) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[setArgs](s)
	if err != nil {
		return err
	}
	reason := a.Reason
	if reason == "" {
		reason = v1alpha1.BackupManual
	}
	err = b.Persist(ctx, s, func(ctx context.Context) error {
		err := b.d.Client.Create(ctx, &v1alpha1.Backup{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.Cluster, Name: a.Set, Labels: map[string]string{backup.LabelPolicy: a.Policy}},
			Spec:       v1alpha1.BackupSpec{Policy: a.Policy, Reason: reason, Pinned: a.Pinned},
		})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return b.update(ctx, s, a.Set, func(x *v1alpha1.BackupStatus) {
		x.Phase, x.Operation, x.KanrinVersion, x.StartedAt = v1alpha1.BackupInProgress, s.Operation.Name, b.d.Version, at(time.Now())
	})
}

// Undo implements plan.Undoer: what was stored of a set that is not to be is dropped, and hooks that still hold something are released.
func (b begin) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[setArgs](s)
	if err != nil {
		return false, err
	}
	x, err := b.backupOf(ctx, s.Cluster, a.Set)
	var f *plan.Failure
	if errors.As(err, &f) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if x.Status.Operation != s.Operation.Name || x.Status.SnapshotID != "" {
		return false, nil
	}
	if p, err := b.policy(ctx, s.Cluster, a.Policy); err == nil {
		if repo, _, err := b.d.Store.Repository(ctx, p); err == nil && !p.Spec.Repository.AppendOnly {
			if err := s.Guard(); err != nil {
				return false, err
			}
			if err := repo.Discard(ctx, a.Set); err != nil {
				s.Log("warn", "NotDiscarded", a.Set, "error", err)
			}
		}
	}
	if err := s.Guard(); err != nil {
		return false, err
	}
	return true, client.IgnoreNotFound(b.d.Client.Delete(ctx, x))
}

// capture captures one component into the set.
type capture struct{ base }

// Done implements plan.Behaviour.
func (b capture) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[captureArgs](s)
	if err != nil {
		return false, err
	}
	x, err := b.backupOf(ctx, s.Cluster, a.Set)
	if err != nil {
		return false, err
	}
	return entryOf(&x.Status, a.Component.Name) != nil, nil
}

// Do implements plan.Behaviour.
func (b capture) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[captureArgs](s)
	if err != nil {
		return err
	}
	p, err := b.policy(ctx, s.Cluster, a.Policy)
	if err != nil {
		return err
	}
	repo, secrets, err := b.d.Store.Repository(ctx, p)
	if err != nil {
		return stored(ctx, a.Set, err)
	}
	if err := b.scratch(); err != nil {
		return err
	}
	env, err := b.env(ctx, s.Cluster, s)
	if err != nil {
		return err
	}
	env.Recipients, env.Set = append([]string{secrets.Recipient}, p.Spec.SealTo...), a.Set
	if s.Resumed && a.Component.After != nil {
		if err := component.Release(ctx, env, a.Component); err != nil {
			s.Log("warn", "HookFailed", a.Component.Name, "error", err)
		}
	}
	if err := s.Guard(); err != nil {
		return err
	}
	session, err := repo.Begin(ctx, a.Set)
	if err != nil {
		return stored(ctx, a.Set, err)
	}
	defer closing(session)
	started := time.Now()
	revision := b.revision(ctx, env)
	var rec *component.Record
	item, err := session.Put(ctx, a.Component.Name, func(w *repository.TreeWriter) error {
		var err error
		rec, err = component.Capture(ctx, env, a.Component, writer{w})
		return err
	})
	entry := v1alpha1.ComponentStatus{
		Name: a.Component.Name, Type: a.Component.Type, Optional: a.Component.Optional, StartedAt: micro(started), Revision: revision,
		Milliseconds: time.Since(started).Milliseconds(),
	}
	var gone *component.AbsentError
	if errors.As(err, &gone) {
		fill(&entry, gone.Missing)
		s.Log("warn", "ComponentMissing", a.Component.Name, "why", entry.Message)
		return b.update(ctx, s, a.Set, func(x *v1alpha1.BackupStatus) { put(x, a.Component.Name, entry) })
	}
	if err != nil {
		return stored(ctx, a.Set, err)
	}
	entry.State, entry.Digest, entry.Files, entry.Bytes = v1alpha1.ComponentCaptured, item.Digest, int64(item.Files), item.Bytes
	entry.Version, entry.From, entry.Params = rec.Version, rec.From, facts(rec, a.Component.Name)
	entries := []v1alpha1.ComponentStatus{entry}
	for i, m := range rec.Missing {
		part := v1alpha1.ComponentStatus{Name: a.Component.Name + "/" + m.Object, Type: a.Component.Type, Optional: a.Component.Optional}
		if i == maxMissing {
			m = component.Missing{Code: "MoreMissing", Params: lang.P("count", len(rec.Missing)-maxMissing, "object", a.Component.Name)}
			part.Name = a.Component.Name + "/…"
		}
		fill(&part, m)
		entries = append(entries, part)
		if i == maxMissing {
			break
		}
	}
	s.Measure("bytes", item.Bytes)
	s.Measure("files", int64(item.Files))
	return b.update(ctx, s, a.Set, func(x *v1alpha1.BackupStatus) {
		put(x, a.Component.Name, entries...)
		if rec.Etcd != nil {
			entries[0].Revision = rec.Etcd.Revision
			put(x, a.Component.Name, entries...)
			x.Revision, x.Objects = rec.Etcd.Revision, int64(rec.Etcd.Keys)
		}
	})
}

// Parameters of a captured component, from which the manifest's part about etcd is made.
const (
	paramEncryption = "encryption"
	paramMember     = "member"
	paramSHA256     = "sha256"
	paramPrefix     = "prefix"
	paramKeys       = "keys"
	paramBytes      = "bytes"
)

// facts are what a capture found out and the manifest needs.
func facts(rec *component.Record, name string) map[string]string {
	p := map[string]string{}
	if rec.Encryption != "" {
		p[paramEncryption] = name + "/" + rec.Encryption
	}
	if e := rec.Etcd; e != nil {
		p[paramMember], p[paramSHA256], p[paramPrefix] = e.Member, e.SHA256, e.Prefix
		p[paramKeys], p[paramBytes] = strconv.Itoa(e.Keys), strconv.FormatInt(e.Bytes, 10)
	}
	if len(p) == 0 {
		return nil
	}
	return p
}

// etcdOf is the manifest's part about etcd.
func etcdOf(components []v1alpha1.ComponentStatus) *backup.Etcd {
	var out *backup.Etcd
	encryption := ""
	for _, c := range components {
		if c.State != v1alpha1.ComponentCaptured {
			continue
		}
		if c.Params[paramEncryption] != "" {
			encryption = c.Params[paramEncryption]
		}
		if c.Params[paramSHA256] != "" {
			keys, _ := strconv.Atoi(c.Params[paramKeys]) // written by facts
			out = &backup.Etcd{
				Member: c.Params[paramMember], Version: c.Version, Revision: c.Revision, Keys: keys, Bytes: number(c.Params[paramBytes]),
				SHA256: c.Params[paramSHA256], Prefix: c.Params[paramPrefix],
			}
		}
	}
	if out != nil {
		out.Encryption = encryption
	}
	return out
}

func fill(e *v1alpha1.ComponentStatus, m component.Missing) {
	e.State, e.Code, e.Params = v1alpha1.ComponentMissing, m.Code, m.Params
	e.Message = lang.English.Text("fail."+m.Code, m.Params)
}

// closing ends a session that was not sealed; what was stored in it stays for the next.
func closing(s *repository.Session) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_ = s.Close(ctx) // a lock that is left runs out by itself
}

// revision of etcd now, 0 when it cannot be asked.
func (b base) revision(ctx context.Context, e component.Env) int64 {
	if e.Connection == nil {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	l, err := e.Connection.Client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return 0
	}
	return number(l.ResourceVersion)
}

func number(s string) int64 {
	n := int64(0)
	for _, r := range s {
		if r < '0' || r > '9' {
			return 0
		}
		n = n*10 + int64(r-'0')
	}
	return n
}

func micro(t time.Time) *metav1.MicroTime {
	m := metav1.NewMicroTime(t)
	return &m
}

// stored turns the error of a repository into a failure that says what to do.
func stored(ctx context.Context, set string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if plan.Interrupted(err) {
		return err
	}
	var f *plan.Failure
	if errors.As(err, &f) {
		return err
	}
	var newer *backup.NewerError
	if errors.As(err, &newer) {
		return plan.Fail("SetNewer", set, err)
	}
	if state := repository.StateOf(err); state != "" {
		return plan.Fail("Repository"+string(state), set, err)
	}
	return plan.Fail("SetNotWritten", set, err)
}

// writer lets components write into a set.
type writer struct{ w *repository.TreeWriter }

func (w writer) Dir(path string, a component.Attr) error {
	return w.w.Dir(strings.TrimPrefix(path, "/"), attr(a))
}

func (w writer) File(path string, a component.Attr, r io.Reader) (int64, error) {
	i, err := w.w.File(strings.TrimPrefix(path, "/"), attr(a), r)
	return i.Size, err
}

func (w writer) Symlink(path, target string, a component.Attr) error {
	return w.w.Symlink(strings.TrimPrefix(path, "/"), target, attr(a))
}

func attr(a component.Attr) repository.Attr {
	return repository.Attr{Mode: a.Mode, ModTime: a.ModTime, UID: a.UID, GID: a.GID}
}
