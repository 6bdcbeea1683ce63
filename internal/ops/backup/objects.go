package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/backup/object"
	"kanrin.dev/kanrin/internal/backup/snapshot"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/plan"
)

// ObjectsPlanner plans objects of a set to be written back.
type ObjectsPlanner struct{ base }

// ObjectFacts are what the plan of one object rests on.
type ObjectFacts struct {
	Object v1alpha1.SnapshotObject
	// To is the namespace that it goes to.
	To string
	// Dependent says that it was added because another refers to it; Offered that it could be.
	Dependent, Offered bool
	// Live is the digest of what a person may set of the object as it is now; empty when there is none.
	Live string
	// Same says that the live object is already as it was.
	Same bool
	// Changes are the paths that would change.
	Changes []string
	// Refused is what the API server answers to a dry run; Immutable that only recreating helps.
	Refused   string
	Immutable bool
	// Absent says that the set does not have it.
	Absent bool
	// Owner was an owner in the set that is not there now; the reference is left out.
	LostOwners []string
}

// ObjectsFacts are what the plan rests on.
type ObjectsFacts struct {
	Cluster, Set string
	Objects      []ObjectFacts
	// NoNamespace names namespaces that do not exist now.
	NoNamespace []string
}

// restorer reads from a set and compares with the cluster.
type restorer struct {
	set    *backup.Set
	client dynamic.Interface
	mapper meta.RESTMapper
	req    *v1alpha1.RestoreObjectsRequest
}

func newRestorer(c *fleet.Connection, set *backup.Set, req *v1alpha1.RestoreObjectsRequest) (*restorer, error) {
	config := rest.CopyConfig(c.Config)
	config.ContentConfig = rest.ContentConfig{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("preparing to restore objects: %w", err)
	}
	groups, err := restmapper.GetAPIGroupResources(c.Client.Discovery())
	if err != nil {
		return nil, fmt.Errorf("reading which resources the cluster serves: %w", err)
	}
	return &restorer{set: set, client: client, mapper: restmapper.NewDiscoveryRESTMapper(groups), req: req}, nil
}

// wanted is the object as it would be written, and where to.
func (r *restorer) wanted(ctx context.Context, o v1alpha1.SnapshotObject) (*unstructured.Unstructured, dynamic.ResourceInterface, error) {
	was, err := r.set.Object(ctx, snapshot.Name{Group: o.Group, Resource: o.Resource, Namespace: o.Namespace, Name: o.Name})
	if err != nil {
		return nil, nil, err
	}
	u := object.Restorable(was)
	to := o.Namespace
	if to != "" && r.req.ToNamespace != "" {
		to = r.req.ToNamespace
		u.SetNamespace(to)
	}
	gvr, err := r.resource(o, was)
	if err != nil {
		return nil, nil, err
	}
	var at dynamic.ResourceInterface = r.client.Resource(gvr)
	if to != "" {
		at = r.client.Resource(gvr).Namespace(to)
	}
	return u, at, nil
}

// resource finds how the cluster serves what the set holds: in the stored version, or in another one.
func (r *restorer) resource(o v1alpha1.SnapshotObject, u *unstructured.Unstructured) (schema.GroupVersionResource, error) {
	gvr := u.GroupVersionKind().GroupVersion().WithResource(o.Resource)
	if _, err := r.mapper.ResourceFor(gvr); err == nil {
		return gvr, nil
	}
	gvr, err := r.mapper.ResourceFor(schema.GroupVersionResource{Group: o.Group, Resource: o.Resource})
	if err != nil {
		return gvr, fmt.Errorf("the cluster does not serve %s: %w", schema.GroupResource{Group: o.Group, Resource: o.Resource}, err)
	}
	u.SetAPIVersion(gvr.GroupVersion().String())
	return gvr, nil
}

const fieldManager = "kanrin-restore"

// examine compares one object with the cluster and asks the API server, by a dry run, whether it would take it.
func (r *restorer) examine(ctx context.Context, o v1alpha1.SnapshotObject, dependent bool) (ObjectFacts, *unstructured.Unstructured, error) {
	f := ObjectFacts{Object: o, Dependent: dependent, To: o.Namespace}
	if o.Namespace != "" && r.req.ToNamespace != "" {
		f.To = r.req.ToNamespace
	}
	u, at, err := r.wanted(ctx, o)
	if errors.Is(err, fs.ErrNotExist) {
		f.Absent = true
		return f, nil, nil
	}
	if err != nil {
		return f, nil, err
	}
	f.LostOwners, err = r.owners(ctx, u)
	if err != nil {
		return f, nil, err
	}
	live, err := at.Get(ctx, o.Name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return f, nil, fmt.Errorf("reading %s as it is now: %w", describe(o), err)
	}
	if err == nil {
		if f.Live, err = settings(live); err != nil {
			return f, nil, err
		}
		for _, d := range object.Diff(object.Clean(live), object.Clean(u)) {
			f.Changes = append(f.Changes, d.Path)
		}
		f.Same = len(f.Changes) == 0
		if len(f.Changes) > 50 {
			f.Changes = append(f.Changes[:50:50], "…")
		}
	}
	if !f.Same {
		if err := r.write(ctx, at, u, live, f.Live != "", true); err != nil {
			f.Refused, f.Immutable = err.Error(), f.Live != "" && apierrors.IsInvalid(err)
		}
	}
	return f, u, nil
}

