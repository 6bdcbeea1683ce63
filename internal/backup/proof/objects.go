package proof

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// want is an object that the index knows; entry is its place in there.
type want struct {
	namespace, name string
	entry           int
}

func (w want) id() [2]string { return [2]string{w.namespace, w.name} }

// state of a wanted object.
type state byte

const (
	unseen state = iota
	listed
	reported // there is a Problem about it
)

// comparison of one resource with the index.
type comparison struct {
	served
	wanted    []want // in the order of the keys
	states    []state
	place     map[[2]string]int // in wanted
	rewritten int
}

// survey sorts the keys of the index by resource.
func (r *run) survey() {
	r.wanted = map[schema.GroupResource][]want{}
	others, derived := 0, 0
	for i := range r.in.Index.Len() {
		n, ok := r.in.Index.Name(r.in.Index.At(i).Key)
		switch {
		case !ok:
			others++
			continue
		case !n.Served():
			derived++
			continue
		}
		gr := schema.GroupResource{Group: n.Group, Resource: n.Resource}
		r.wanted[gr] = append(r.wanted[gr], want{namespace: n.Namespace, name: n.Name, entry: i})
	}
	if others > 0 {
		r.excluded.add(ExcludedOtherKeys, "", "count", strconv.Itoa(others))
	}
	if derived > 0 {
		r.excluded.add(ExcludedUnserved, "", "count", strconv.Itoa(derived))
	}
	for _, kind := range []string{"mutatingwebhookconfigurations", "validatingwebhookconfigurations"} {
		for _, w := range r.wanted[schema.GroupResource{Group: "admissionregistration.k8s.io", Resource: kind}] {
			r.excluded.add(ExcludedAdmission, kind+".admissionregistration.k8s.io/"+w.name)
		}
	}
}

// compareObjects lists every resource and looks for every object of the index in the lists. An API server that is not ready
// has either met what it cannot read, which the lists then show, or needs more time, after which they are asked for again.
func (r *run) compareObjects(ctx context.Context) error {
	r.survey()
	problems, excluded := r.problems.save(), r.excluded.save()
	if err := r.lists(ctx); err != nil || !r.notReady {
		return err
	}
	patience := r.conf.Patience
	if r.problems.any(Unreadable, DecryptFailed) {
		patience = time.Second
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := r.plane.WaitReady(wait); ctx.Err() != nil {
		return ctx.Err()
	} else if err != nil {
		r.problems.add(APINotReady, "", "reason", r.reason(err))
		return nil
	}
	problems()
	excluded()
	r.notReady, r.result.Resources = false, nil
	r.secrets.Store(0)
	return r.lists(ctx)
}

func (r *run) lists(ctx context.Context) error {
	resources, err := r.resources(ctx)
	if err != nil {
		r.problems.add(DiscoveryFailed, "", "reason", r.reason(err))
		return errHopeless
	}
	all := make([]*comparison, 0, len(resources))
	for gr, s := range resources {
		c := &comparison{served: s, wanted: r.wanted[gr], place: map[[2]string]int{}}
		c.states = make([]state, len(c.wanted))
		for i, w := range c.wanted {
			c.place[w.id()] = i
		}
		all = append(all, c)
	}
	// The largest first, so that none of them is left for the end.
	slices.SortFunc(all, func(a, b *comparison) int {
		return cmpBy(len(b.wanted)-len(a.wanted), strings.Compare(a.GroupResource().String(), b.GroupResource().String()))
	})
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, c := range all {
		group.Go(func() error { return r.list(within, c) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return r.report(ctx, resources, all)
}

func cmpBy(orders ...int) int {
	for _, o := range orders {
		if o != 0 {
			return o
		}
	}
	return 0
}

// report says what is not in the lists, and why that may be.
func (r *run) report(ctx context.Context, resources map[schema.GroupResource]served, all []*comparison) error {
	present, err := r.present(ctx, all)
	if err != nil {
		return err
	}
	for _, c := range all {
		res := Resource{Group: c.Group, Version: c.Version, Resource: c.GroupVersionResource.Resource, Stored: len(c.wanted), Rewritten: c.rewritten}
		hash := sha256.New()
		for i, w := range c.wanted {
			e := r.in.Index.At(w.entry)
			switch {
			case c.states[i] == listed:
				res.Listed++
				fmt.Fprintf(hash, "%s/%s %d\n", w.namespace, w.name, e.ModRevision)
			case c.states[i] == reported:
			case present[e.Key]:
				r.problems.add(NotListed, c.object(w))
			case e.Lease != 0:
				res.Expired++
			default:
				res.Removed++
			}
		}
		res.Digest = hex.EncodeToString(hash.Sum(nil))
		if res.Stored > 0 {
			r.result.Resources = append(r.result.Resources, res)
		}
	}
	for gr, wanted := range r.wanted {
		if _, ok := resources[gr]; !ok {
			r.notServed(gr, wanted)
		}
	}
	slices.SortFunc(r.result.Resources, func(a, b Resource) int {
		return cmpBy(strings.Compare(a.Group, b.Group), strings.Compare(a.Resource, b.Resource))
	})
	return nil
}

// notServed reports objects that nobody can read; groups that Kubernetes does not know are those of custom resources.
func (r *run) notServed(gr schema.GroupResource, wanted []want) {
	wanted = slices.DeleteFunc(slices.Clone(wanted), func(w want) bool { return r.in.Index.At(w.entry).Lease != 0 })
	if len(wanted) == 0 {
		return
	}
	count, example := strconv.Itoa(len(wanted)), strings.TrimPrefix(wanted[0].namespace+"/"+wanted[0].name, "/")
	r.result.Resources = append(r.result.Resources, Resource{Group: gr.Group, Resource: gr.Resource, Stored: len(wanted)})
	if scheme.Scheme.IsGroupRegistered(gr.Group) {
		r.problems.add(NotServed, gr.String(), "count", count, "example", example, "kubernetes", r.result.KubernetesVersion)
		return
	}
	r.problems.add(DefinitionMissing, gr.String(), "count", count, "example", example)
}

// present returns which of the unseen objects are in etcd now; the others were read from it before the API server started.
func (r *run) present(ctx context.Context, all []*comparison) (map[string]bool, error) {
	var keys []string
	for _, c := range all {
		for i, w := range c.wanted {
			if c.states[i] == unseen {
				keys = append(keys, r.in.Index.At(w.entry).Key)
			}
		}
	}
	var mu sync.Mutex
	found := map[string]bool{}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, key := range keys {
		group.Go(func() error {
			resp, err := r.etcd.Get(within, key, clientv3.WithCountOnly())
			if err != nil {
				return fmt.Errorf("reading the restored etcd: %w", err)
			}
			mu.Lock()
			defer mu.Unlock()
			found[key] = resp.Count > 0
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return found, nil
}

// object names a wanted object for people.
func (c *comparison) object(w want) string {
	name := c.GroupResource().String() + "/"
	if w.namespace != "" {
		name += w.namespace + "/"
	}
	return name + w.name
}
