package proof

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// listPage is how many objects are asked for at a time.
const listPage = 500

// settleTime is how long a resource may take until it is served after its definition was read or changed.
const settleTime = 15 * time.Second

// list goes through all objects of a resource. What cannot be listed as a whole is read one by one.
func (r *run) list(ctx context.Context, c *comparison) error {
	err := r.first(ctx, c)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		return nil
	case len(c.wanted) == 0 && r.notReady: // nothing that the set is known to hold
		return nil
	case len(c.wanted) == 0:
		r.problems.add(Unreadable, c.GroupResource().String(), "reason", c.reason(err))
		return nil
	case c.custom != "" && notTakenUp(err):
		r.skip(c, len(c.wanted))
		return nil
	}
	if c.webhook {
		if err = r.listWithoutWebhook(ctx, c, err); err == nil {
			return nil
		}
	}
	return r.single(ctx, c)
}

// first lists a resource; a custom one gets the time that the API server needs to take up its definition.
func (r *run) first(ctx context.Context, c *comparison) error {
	if c.custom != "" && r.notReady { // it has had that time
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
	}
	err := r.pages(ctx, c)
	if c.custom != "" && notTakenUp(err) {
		err = r.again(ctx, c, err)
	}
	return err
}

// notTakenUp says that the API server does not know a custom resource (yet).
func notTakenUp(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsServiceUnavailable(err) || errors.Is(err, context.DeadlineExceeded)
}

// listWithoutWebhook lists again, with the webhook taken out of the definition.
func (r *run) listWithoutWebhook(ctx context.Context, c *comparison, why error) error {
	r.excluded.add(ExcludedConversion, "customresourcedefinitions.apiextensions.k8s.io/"+c.custom)
	if err := r.withoutWebhook(ctx, c.custom); err != nil {
		return why
	}
	return r.again(ctx, c, why)
}

// again lists a resource until it succeeds or has had its time.
func (r *run) again(ctx context.Context, c *comparison, why error) error {
	settled := time.After(settleTime)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := r.pages(ctx, c); err == nil {
				return nil
			} else if ctx.Err() == nil {
				why = err
			}
		case <-settled:
			return why
		case <-ctx.Done():
			return why
		}
	}
}

// pages lists a resource; objects of pages that were listed before one that failed count as listed.
func (r *run) pages(ctx context.Context, c *comparison) error {
	secrets := c.GroupResource() == schema.GroupResource{Resource: "secrets"}
	for opts := (metav1.ListOptions{Limit: listPage}); ; {
		var err error
		if secrets {
			opts.Continue, err = r.pageOfSecrets(ctx, c, opts)
		} else {
			var page *metav1.PartialObjectMetadataList
			if page, err = r.api.metadata.Resource(c.GroupVersionResource).List(ctx, opts); err == nil {
				opts.Continue = page.Continue
				for i := range page.Items {
					r.see(c, &page.Items[i])
				}
			}
		}
		if err != nil {
			return fmt.Errorf("listing %s: %w", c.GroupResource(), err)
		}
		if opts.Continue == "" {
			return nil
		}
	}
}

// pageOfSecrets asks for Secrets whole, so that what is inside was decrypted and has come through.
func (r *run) pageOfSecrets(ctx context.Context, c *comparison, opts metav1.ListOptions) (string, error) {
	var page *corev1.SecretList
	page, err := r.api.typed.CoreV1().Secrets("").List(ctx, opts)
	if err != nil {
		return "", err
	}
	for i := range page.Items {
		if r.see(c, &page.Items[i]) {
			r.secrets.Add(1)
		}
	}
	return page.Continue, nil
}

// see marks an object as listed; false means that the index does not know it or that it was seen before.
func (r *run) see(c *comparison, o metav1.Object) bool {
	i, ok := c.place[[2]string{o.GetNamespace(), o.GetName()}]
	if !ok || c.states[i] == listed {
		return false
	}
	c.states[i] = listed
	if o.GetResourceVersion() != strconv.FormatInt(r.in.Index.At(c.wanted[i].entry).ModRevision, 10) {
		c.rewritten++
	}
	return true
}

