package render

import (
	"fmt"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Kind is the type of an operation, finer where one type does what people call by different names.
func Kind(s *v1alpha1.OperationSpec) string {
	switch {
	case s.Prune != nil && len(s.Prune.Backups) > 0:
		return "PruneSets"
	case s.RestoreCluster != nil && s.RestoreCluster.Mode == v1alpha1.RestoreMember:
		return "RestoreMember"
	case s.RestoreCluster != nil && s.RestoreCluster.Mode == v1alpha1.RestoreEverything:
		return "RestoreEverything"
	}
	return string(s.Type)
}

// Subjects are what the request is about: nodes, a host, sets, objects, a policy.
func Subjects(op *v1alpha1.Operation) []string {
	if nodes := Nodes(op); len(nodes) > 0 {
		return nodes
	}
	switch s := op.Spec; {
	case s.Backup != nil:
		return []string{s.Backup.Policy}
	case s.Prove != nil:
		return []string{s.Prove.Backup}
	case s.CheckBackups != nil:
		return []string{s.CheckBackups.Policy}
	case s.Prune != nil && len(s.Prune.Backups) > 0:
		return s.Prune.Backups
	case s.Prune != nil:
		return []string{s.Prune.Policy}
	case s.RestoreObjects != nil:
		names := make([]string, 0, len(s.RestoreObjects.Objects))
		for _, o := range s.RestoreObjects.Objects {
			names = append(names, Object(o))
		}
		return names
	case s.RestoreCluster != nil:
		return []string{s.RestoreCluster.Backup}
	}
	return nil
}

// Object is an object of a set as it is typed: deployments.apps/shop/web.
func Object(o v1alpha1.SnapshotObject) string {
	name := o.Resource
	if o.Group != "" {
		name += "." + o.Group
	}
	if o.Namespace != "" {
		name += "/" + o.Namespace
	}
	return name + "/" + o.Name
}

// most is how many names a sentence holds.
const most = 5

// List is names with commas, cut off where a sentence would get too long.
func List(names []string) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + fmt.Sprintf(" … (%d)", len(names))
}