// settings is the digest of what a person may set of an object: its status may change at any time.
func settings(u *unstructured.Unstructured) (string, error) {
	data, err := object.YAML(object.Clean(u))
	if err != nil {
		return "", fmt.Errorf("reading %s %s: %w", u.GetKind(), u.GetName(), err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8]), nil
}

// write creates the object, or replaces what the live one says by what the set says, in one request.
func (r *restorer) write(ctx context.Context, at dynamic.ResourceInterface, u, live *unstructured.Unstructured, exists, dry bool) error {
	var run []string
	if dry {
		run = []string{metav1.DryRunAll}
	}
	if !exists {
		_, err := at.Create(ctx, u.DeepCopy(), metav1.CreateOptions{DryRun: run, FieldManager: fieldManager})
		return err
	}
	_, err := at.Update(ctx, object.Replacement(live, u), metav1.UpdateOptions{DryRun: run, FieldManager: fieldManager})
	return err
}

// owners gives owner references the UIDs of today, and drops those to owners that are gone: the garbage collector would delete the object.
func (r *restorer) owners(ctx context.Context, u *unstructured.Unstructured) (lost []string, err error) {
	var kept []metav1.OwnerReference
	for _, o := range u.GetOwnerReferences() {
		gv, err := schema.ParseGroupVersion(o.APIVersion)
		if err != nil {
			continue
		}
		m, err := r.mapper.RESTMapping(schema.GroupKind{Group: gv.Group, Kind: o.Kind})
		if err != nil {
			lost = append(lost, o.Kind+"/"+o.Name)
			continue
		}
		var at dynamic.ResourceInterface = r.client.Resource(m.Resource)
		if m.Scope.Name() == meta.RESTScopeNameNamespace {
			at = r.client.Resource(m.Resource).Namespace(u.GetNamespace())
		}
		live, err := at.Get(ctx, o.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			lost = append(lost, o.Kind+"/"+o.Name)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading owner %s/%s: %w", o.Kind, o.Name, err)
		}
		o.UID = live.GetUID()
		kept = append(kept, o)
	}
	u.SetOwnerReferences(kept)
	return lost, nil
}

func describe(o v1alpha1.SnapshotObject) string {
	s := o.Resource
	if o.Group != "" {
		s += "." + o.Group
	}
	if o.Namespace != "" {
		return s + " " + o.Namespace + "/" + o.Name
	}
	return s + " " + o.Name
}

// gather examines all objects; dependents are those that they refer to and the cluster lacks.
func (p *ObjectsPlanner) gather(ctx context.Context, op *v1alpha1.Operation) (*ObjectsFacts, error) {
	req := op.Spec.RestoreObjects
	conn, err := p.Connect(ctx, op.Namespace)
	if err != nil {
		return nil, err
	}
	if _, err := p.backupOf(ctx, op.Namespace, req.Backup); err != nil {
		return nil, err
	}
	set, err := p.d.Store.Set(ctx, op.Namespace, req.Backup)
	if err != nil {
		return nil, stored(ctx, req.Backup, err)
	}
	defer set.Close() //nolint:errcheck // only read from
	r, err := newRestorer(conn, set, req)
	if err != nil {
		return nil, err
	}
	f := &ObjectsFacts{Cluster: op.Namespace, Set: req.Backup}
	seen := map[v1alpha1.SnapshotObject]bool{}
	namespaces := map[string]bool{}
	for _, o := range req.Objects {
		if seen[o] {
			continue
		}
		seen[o] = true
		x, u, err := r.examine(ctx, o, false)
		if err != nil {
			return nil, plan.Fail("ObjectNotExamined", describe(o), err)
		}
		f.Objects = append(f.Objects, x)
		if u != nil && x.To != "" {
			namespaces[x.To] = true
		}
		for _, d := range object.Refers(u) {
			n := v1alpha1.SnapshotObject{Resource: d.Resource, Group: d.Group, Namespace: o.Namespace, Name: d.Name}
			if seen[n] {
				continue
			}
			seen[n] = true
			y, _, err := r.examine(ctx, n, true)
			if err != nil {
				return nil, plan.Fail("ObjectNotExamined", describe(n), err)
			}
			if y.Live == "" && !y.Absent { // what is there is left as it is
				y.Offered = !req.Dependents
				f.Objects = append(f.Objects, y)
			}
		}
	}
	for ns := range namespaces {
		if _, err := conn.Client.CoreV1().Namespaces().Get(ctx, ns, metav1.GetOptions{}); apierrors.IsNotFound(err) {
			f.NoNamespace = append(f.NoNamespace, ns)
		}
	}
	slices.Sort(f.NoNamespace)
	return f, nil
}

