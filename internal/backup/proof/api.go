package proof

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// api is access to the booted API server.
type api struct {
	discovery discovery.DiscoveryInterface
	metadata  metadata.Interface
	dynamic   dynamic.Interface
	typed     kubernetes.Interface
}

func newAPI(conf *rest.Config) (*api, error) {
	conf = rest.CopyConfig(conf)
	conf.Timeout, conf.WarningHandler = time.Minute, rest.NoWarnings{}
	a := &api{}
	var err error
	if a.discovery, err = discovery.NewDiscoveryClientForConfig(conf); err != nil {
		return nil, fmt.Errorf("making clients for the scratch API: %w", err)
	}
	if a.dynamic, err = dynamic.NewForConfig(conf); err != nil {
		return nil, fmt.Errorf("making clients for the scratch API: %w", err)
	}
	if a.metadata, err = metadata.NewForConfig(metadata.ConfigFor(conf)); err != nil {
		return nil, fmt.Errorf("making clients for the scratch API: %w", err)
	}
	proto := rest.CopyConfig(conf)
	proto.AcceptContentTypes, proto.ContentType = "application/vnd.kubernetes.protobuf", "application/vnd.kubernetes.protobuf"
	if a.typed, err = kubernetes.NewForConfig(proto); err != nil {
		return nil, fmt.Errorf("making clients for the scratch API: %w", err)
	}
	return a, nil
}

// startAPI starts the API server and waits until it is ready. One that answers without ever being ready can still tell which
// objects keep it from that, so after a while it is asked nevertheless.
func (r *run) startAPI(ctx context.Context) error {
	r.plane.StartAPI()
	patience, cancel := context.WithTimeout(ctx, r.conf.Patience)
	defer cancel()
	ready := make(chan error, 1)
	go func() { ready <- r.plane.WaitReady(patience) }() // ends with patience
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var enough <-chan time.Time
	for {
		select {
		case err := <-ready:
			return r.started(ctx, err)
		case <-enough:
			r.notReady = true
			return nil
		case <-tick.C:
			if enough == nil && r.answers() == nil {
				enough = time.After(r.conf.Settle)
			}
		}
	}
}

func (r *run) started(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && r.scratch.full() {
		return err
	}
	if answer := r.answers(); err == nil {
		err = answer
	} else if answer == nil {
		r.notReady = true
		return nil
	}
	if err != nil {
		r.problems.add(APIFailed, "", "reason", r.reason(err))
		return errHopeless
	}
	return nil
}

// answers asks for the version; the address may change until the API server has been ready.
func (r *run) answers() error {
	a, err := newAPI(r.plane.RESTConfig())
	if err != nil {
		return err
	}
	version, err := a.discovery.ServerVersion()
	if err != nil {
		return err
	}
	r.api, r.result.KubernetesVersion = a, version.GitVersion
	return nil
}

// served is a resource as it is to be listed.
type served struct {
	schema.GroupVersionResource
	// custom is its definition's name, for a resource that is defined by one.
	custom string
	// webhook says that other versions of it are converted by one.
	webhook bool
}

// notStored are resources that can be listed and are not in etcd; to list some of them, the API server would call others.
var notStored = map[schema.GroupResource]bool{
	{Resource: "componentstatuses"}: true,
	// The same objects as events of the core group.
	{Group: "events.k8s.io", Resource: "events"}: true,
}

// resources finds out what can be listed: built-in resources in the version that the API prefers, custom resources in the one
// that they are stored in, which needs no conversion.
func (r *run) resources(ctx context.Context) (map[schema.GroupResource]served, error) {
	aggregated := r.aggregated(ctx)
	groups, lists, failed, err := r.api.discovery.(*discovery.DiscoveryClient).GroupsAndMaybeResources()
	if err != nil {
		return nil, fmt.Errorf("asking the scratch API what it serves: %w", err)
	}
	for gv, err := range failed {
		if !aggregated[gv] {
			r.problems.add(DiscoveryFailed, gv.String(), "reason", r.reason(err))
		}
	}
	found := map[schema.GroupResource]served{}
	for _, group := range groups.Groups {
		versions := []string{group.PreferredVersion.Version}
		for _, v := range group.Versions {
			versions = append(versions, v.Version)
		}
		for _, version := range versions {
			if version == "" { // an aggregated group that does not answer has none
				continue
			}
			gv := schema.GroupVersion{Group: group.Name, Version: version}
			list := lists[gv]
			if list == nil && !aggregated[gv] && failed[gv] == nil {
				if list, err = r.api.discovery.ServerResourcesForGroupVersion(gv.String()); err != nil {
					r.problems.add(DiscoveryFailed, gv.String(), "reason", r.reason(err))
				}
			}
			if list == nil || aggregated[gv] {
				continue
			}
			for _, resource := range list.APIResources {
				gr := schema.GroupResource{Group: group.Name, Resource: resource.Name}
				if _, have := found[gr]; have || notStored[gr] || !canList(resource.Verbs) {
					continue
				}
				found[gr] = served{GroupVersionResource: gr.WithVersion(version)}
			}
		}
	}
	r.customResources(ctx, found)
	return found, nil
}

func canList(verbs []string) bool {
	for _, v := range verbs {
		if v == "list" {
			return true
		}
	}
	return false
}
