package backup

import (
	"context"
	"slices"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/plan"
)

const (
	quick       = 300
	captureTime = 3600
	sealTime    = 3600
	copyTime    = 4 * 3600
)

// Planner plans a set.
type Planner struct{ base }

// Plan implements plan.Planner.
func (p *Planner) Plan(ctx context.Context, op *v1alpha1.Operation) (*plan.Draft, error) {
	f, policy, err := p.gather(ctx, op)
	if err != nil {
		return nil, err
	}
	return Compose(f, op.Spec.Backup, policy, nameOf(op))
}

// Facts implements plan.Planner.
func (p *Planner) Facts(ctx context.Context, op *v1alpha1.Operation) (any, error) {
	f, _, err := p.gather(ctx, op)
	return f, err
}

// setArgs name the set of a step.
type setArgs struct {
	Set    string                `json:"set"`
	Policy string                `json:"policy"`
	Reason v1alpha1.BackupReason `json:"reason,omitempty"`
	Pinned bool                  `json:"pinned,omitempty"`
	// Partial sets were asked for with some of the policy's components only.
	Partial bool `json:"partial,omitempty"`
	// Copy is the number of the policy's further repository.
	Copy int `json:"copy,omitempty"`
}

// captureArgs are those of one component.
type captureArgs struct {
	setArgs
	Component v1alpha1.BackupComponent `json:"component"`
}

// Compose makes the plan of a set.
func Compose(f *Facts, req *v1alpha1.BackupRequest, p *v1alpha1.BackupPolicy, name string) (*plan.Draft, error) {
	c := &plan.Composer{}
	f.find(c)
	a := setArgs{Set: name, Policy: f.Policy, Reason: req.Reason, Pinned: req.Pinned, Partial: f.Partial}
	c.Step(v1alpha1.Step{ID: "begin", Kind: KindBegin, ForecastSeconds: 1, TimeoutSeconds: quick, Undo: "discard"}, a, "set", name, "place", f.Place)
	for _, x := range f.Components {
		limit := x.TimeoutSeconds
		if limit == 0 {
			limit = captureTime
		}
		c.Step(v1alpha1.Step{
			ID: "capture-" + x.Name, Kind: KindCapture, Targets: f.Hosts[x.Name], ForecastSeconds: max(1, f.LastSeconds[x.Name]), TimeoutSeconds: limit + quick,
		}, captureArgs{a, x}, "component", x.Name, "type", string(x.Type), "from", strings.Join(f.Hosts[x.Name], ", "))
	}
	c.Step(v1alpha1.Step{ID: "seal", Kind: KindSeal, ForecastSeconds: 2, TimeoutSeconds: sealTime}, a, "set", name, "count", len(f.Components))
	for i, place := range f.Copies {
		a.Copy = i
		c.Step(v1alpha1.Step{ID: copyID(i), Kind: KindCopy, ForecastSeconds: 5, TimeoutSeconds: copyTime}, a, "set", name, "place", place)
	}
	c.Say("BackupSet", "set", name, "place", f.Place, "count", len(f.Components))
	c.Say("BackupOrder", "components", strings.Join(names(f.Components), " → "))
	if p.Spec.Proof.EveryBackup {
		c.Say("BackupThenProven")
	} else {
		c.Say("BackupNotGreen")
	}
	return c.Draft(f, name)
}

func copyID(i int) string { return "copy-" + string(rune('1'+i)) }

func names(cs []v1alpha1.BackupComponent) []string {
	out := make([]string, len(cs))
	for i, c := range cs {
		out[i] = c.Name
	}
	return out
}