const (
	singleReaders  = 8
	singleFailures = 200 // of one resource, after which the rest of it is not looked at
)

var errEnough = errors.New("enough")

// single reads the objects one by one that no list has shown, and says of each what is wrong with it.
func (r *run) single(ctx context.Context, c *comparison) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(singleReaders)
	var failures, examined atomic.Int64
	todo := int64(0)
	for i, w := range c.wanted {
		if c.states[i] != unseen {
			continue
		}
		todo++
		group.Go(func() error {
			if failures.Load() >= singleFailures {
				return errEnough
			}
			err := r.get(within, c, w)
			if within.Err() != nil {
				return within.Err()
			}
			if busy(err) {
				failures.Add(1)
				return nil
			}
			examined.Add(1)
			if err == nil {
				c.states[i] = listed // each goroutine has its own place
				return nil
			}
			known, err := r.explain(within, c, w, err)
			if err == nil && known {
				failures.Add(1)
				c.states[i] = reported
			}
			return err
		})
	}
	err := group.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if left := todo - examined.Load(); left > 0 {
		r.skip(c, int(left))
	}
	return nil
}

// skip gives up on what was not seen of a resource.
func (r *run) skip(c *comparison, left int) {
	r.problems.add(NotExamined, c.GroupResource().String(), "count", strconv.Itoa(left))
	for i := range c.states {
		if c.states[i] == unseen {
			c.states[i] = reported
		}
	}
}

// busy says that an error is about the API server and not about an object.
func busy(err error) bool {
	var answer apierrors.APIStatus
	return err != nil && !errors.Is(err, errOther) && (!errors.As(err, &answer) || apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err))
}

// errOther is for a key under which another object is stored.
var errOther = errors.New("the value says that it is another object")

func (r *run) get(ctx context.Context, c *comparison, w want) error {
	var o metav1.Object
	var err error
	secret := c.GroupResource() == schema.GroupResource{Resource: "secrets"}
	if secret {
		o, err = r.api.typed.CoreV1().Secrets(w.namespace).Get(ctx, w.name, metav1.GetOptions{})
	} else {
		o, err = r.api.metadata.Resource(c.GroupVersionResource).Namespace(w.namespace).Get(ctx, w.name, metav1.GetOptions{})
	}
	if err != nil {
		return err
	}
	if o.GetNamespace() != w.namespace || o.GetName() != w.name {
		return errOther
	}
	if secret {
		r.secrets.Add(1)
	}
	return nil
}

// explain reports why an object cannot be read; known is false when etcd no longer has it.
func (r *run) explain(ctx context.Context, c *comparison, w want, why error) (known bool, err error) {
	resp, err := r.etcd.Get(ctx, r.in.Index.At(w.entry).Key)
	if err != nil {
		return false, fmt.Errorf("reading the restored etcd: %w", err)
	}
	if len(resp.Kvs) == 0 {
		return false, nil
	}
	if errors.Is(why, errOther) {
		return false, nil // which leaves it unlisted
	}
	if provider, key, ok := encryptedBy(resp.Kvs[0].Value); ok {
		r.problems.add(DecryptFailed, c.object(w), "provider", provider, "key", key)
		return true, nil
	}
	r.problems.add(Unreadable, c.object(w), "reason", c.reason(why))
	return true, nil
}

// encryptedBy reads who encrypted a value: k8s:enc:PROVIDER:VERSION:KEY:…
func encryptedBy(value []byte) (provider, key string, ok bool) {
	rest, ok := strings.CutPrefix(string(value[:min(len(value), 300)]), "k8s:enc:")
	if !ok {
		return "", "", false
	}
	parts := strings.SplitN(rest, ":", 4)
	if len(parts) < 4 {
		return oneLine(parts[0]), "", true
	}
	return oneLine(parts[0]), oneLine(parts[2]), true
}

// reason is what the API says about an object, except where that might quote what is secret.
func (c *comparison) reason(err error) string {
	if c.Group == "" && c.GroupVersionResource.Resource == "secrets" {
		return "it cannot be decoded"
	}
	return oneLine(err.Error())
}
