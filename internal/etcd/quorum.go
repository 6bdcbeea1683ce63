package etcd

import (
	"fmt"
	"slices"
	"strings"
)

// Member of etcd, as one of its members tells.
type Member struct {
	ID      string `json:"id"` // hexadecimal
	Name    string `json:"name,omitempty"`
	Learner bool   `json:"learner,omitempty"`
	// Started members have a name; Healthy ones answer.
	Started  bool     `json:"started,omitempty"`
	Healthy  bool     `json:"healthy,omitempty"`
	PeerURLs []string `json:"peerURLs,omitempty"`
}

// Is reports whether the member belongs to the node: by its name, which kubeadm sets to the node's, or by its address.
func (m Member) Is(node string, addresses []string) bool {
	if m.Name != "" && m.Name == node {
		return true
	}
	for _, u := range m.PeerURLs {
		for _, a := range addresses {
			if a != "" && (u == "https://"+a+":2380" || u == "https://["+a+"]:2380") {
				return m.Name == "" || m.Name == node
			}
		}
	}
	return false
}

// Quorum is the arithmetic of one moment. Learners have no vote.
type Quorum struct{ Voters, Started, Healthy int }

// Needed voters for a decision.
func (q Quorum) Needed() int { return q.Voters/2 + 1 }

// Has reports whether decisions are possible.
func (q Quorum) Has() bool { return q.Voters > 0 && q.Healthy >= q.Needed() }

// Spare is how many more voters may fail.
func (q Quorum) Spare() int { return q.Healthy - q.Needed() }

// String is "3 members, 3 started, 2 healthy, quorum 2".
func (q Quorum) String() string {
	return fmt.Sprintf("%d/%d/%d/%d", q.Voters, q.Started, q.Healthy, q.Needed())
}

// QuorumOf counts.
func QuorumOf(members []Member) Quorum {
	var q Quorum
	for _, m := range members {
		if m.Learner {
			continue
		}
		q.Voters++
		if m.Started {
			q.Started++
		}
		if m.Healthy {
			q.Healthy++
		}
	}
	return q
}

// Without is what is left of the members when those that gone picks have left.
func Without(members []Member, gone func(Member) bool) []Member {
	return slices.DeleteFunc(slices.Clone(members), gone)
}

// Verdict on the removal of a member.
type Verdict string

const (
	RemovalFine  Verdict = ""
	RemovalLast  Verdict = "LastMember"  // nothing would be left
	RemovalLost  Verdict = "QuorumLost"  // there is none now, so nothing can be decided
	RemovalBreak Verdict = "QuorumBreak" // those that stay would have none
)

// JudgeRemoval says whether the members that gone picks may be removed: there must be a quorum to decide it, and one after it.
func JudgeRemoval(members []Member, gone func(Member) bool) (before, after Quorum, v Verdict) {
	rest := Without(members, gone)
	before, after = QuorumOf(members), QuorumOf(rest)
	voter := false
	for _, m := range members {
		voter = voter || !m.Learner && gone(m)
	}
	switch {
	case !voter:
		v = RemovalFine
	case after.Voters == 0:
		v = RemovalLast
	case !before.Has():
		v = RemovalLost
	case !after.Has():
		v = RemovalBreak
	}
	return before, after, v
}

// Names of members, or their ids, sorted.
func Names(members []Member) string {
	out := make([]string, 0, len(members))
	for _, m := range members {
		n := m.Name
		if n == "" {
			n = m.ID
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
