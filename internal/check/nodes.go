package check

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet/trim"
)

const (
	// expiresSoon is how long before its end a credential is worth a word.
	expiresSoon = 30 * 24 * time.Hour
	// cordonedLong is how long a node may be cordoned before it counts as forgotten.
	cordonedLong = time.Hour
)

// Marks of Kanrin's own cordons; their values are cluster/operation and a time (RFC 3339).
const (
	markCordonedBy = "kanrin.dev/cordoned-by"
	markCordonedAt = "kanrin.dev/cordoned-at"
)

func contact(l *list, c Cluster) {
	t := c.Contact
	if t.Reason != "" && t.Reason != v1alpha1.ReasonConnected {
		f := l.add(v1alpha1.SeverityBlocker, "Cluster"+t.Reason, "Cluster", c.Name, t.Since)
		for k, v := range t.Params {
			if _, ok := f.Params[k]; !ok {
				f.Params[k] = v
			}
		}
		*f = withMessage(*f)
	}
	if left := t.Expires.Sub(c.Now); !t.Expires.IsZero() && left > 0 && left < expiresSoon {
		l.add(v1alpha1.SeverityWarning, "CredentialExpiring", "Cluster", c.Name, t.Expires.Add(-expiresSoon),
			"user", t.User, "date", t.Expires.UTC().Format("2006-01-02"))
	}
}

func nodes(l *list, c Cluster) {
	for _, n := range c.Nodes {
		if state, ready := NodeState(n); state != "Ready" {
			reason, since := "no report", n.CreationTimestamp.Time
			if ready != nil {
				reason, since = ready.Reason, ready.LastTransitionTime.Time
			}
			l.add(v1alpha1.SeverityBlocker, "NodeDown", "Node", n.Name, since, "reason", reason)
		}
		by, at := CordonOf(n)
		if by == "" {
			continue
		}
		severity := v1alpha1.SeverityInfo
		if !at.IsZero() && c.Now.Sub(at) > cordonedLong {
			severity = v1alpha1.SeverityWarning
		}
		f := l.add(severity, "NodeCordoned", "Node", n.Name, at, "by", by)
		f.Ways = []v1alpha1.Way{{Code: "uncordon", Flag: "kanrin uncordon " + n.Name, Field: "uncordon.nodes", Value: n.Name}}
	}
}

// NodeState is Ready, NotReady or Unknown (the kubelet has stopped reporting), with the Ready condition when there is one.
func NodeState(n *corev1.Node) (string, *corev1.NodeCondition) {
	for i := range n.Status.Conditions {
		c := &n.Status.Conditions[i]
		if c.Type != corev1.NodeReady {
			continue
		}
		switch c.Status {
		case corev1.ConditionTrue:
			return "Ready", c
		case corev1.ConditionFalse:
			return "NotReady", c
		}
		return "Unknown", c
	}
	return "Unknown", nil
}

// CordonOf tells who made a trimmed node unschedulable and when: Kanrin's operation by its mark, else the client by what the
// API server notes; "kubectl" when nobody says. Empty for a schedulable node.
func CordonOf(n *corev1.Node) (by string, at time.Time) {
	if !n.Spec.Unschedulable {
		return "", time.Time{}
	}
	if by = n.Annotations[markCordonedBy]; by != "" {
		at, _ = time.Parse(time.RFC3339, n.Annotations[markCordonedAt]) // zero when unreadable: not known
		return by, at
	}
	by, at = trim.CordonedBy(n)
	if by == "" || by == "kubectl-cordon" || by == "kubectl-drain" {
		by = "kubectl"
	}
	return by, at
}
