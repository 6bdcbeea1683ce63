package check

import (
	"cmp"
	"iter"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/lang"
)

// MaxFindings of one cluster; what is left out is counted.
const MaxFindings = 100

// Cluster is what is looked at.
type Cluster struct {
	Name string
	Now  time.Time
	// Contact says how the connection stands.
	Contact Contact
	Nodes   []*corev1.Node
	// Pods of the cluster; one is valid until the next is asked for.
	Pods iter.Seq[*corev1.Pod]
	// Budgets covering a pod, and its workload as Kind/namespace/name ("" for an unmanaged pod).
	Budgets  func(*corev1.Pod) []disruption.Budget
	Workload func(*corev1.Pod) string
}

// Contact is how the connection to a cluster stands.
type Contact struct {
	// Reason is empty or Connected when nothing is the matter; see condition Reachable.
	Reason string
	// Params complete the sentence finding.Cluster<Reason>.
	Params map[string]string
	Since  time.Time
	// Expires is when the credential runs out, zero when it does not say.
	Expires time.Time
	User    string
}

// Findings of a cluster, most severe first. More are those that were found elsewhere.
func Findings(c Cluster, more []v1alpha1.Finding) []v1alpha1.Finding {
	l := &list{}
	contact(l, c)
	nodes(l, c)
	pending(l, c)
	budgets(l, c)
	l.findings = append(l.findings, more...)
	return l.sorted()
}

// list collects findings.
type list struct{ findings []v1alpha1.Finding }

func (l *list) add(severity v1alpha1.Severity, code, kind, object string, since time.Time, pairs ...any) *v1alpha1.Finding {
	f := New(severity, code, kind, object, pairs...)
	if !since.IsZero() {
		f.Since = &metav1.Time{Time: since.Truncate(time.Second)}
	}
	l.findings = append(l.findings, f)
	return &l.findings[len(l.findings)-1]
}

// New makes a finding whose message is the English of its catalogue entry.
func New(severity v1alpha1.Severity, code, kind, object string, pairs ...any) v1alpha1.Finding {
	params := lang.P(pairs...)
	params["object"] = object
	return v1alpha1.Finding{
		Severity: severity, Code: code, Kind: kind, Object: object, Params: params,
		Message: lang.English.Text("finding."+code, params),
	}
}

var rank = map[v1alpha1.Severity]int{v1alpha1.SeverityBlocker: 0, v1alpha1.SeverityWarning: 1, v1alpha1.SeverityInfo: 2}

func (l *list) sorted() []v1alpha1.Finding {
	slices.SortStableFunc(l.findings, func(a, b v1alpha1.Finding) int {
		return cmp.Or(
			cmp.Compare(rank[a.Severity], rank[b.Severity]),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Object, b.Object),
		)
	})
	if len(l.findings) <= MaxFindings {
		return l.findings
	}
	cut := MaxFindings - 1
	rest, severity := len(l.findings)-cut, l.findings[cut].Severity
	l.findings = l.findings[:cut]
	l.add(severity, "MoreFindings", "", "", time.Time{}, "count", rest)
	return l.findings
}

// Merge adds to findings those of before that are about something else.
func Merge(findings, before []v1alpha1.Finding) []v1alpha1.Finding {
	l := &list{findings: findings}
	for _, f := range before {
		about := func(g v1alpha1.Finding) bool { return g.Code == f.Code && g.Object == f.Object }
		if f.Kind != "Cluster" && f.Code != "MoreFindings" && !slices.ContainsFunc(findings, about) {
			l.findings = append(l.findings, f)
		}
	}
	return l.sorted()
}