// find says what stands in the way, and what somebody should know.
func (f *Facts) find(c *plan.Composer) {
	if f.RepositoryProblem != "" {
		c.Find(v1alpha1.SeverityBlocker, "RepositoryUnusable", "BackupPolicy", f.Policy, nil, "place", f.Place, "error", f.RepositoryProblem)
	}
	if f.Order != "" {
		c.Find(v1alpha1.SeverityBlocker, "ComponentCycle", "BackupPolicy", f.Policy, nil, "error", f.Order)
	}
	for _, name := range f.Unknown {
		c.Find(v1alpha1.SeverityBlocker, "NoSuchComponent", "BackupPolicy", f.Policy, nil, "component", name)
	}
	if len(f.Components) == 0 {
		c.Find(v1alpha1.SeverityBlocker, "NoComponents", "BackupPolicy", f.Policy, nil)
	}
	if !f.Connected {
		c.Find(v1alpha1.SeverityWarning, "BackupSilent", "Cluster", f.Cluster, nil)
	}
	has := map[v1alpha1.ComponentType]bool{}
	for _, x := range f.Components {
		has[x.Type] = true
		needs := x.Type == v1alpha1.ComponentClusterDirectory || x.Type == v1alpha1.ComponentEtcd && !f.DirectEtcd
		if needs && len(f.Hosts[x.Name]) == 0 {
			c.Find(v1alpha1.SeverityWarning, "ComponentNoHosts", "BackupPolicy", f.Policy, nil, "component", x.Name)
		}
	}
	if !has[v1alpha1.ComponentEtcd] {
		c.Find(v1alpha1.SeverityWarning, "BackupWithoutEtcd", "BackupPolicy", f.Policy, nil)
	}
	if has[v1alpha1.ComponentEtcd] && !has[v1alpha1.ComponentClusterDirectory] && !f.Partial {
		c.Find(v1alpha1.SeverityWarning, "BackupWithoutKeys", "BackupPolicy", f.Policy, nil)
	}
	if f.Partial {
		c.Find(v1alpha1.SeverityWarning, "BackupPartial", "BackupPolicy", f.Policy, nil, "components", strings.Join(names(f.Components), ", "))
	}
	var hosts []string
	for h := range f.Unusable {
		hosts = append(hosts, h)
	}
	slices.Sort(hosts)
	for _, h := range hosts {
		c.Find(v1alpha1.SeverityWarning, "BackupHostUnusable", "Host", h, nil, "why", f.Unusable[h])
	}
	if f.Uncovered > 0 {
		c.Find(v1alpha1.SeverityInfo, "VolumesUncovered", "Cluster", f.Cluster, nil, "count", f.Uncovered)
	}
}

// Report implements plan.Planner.
func (p *Planner) Report(ctx context.Context, op *v1alpha1.Operation, _ []v1alpha1.Member) ([]v1alpha1.Line, map[string]int64, error) {
	b, err := p.backupOf(ctx, op.Namespace, nameOf(op))
	if err != nil {
		return nil, nil, err
	}
	s := b.Status
	lines := []v1alpha1.Line{plan.ReportLine("BackupMade", "set", b.Name, "count", captured(s.Components), "bytes", s.Bytes, "objects", s.Objects, "revision", s.Revision)}
	for _, c := range s.Components {
		if c.State == v1alpha1.ComponentMissing && len(lines) < 50 {
			lines = append(lines, plan.ReportLine("BackupMissing", "component", c.Name, "why", c.Message))
		}
	}
	switch {
	case s.Missing == 0 && s.Phase == v1alpha1.BackupIncomplete:
		lines = append(lines, plan.ReportLine("BackupPartial", "set", b.Name))
	case s.Missing > 0:
		lines = append(lines, plan.ReportLine("BackupIncomplete", "set", b.Name, "count", int64(s.Missing)))
	default:
		lines = append(lines, plan.ReportLine("BackupUnproven", "set", b.Name))
	}
	return lines, map[string]int64{"bytes": s.Bytes, "objects": s.Objects, "missing": int64(s.Missing)}, nil
}

func captured(cs []v1alpha1.ComponentStatus) int {
	n := 0
	for _, c := range cs {
		if c.State == v1alpha1.ComponentCaptured {
			n++
		}
	}
	return n
}
