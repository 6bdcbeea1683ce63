package main

import (
	"context"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli/moment"
	"kanrin.dev/kanrin/internal/cli/render"
)

// maxObjects is how many objects one operation restores.
const maxObjects = 200

func (a *app) newSnapshotRestore() *cobra.Command {
	var o snapshotOptions
	var r v1alpha1.RestoreObjectsRequest
	var act actOptions
	c := a.command("snapshot.restore", "restore RESOURCE/NAME… [flags]", nil)
	c.Example = `  kanrin snapshot restore deployment/web -n shop --at yesterday
  kanrin snapshot restore deployments/shop/web configmaps/shop/web --dependents --plan-only
  kanrin snapshot restore deployment/web -n shop --to-namespace shop-before`
	c.Args = a.arguments(1, -1, "RESOURCE/NAME")
	a.atFlag(c, &o.at, "at", moment.Latest, "cli.flag.snapshot.at")
	a.namespaceFlag(c, &o.namespace, "cli.flag.snapshot.namespace")
	f := c.Flags()
	f.BoolVar(&r.Dependents, "dependents", false, a.t("cli.flag.snapshot.dependents"))
	f.StringVar(&r.ToNamespace, "to-namespace", "", a.t("cli.flag.snapshot.toNamespace"))
	f.BoolVar(&r.Recreate, "recreate", false, a.t("cli.flag.snapshot.recreate"))
	a.actFlags(c, &act)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		what := a.t("cli.what.act.RestoreObjects", "nodes", nodeList(args))
		names, err := a.objectNames(what, o.namespace, args)
		if err != nil {
			return err
		}
		if len(names) > maxObjects {
			return a.badInput(what, a.t("cli.why.tooManyObjects", "count", len(names), "most", maxObjects), a.t("cli.next.tooManyObjects"))
		}
		return a.requested(cmd.Context(), what, act, func(s *session, cluster string) (v1alpha1.OperationSpec, error) {
			b, err := s.set(cmd.Context(), what, cluster, o.at, browsable)
			if err != nil {
				return v1alpha1.OperationSpec{}, err
			}
			r.Backup = b.Name
			seen := map[string]bool{}
			for _, n := range names {
				object, err := s.inSet(cmd.Context(), cluster, b.Name, n)
				if err != nil {
					return v1alpha1.OperationSpec{}, err
				}
				if key := render.Object(object); !seen[key] {
					seen[key] = true
					r.Objects = append(r.Objects, object)
				}
			}
			return v1alpha1.OperationSpec{Type: v1alpha1.OperationRestoreObjects, RestoreObjects: &r}, nil
		})
	}
	return c
}

// inSet is an object by its full name, whatever short one it was typed by. One that the set does not have is refused here.
func (s *session) inSet(ctx context.Context, cluster, set string, n inventory.SnapshotName) (v1alpha1.SnapshotObject, error) {
	content, err := s.SnapshotContent(ctx, cluster, set, n, false, false)
	if err != nil {
		return v1alpha1.SnapshotObject{}, s.explain(s.app.t("cli.what.snapshot.restoreOf", "object", objectName(n), "set", set), err)
	}
	return v1alpha1.SnapshotObject{Group: content.Group, Resource: content.Resource, Namespace: content.Namespace, Name: content.Name}, nil
}