// Facts implements plan.Planner.
func (p *ObjectsPlanner) Facts(ctx context.Context, op *v1alpha1.Operation) (any, error) {
	return p.gather(ctx, op)
}

// Plan implements plan.Planner.
func (p *ObjectsPlanner) Plan(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	f, err := p.gather(ctx, op)
	if err != nil {
		return nil, err
	}
	return ComposeObjects(f, op.Spec.RestoreObjects)
}

// objectArgs are those of one object.
type objectArgs struct {
	Set      string                  `json:"set"`
	Object   v1alpha1.SnapshotObject `json:"object"`
	Live     string                  `json:"live,omitempty"`
	Recreate bool                    `json:"recreate,omitempty"`
}

// ComposeObjects makes the plan: what others refer to comes first.
func ComposeObjects(f *ObjectsFacts, req *v1alpha1.RestoreObjectsRequest) (*plan.Draft, error) {
	c := &plan.Composer{}
	for _, ns := range f.NoNamespace {
		if !slices.ContainsFunc(f.Objects, func(o ObjectFacts) bool {
			return o.Object.Resource == "namespaces" && o.Object.Group == "" && o.Object.Name == ns
		}) {
			c.Find(v1alpha1.SeverityBlocker, "NamespaceMissing", "Namespace", ns, nil)
		}
	}
	order := slices.Clone(f.Objects)
	slices.SortStableFunc(order, func(a, b ObjectFacts) int { return early(a) - early(b) })
	n := 0
	for _, o := range order {
		name := describe(o.Object)
		recreate := false
		switch {
		case o.Absent:
			c.Find(v1alpha1.SeverityBlocker, "ObjectAbsent", o.Object.Resource, name, nil, "set", f.Set)
			continue
		case o.Offered:
			c.Find(v1alpha1.SeverityWarning, "DependentMissing", o.Object.Resource, name,
				[]v1alpha1.Way{{Code: "dependents", Flag: "--dependents", Field: "dependents", Value: "true"}})
			continue
		case o.Same:
			c.Find(v1alpha1.SeverityInfo, "ObjectSame", o.Object.Resource, name, nil)
			continue
		case o.Refused != "" && o.Immutable:
			recreate = req.Recreate
			if !recreate {
				c.Find(v1alpha1.SeverityBlocker, "ObjectImmutable", o.Object.Resource, name,
					[]v1alpha1.Way{{Code: "recreate", Flag: "--recreate", Field: "recreate", Value: "true"}}, "error", o.Refused)
			} else {
				c.Find(v1alpha1.SeverityWarning, "ObjectRecreated", o.Object.Resource, name, nil)
			}
		case o.Refused != "" && !slices.Contains(f.NoNamespace, o.To):
			c.Find(v1alpha1.SeverityBlocker, "ObjectRefused", o.Object.Resource, name, nil, "error", o.Refused)
		}
		if len(o.LostOwners) > 0 {
			c.Find(v1alpha1.SeverityWarning, "OwnerLost", o.Object.Resource, name, nil, "owners", strings.Join(o.LostOwners, ", "))
		}
		n++
		if o.Live != "" {
			c.Say("ObjectReplaced", "object", name, "count", len(o.Changes), "changes", strings.Join(o.Changes[:min(5, len(o.Changes))], ", "))
		} else {
			c.Say("ObjectCreated", "object", name)
		}
		c.Step(v1alpha1.Step{ID: fmt.Sprintf("restore-%d", n), Kind: KindApply, Targets: []string{name}, ForecastSeconds: 1, TimeoutSeconds: quick},
			objectArgs{f.Set, o.Object, o.Live, recreate}, "object", name)
	}
	return c.Draft(f, target(req))
}

func target(req *v1alpha1.RestoreObjectsRequest) string {
	var out []string
	for i, o := range req.Objects {
		if i == 3 {
			out = append(out, "…")
			break
		}
		out = append(out, describe(o))
	}
	return strings.Join(out, ", ")
}

// early ranks objects: namespaces, then what pods refer to, then the rest.
func early(o ObjectFacts) int {
	switch {
	case o.Object.Resource == "namespaces":
		return 0
	case o.Object.Resource == "customresourcedefinitions":
		return 1
	case o.Dependent, o.Object.Resource == "configmaps", o.Object.Resource == "secrets", o.Object.Resource == "serviceaccounts":
		return 2
	}
	return 3
}

// Report implements plan.Planner.
func (p *ObjectsPlanner) Report(_ context.Context, op *v1alpha1.Operation, _ []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error) {
	n := len(op.Status.Plan.Steps)
	return []v1alpha1.Line{plan.ReportLine("ObjectsRestored", "count", n, "set", op.Spec.RestoreObjects.Backup)}, map[string]int64{"objects": int64(n)}, nil
}
