package etcd

import "testing"

func etcdOf(spec ...string) []Member {
	var out []Member
	for i, s := range spec {
		m := Member{ID: string(rune('a' + i)), Name: "c" + string(rune('1'+i)), Started: true, Healthy: true}
		switch s {
		case "down":
			m.Healthy = false
		case "learner":
			m.Learner = true
		case "never":
			m.Name, m.Started, m.Healthy = "", false, false
		}
		out = append(out, m)
	}
	return out
}

func TestJudgeRemoval(t *testing.T) {
	for _, c := range []struct {
		name          string
		members       []Member
		gone          string // id
		before, after string // voters/started/healthy/needed
		want          Verdict
	}{
		{"one of three", etcdOf("up", "up", "up"), "a", "3/3/3/2", "2/2/2/2", RemovalFine},
		{"the dead one of three", etcdOf("down", "up", "up"), "a", "3/3/2/2", "2/2/2/2", RemovalFine},
		{"a living one beside a dead one", etcdOf("down", "up", "up"), "b", "3/3/2/2", "2/2/1/2", RemovalBreak},
		{"the last", etcdOf("up"), "a", "1/1/1/1", "0/0/0/1", RemovalLast},
		{"the living of two", etcdOf("up", "down"), "a", "2/2/1/2", "1/1/0/1", RemovalLost},
		{"the dead one of two: no quorum to decide it", etcdOf("up", "down"), "b", "2/2/1/2", "1/1/1/1", RemovalLost},
		{"one of two", etcdOf("up", "up"), "b", "2/2/2/2", "1/1/1/1", RemovalFine},
		{"two of three are down", etcdOf("up", "down", "down"), "c", "3/3/1/2", "2/2/1/2", RemovalLost},
		{"a learner never matters", etcdOf("up", "learner"), "b", "1/1/1/1", "1/1/1/1", RemovalFine},
		{"one of five, one down", etcdOf("up", "down", "up", "up", "up"), "a", "5/5/4/3", "4/4/3/3", RemovalFine},
		{"one that never started", etcdOf("up", "up", "never"), "c", "3/2/2/2", "2/2/2/2", RemovalFine},
		{"no member at all", etcdOf("up", "up", "up"), "x", "3/3/3/2", "3/3/3/2", RemovalFine},
	} {
		before, after, v := JudgeRemoval(c.members, func(m Member) bool { return m.ID == c.gone })
		if before.String() != c.before || after.String() != c.after || v != c.want {
			t.Errorf("%s: %s → %s %q, want %s → %s %q", c.name, before, after, v, c.before, c.after, c.want)
		}
	}
}

func TestMemberIs(t *testing.T) {
	m := Member{ID: "1", Name: "c1", PeerURLs: []string{"https://10.0.0.1:2380"}}
	unnamed := Member{ID: "2", PeerURLs: []string{"https://10.0.0.2:2380"}}
	six := Member{ID: "3", PeerURLs: []string{"https://[fd00::1]:2380"}}
	switch {
	case !m.Is("c1", nil), !unnamed.Is("c2", []string{"10.0.0.2"}), !six.Is("x", []string{"fd00::1"}):
		t.Error("a member was not recognised")
	case m.Is("c2", []string{"10.0.0.1"}), unnamed.Is("c2", []string{"10.0.0.20"}), unnamed.Is("", nil):
		t.Error("a member was taken for another's")
	}
}
