package restore

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
)

func line(code string, pairs ...any) v1alpha1.Line {
	params := lang.P(pairs...)
	return v1alpha1.Line{Code: code, Params: params, Message: lang.English.Text("report."+code, params)}
}

// Report implements plan.Planner.
func (p *Planner) Report(ctx context.Context, op *v1alpha1.Operation, _ []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error) {
	o := OptionsOf(op.Spec.RestoreCluster)
	if o.Mode == v1alpha1.RestoreMember {
		return []v1alpha1.Line{line("RestoredMember", "host", o.Member), line("RestoreKept", "operation", op.Name)}, nil, nil
	}
	measures := map[string]int64{}
	var differences []difference
	for _, st := range op.Status.Steps {
		for name, n := range st.Measures {
			measures[name] = n
			if kind, resource, ok := differenceOf(name); ok {
				differences = append(differences, difference{Kind: kind, Resource: resource, Count: int(n)})
			}
		}
	}
	if o.Mode == v1alpha1.RestoreEverything {
		return []v1alpha1.Line{line("RestoredEverything", "cluster", op.Namespace, "backup", o.Backup, "revision", measures[MeasureRevision])}, measures, nil
	}
	lines := []v1alpha1.Line{line("Restored", "cluster", op.Namespace, "backup", o.Backup, "revision", measures[MeasureRevision])}
	if named := p.named(ctx, op, o); named != nil {
		differences = named
	}
	lines = append(lines, differenceLines(differences)...)
	if measures[MeasurePresent] == 0 {
		lines = append(lines, line("RestoreNotCompared"))
	}
	return append(lines, line("RestoreKept", "operation", op.Name)), measures, nil
}

// named compares the two sets once more, for the names; nil when what was saved cannot be opened.
func (p *Planner) named(ctx context.Context, op *v1alpha1.Operation, o Options) []difference {
	if p.d.Present == nil || p.d.Sets == nil {
		return nil
	}
	now, err := p.d.Sets.Open(ctx, op.Namespace, PresentName(op.Name))
	if err != nil {
		return nil
	}
	defer now.Close() //nolint:errcheck // only read from
	then, err := p.d.Sets.Open(ctx, op.Namespace, o.Backup)
	if err != nil {
		return nil
	}
	defer then.Close() //nolint:errcheck // only read from
	a, err := then.Index(ctx)
	if err != nil {
		return nil
	}
	b, err := now.Index(ctx)
	if err != nil {
		return nil
	}
	return compare(a, b)
}

// maxLines of differences; the rest is counted.
const maxLines = 24

func differenceLines(ds []difference) []v1alpha1.Line {
	order := []string{onlyNow, onlyThen, changed}
	slices.SortFunc(ds, func(a, b difference) int {
		return cmp.Or(slices.Index(order, a.Kind)-slices.Index(order, b.Kind), b.Count-a.Count, strings.Compare(a.Resource, b.Resource))
	})
	var lines []v1alpha1.Line
	for i, d := range ds {
		if i == maxLines {
			lines = append(lines, line("RestoreMore", "count", len(ds)-i))
			break
		}
		code := map[string]string{onlyNow: "RestoreOnlyNow", onlyThen: "RestoreOnlyThen", changed: "RestoreChanged"}[d.Kind]
		named := ""
		if len(d.Names) > 0 {
			named = ": " + strings.Join(d.Names, ", ")
			if len(d.Names) < d.Count {
				named += ", …"
			}
		}
		lines = append(lines, line(code, "resource", d.Resource, "count", d.Count, "names", named))
	}
	return lines
}
