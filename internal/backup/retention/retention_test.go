package retention

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

// set reads "2026-03-01 02:00 flags": i lacks something, p proven, n pinned. Its name is its time.
func set(text string) Set {
	s := Set{Name: text[:16], Time: at(text[:16]), Complete: true}
	for _, f := range text[16:] {
		switch f {
		case 'i':
			s.Complete = false
		case 'p':
			s.Proven = true
		case 'n':
			s.Pinned = true
		}
	}
	return s
}

func sets(texts ...string) []Set {
	var out []Set
	for _, t := range texts {
		out = append(out, set(t))
	}
	return out
}

func kept(decisions []Decision) []string {
	var out []string
	for _, d := range decisions {
		if !d.Keep {
			continue
		}
		var reasons []string
		for _, r := range d.Reasons {
			reasons = append(reasons, strings.TrimSpace(r.Rule+" "+r.Key))
		}
		out = append(out, d.Name+": "+strings.Join(reasons, ", "))
	}
	return out
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestDecide(t *testing.T) {
	for name, c := range map[string]struct {
		policy Policy
		zone   string
		sets   []Set
		want   []string
	}{
		"nothing there": {Policy{Last: 3}, "", nil, nil},
		"no rule keeps all": {
			Policy{},
			"", sets("2026-03-01 02:00", "2026-03-02 02:00 i"),
			[]string{"2026-03-02 02:00: All", "2026-03-01 02:00: All"},
		},
		"last": {
			Policy{Last: 2},
			"", sets("2026-03-01 02:00", "2026-03-03 02:00", "2026-03-02 02:00"),
			[]string{"2026-03-03 02:00: Last 1", "2026-03-02 02:00: Last 2"},
		},
		"the newest counts even when it lacks something, others do not": {
			Policy{Last: 2},
			"", sets("2026-03-01 02:00", "2026-03-02 02:00 i", "2026-03-03 02:00 i"),
			[]string{"2026-03-03 02:00: Last 1", "2026-03-01 02:00: Last 2"},
		},
		"hourly": {
			Policy{Hourly: 2},
			"", sets("2026-03-01 00:10", "2026-03-01 01:10", "2026-03-01 01:50", "2026-03-01 04:00"),
			[]string{"2026-03-01 04:00: Hourly 2026-03-01 04h", "2026-03-01 01:50: Hourly 2026-03-01 01h"},
		},
		"daily in the zone's days": {
			Policy{Daily: 2},
			"Asia/Tokyo", sets("2026-03-01 14:00", "2026-03-01 16:00", "2026-03-02 14:00"),
			[]string{"2026-03-02 14:00: Daily 2026-03-02", "2026-03-01 14:00: Daily 2026-03-01"},
		},
		"weeks over the turn of the year": {
			Policy{Weekly: 2},
			"", sets("2025-12-28 02:00", "2025-12-29 02:00", "2026-01-02 02:00", "2026-01-05 02:00"),
			[]string{"2026-01-05 02:00: Weekly 2026-W02", "2026-01-02 02:00: Weekly 2026-W01"},
		},
		"monthly and yearly": {
			Policy{Monthly: 2, Yearly: 3},
			"", sets("2023-05-01 02:00", "2024-05-01 02:00", "2025-12-31 02:00", "2026-01-31 02:00"),
			[]string{
				"2026-01-31 02:00: Monthly 2026-01, Yearly 2026", "2025-12-31 02:00: Monthly 2025-12, Yearly 2025",
				"2024-05-01 02:00: Yearly 2024",
			},
		},
		"complete goes before later": {
			Policy{Daily: 1},
			"", sets("2026-03-01 02:00", "2026-03-01 22:00 i"),
			[]string{"2026-03-01 02:00: Daily 2026-03-01"},
		},
		"a day with nothing complete keeps the best it has": {
			Policy{Daily: 2},
			"", sets("2026-03-01 02:00 i", "2026-03-01 22:00 i", "2026-03-02 02:00"),
			[]string{"2026-03-02 02:00: Daily 2026-03-02", "2026-03-01 22:00: Daily 2026-03-01"},
		},
		"the last proven set stays": {
			Policy{Last: 1},
			"", sets("2026-02-01 02:00 p", "2026-01-01 02:00 p", "2026-03-02 02:00", "2026-03-01 02:00"),
			[]string{"2026-03-02 02:00: Last 1", "2026-02-01 02:00: LastProven"},
		},
		"pinned sets stay": {
			Policy{Last: 1},
			"", sets("2020-02-01 02:00 n", "2026-03-02 02:00 p"),
			[]string{"2026-03-02 02:00: LastProven, Last 1", "2020-02-01 02:00: Pinned"},
		},
		"the day on which clocks go forward": {
			Policy{Hourly: 3},
			"Europe/Berlin", sets("2026-03-29 00:30", "2026-03-29 01:30", "2026-03-29 02:30"),
			[]string{
				"2026-03-29 02:30: Hourly 2026-03-29 04h", "2026-03-29 01:30: Hourly 2026-03-29 03h +02:00",
				"2026-03-29 00:30: Hourly 2026-03-29 01h +01:00",
			},
		},
		"the hour that comes twice is two": {
			Policy{Hourly: 4},
			"Europe/Berlin", sets("2026-10-25 00:30", "2026-10-25 01:30", "2026-10-25 03:30"),
			[]string{
				"2026-10-25 03:30: Hourly 2026-10-25 04h", "2026-10-25 01:30: Hourly 2026-10-25 02h +01:00",
				"2026-10-25 00:30: Hourly 2026-10-25 02h +02:00",
			},
		},
		"future sets, after a clock was put back, count as the newest": {
			Policy{Last: 1},
			"", sets("2030-01-01 00:00", "2026-03-01 02:00 p"),
			[]string{"2030-01-01 00:00: Last 1", "2026-03-01 02:00: LastProven"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var location *time.Location
			if c.zone != "" {
				location = zone(t, c.zone)
			}
			decisions := Decide(c.sets, c.policy, location)
			if got := kept(decisions); !slices.Equal(got, c.want) {
				t.Errorf("kept\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if len(decisions) != len(c.sets) {
				t.Errorf("%d decisions about %d sets", len(decisions), len(c.sets))
			}
		})
	}
}

// Whatever the policy and the sets: nothing that must stay goes, and no more stays than the rules ask for.
func TestDecideKeepsItsPromises(t *testing.T) {
	for range 300 {
		var all []Set
		for i := range rand.IntN(60) {
			all = append(all, Set{
				Name: fmt.Sprint(i), Time: at("2026-01-01 00:00").Add(time.Duration(rand.IntN(400*24*60)) * time.Minute),
				Complete: rand.IntN(4) > 0, Proven: rand.IntN(5) == 0, Pinned: rand.IntN(20) == 0,
			})
		}
		p := Policy{rand.IntN(5), rand.IntN(5), rand.IntN(5), rand.IntN(5), rand.IntN(5), rand.IntN(3)}
		byName := map[string]Set{}
		for _, s := range all {
			byName[s.Name] = s
		}
		count, proven, anyProven := 0, false, false
		for _, s := range all {
			anyProven = anyProven || s.Proven
		}
		for _, d := range Decide(all, p, nil) {
			s := byName[d.Name]
			if d.Keep != (len(d.Reasons) > 0) || s.Pinned && !d.Keep {
				t.Fatalf("%+v of %+v", d, s)
			}
			proven = proven || d.Keep && s.Proven
			if d.Keep && !s.Pinned {
				count++
			}
		}
		if most := p.Last + p.Hourly + p.Daily + p.Weekly + p.Monthly + p.Yearly + 1; !p.Empty() && count > most {
			t.Fatalf("%d kept, at most %d wanted", count, most)
		}
		if anyProven != proven {
			t.Fatalf("no proven set was kept: %+v", all)
		}
	}
}
