package component

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/object"
)

// derived are resources that controllers write from others, or that say nothing about tomorrow.
var derived = map[schema.GroupResource]bool{
	{Resource: "events"}:                                                   true,
	{Group: "events.k8s.io", Resource: "events"}:                           true,
	{Resource: "endpoints"}:                                                true,
	{Group: "discovery.k8s.io", Resource: "endpointslices"}:                true,
	{Group: "coordination.k8s.io", Resource: "leases"}:                     true,
	{Group: "coordination.k8s.io", Resource: "leasecandidates"}:            true,
	{Group: "apps", Resource: "controllerrevisions"}:                       true,
	{Resource: "componentstatuses"}:                                        true,
	{Resource: "bindings"}:                                                 true,
	{Group: "certificates.k8s.io", Resource: "certificatesigningrequests"}: true,
	{Group: "storage.k8s.io", Resource: "csistoragecapacities"}:            true,
	{Group: "metrics.k8s.io", Resource: "pods"}:                            true,
	{Group: "metrics.k8s.io", Resource: "nodes"}:                           true,
}

const resourcePage = 500

// resources writes every object that a person or a program has made, without what the cluster fills in, as YAML below
// namespaces/<namespace>/<resource>.<group>/ and cluster/<resource>.<group>/. Secrets go into one sealed archive.
func (e Env) resources(ctx context.Context, c v1alpha1.BackupComponent, w Writer) (*Record, error) {
	if e.Connection == nil {
		return nil, absent("ClusterSilent", e.Cluster.Name, nil)
	}
	config := rest.CopyConfig(e.Connection.Config)
	config.ContentConfig = rest.ContentConfig{}
	config.RateLimiter, config.QPS = nil, -1 // pages come one after the other
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("preparing to list resources: %w", err)
	}
	r := &Record{From: e.Cluster.Name, Version: e.Connection.Version()}
	lists, failed, err := preferred(e.Connection.Client.Discovery())
	if err != nil {
		return nil, absent("ClusterSilent", e.Cluster.Name, err)
	}
	for _, group := range failed {
		r.Missing = append(r.Missing, missing("GroupSilent", group, nil))
	}
	var secrets bytes.Buffer // bounded by what etcd may hold of them
	sealed := tar.NewWriter(&secrets)
	for _, gvr := range lists {
		err := each(ctx, client, gvr, c.Namespaces, func(u *unstructured.Unstructured) error {
			if metav1.GetControllerOfNoCopy(u) != nil || generated(gvr.GroupResource(), u) {
				return nil
			}
			data, err := object.YAML(object.Clean(u))
			if err != nil {
				return fmt.Errorf("writing %s %s/%s: %w", gvr.Resource, u.GetNamespace(), u.GetName(), err)
			}
			p := manifestPath(gvr.GroupResource(), u.GetNamespace(), u.GetName())
			if gvr.GroupResource() == (schema.GroupResource{Resource: "secrets"}) {
				return addTo(sealed, p, data)
			}
			if _, err := w.File(p, stamp(0o600), bytes.NewReader(data)); err != nil {
				return &memberError{err}
			}
			return nil
		})
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.As(err, new(*memberError)):
			return nil, err
		default:
			r.Missing = append(r.Missing, missing("ResourceUnreadable", gvr.GroupResource().String(), err))
		}
	}
	if err := sealed.Close(); err != nil {
		return nil, err
	}
	err = e.sealed(w, "secrets.tar.age", func(to io.Writer) error {
		_, err := to.Write(secrets.Bytes())
		return err
	})
	return r, err
}

// preferred are the resources that can be listed, in the version that the server prefers, and the groups that did not answer.
func preferred(d discovery.DiscoveryInterface) (out []schema.GroupVersionResource, failed []string, err error) {
	lists, err := d.ServerPreferredResources()
	var partial *discovery.ErrGroupDiscoveryFailed
	if errors.As(err, &partial) {
		for gv := range partial.Groups {
			failed = append(failed, gv.Group)
		}
	} else if err != nil {
		return nil, nil, err
	}
	for _, l := range lists {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil {
			continue
		}
		for _, a := range l.APIResources {
			gvr := gv.WithResource(a.Name)
			if !strings.Contains(a.Name, "/") && slices.Contains(a.Verbs, "list") && !derived[gvr.GroupResource()] && gv.Group != "metrics.k8s.io" {
				out = append(out, gvr)
			}
		}
	}
	slices.SortFunc(out, func(a, b schema.GroupVersionResource) int { return strings.Compare(a.String(), b.String()) })
	slices.Sort(failed)
	return out, slices.Compact(failed), nil
}

// each lists the objects of a resource, page by page.
func each(ctx context.Context, client dynamic.Interface, gvr schema.GroupVersionResource, namespaces []string, fn func(*unstructured.Unstructured) error) error {
	options := metav1.ListOptions{Limit: resourcePage}
	for {
		limited, cancel := context.WithTimeout(ctx, time.Minute)
		list, err := client.Resource(gvr).List(limited, options)
		cancel()
		if err != nil {
			return err
		}
		for i := range list.Items {
			u := &list.Items[i]
			if len(namespaces) > 0 && !slices.Contains(namespaces, u.GetNamespace()) {
				continue
			}
			if err := fn(u); err != nil {
				return err
			}
		}
		if options.Continue = list.GetContinue(); options.Continue == "" {
			return nil
		}
	}
}

// generated objects come back by themselves in every namespace or cluster.
func generated(gr schema.GroupResource, u *unstructured.Unstructured) bool {
	switch gr.String() {
	case "configmaps":
		return u.GetName() == "kube-root-ca.crt"
	case "serviceaccounts":
		return u.GetName() == "default"
	case "secrets":
		t, _, _ := unstructured.NestedString(u.Object, "type")
		return t == "kubernetes.io/service-account-token"
	}
	return false
}

func manifestPath(gr schema.GroupResource, namespace, name string) string {
	dir := path.Join("cluster", gr.String())
	if namespace != "" {
		dir = path.Join("namespaces", namespace, gr.String())
	}
	return path.Join(dir, strings.NewReplacer("/", "_", ":", "_").Replace(name)+".yaml")
}

func addTo(t *tar.Writer, name string, data []byte) error {
	if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(data)), ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err := t.Write(data)
	return err
}
