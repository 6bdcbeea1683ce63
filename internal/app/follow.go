package app

import (
	"context"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// followPause is the rest between two watches of the same kind.
const followPause = time.Second

// followBackups tells those who look at lists of sets, policies and proofs when one of them changes.
func (a *App) followBackups(context.Context) (stop, error) {
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	for area, list := range map[string]client.ObjectList{
		"backups": &v1alpha1.BackupList{}, "backuppolicies": &v1alpha1.BackupPolicyList{}, "drills": &v1alpha1.DrillList{},
	} {
		following.Go(func() {
			for ctx.Err() == nil {
				a.follow(ctx, area, list)
				select {
				case <-ctx.Done():
				case <-time.After(followPause):
				}
			}
		})
	}
	return func(context.Context) error { cancel(); following.Wait(); return nil }, nil
}

// follow watches one kind until the watch ends.
func (a *App) follow(ctx context.Context, area string, list client.ObjectList) {
	w, err := a.parts.client.Watch(ctx, list)
	if err != nil {
		return // the management API is away; the next round asks again
	}
	defer w.Stop()
	for e := range w.ResultChan() {
		o, err := meta.Accessor(e.Object)
		if err != nil || o.GetNamespace() == "" {
			return
		}
		revision, err := strconv.ParseInt(o.GetResourceVersion(), 10, 64)
		if err != nil {
			revision = time.Now().UnixMilli()
		}
		a.parts.changes.Note(o.GetNamespace(), area, revision)
	}
}
