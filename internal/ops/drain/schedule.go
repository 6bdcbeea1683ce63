package drain

import (
	"sort"
	"strings"

	"kanrin.dev/kanrin/internal/disruption"
	"kanrin.dev/kanrin/internal/rehearse"
)

// Actions on a pod.
const (
	ActionEvict  = "Evict"
	ActionDelete = "Delete"
)

// maxRounds bounds the steps of a plan. What would come later stays in the last round, where the budgets themselves set the pace.
const maxRounds = 100

// Job is one pod that leaves, in a round.
type Job struct {
	Pod    Pod
	Action string
	Round  int // from 1
}

// Schedule is who leaves in which round, and who stays.
type Schedule struct {
	Jobs   []Job
	Rounds int
	Surge  []Workload
	// Counts by class for the summary.
	Stay, Static, Finished, Terminating, Evict, Delete int
}

// NewSchedule sorts the pods into rounds: in each round a budget loses at most as many pods as it allows when all of them are healthy.
// Pods without a budget leave in the first round. A pod that cannot be evicted at all gets a round too, so that the plan shows what
// would happen once its blocker is gone.
func NewSchedule(f *Facts, o Options) *Schedule {
	s := &Schedule{}
	for i := range f.Workloads {
		if w := f.Workloads[i]; o.Surge[workloadName(w.Key)] && w.Scalable {
			s.Surge = append(s.Surge, w)
		}
	}
	used := map[string]int{} // pods of a budget scheduled so far
	for _, p := range f.Pods {
		switch p.Class {
		case disruption.DaemonSet:
			s.Stay++
			continue
		case disruption.Static:
			s.Stay++
			s.Static++
			continue
		case disruption.Terminating:
			s.Terminating++
			continue
		case disruption.Finished:
			s.Finished++
			s.Jobs = append(s.Jobs, Job{Pod: p, Action: ActionDelete, Round: 1})
			continue
		}
		if o.Delete[p.Key()] {
			s.Delete++
			s.Jobs = append(s.Jobs, Job{Pod: p, Action: ActionDelete, Round: 1})
			continue
		}
		round := 1
		for _, name := range p.Budgets {
			if b := f.budget(name); b != nil && !p.Pending {
				slots := max(1, int(b.AllowedAtBest())+surged(f, s, name))
				round = max(round, 1+used[name]/slots)
				used[name]++
			}
		}
		s.Evict++
		s.Jobs = append(s.Jobs, Job{Pod: p, Action: ActionEvict, Round: min(round, maxRounds)})
	}
	sort.SliceStable(s.Jobs, func(i, j int) bool { return s.Jobs[i].Round < s.Jobs[j].Round })
	if n := len(s.Jobs); n > 0 {
		s.Rounds = s.Jobs[n-1].Round
	}
	return s
}

// surged is the number of replicas that surging adds to the pods of a budget.
func surged(f *Facts, s *Schedule, budget string) int {
	b := f.budget(budget)
	if b == nil || !b.SurgeHelps() {
		return 0
	}
	n := 0
	for _, w := range s.Surge {
		for _, p := range f.Pods {
			if p.Workload == w.Key && contains(p.Budgets, budget) {
				n++
				break
			}
		}
	}
	return n
}

// Scenario is the schedule as a rehearsal.
func (s *Schedule) Scenario(f *Facts) rehearse.Scenario {
	sc := rehearse.Scenario{Name: "drain"}
	for _, n := range f.Nodes {
		sc.Cordon = append(sc.Cordon, n.Name)
	}
	if len(s.Surge) > 0 {
		var r rehearse.Round
		for _, w := range s.Surge {
			r.Copies = append(r.Copies, rehearse.Copy{Namespace: namespaceOf(w.Key), Name: w.Sample, Count: 1})
		}
		sc.Rounds = append(sc.Rounds, r)
	}
	for round := 1; round <= s.Rounds; round++ {
		var r rehearse.Round
		for _, j := range s.Jobs {
			if j.Round == round {
				r.Evict = append(r.Evict, rehearse.Eviction{Namespace: j.Pod.Namespace, Name: j.Pod.Name, Recreate: j.Recreated()})
			}
		}
		sc.Rounds = append(sc.Rounds, r)
	}
	return sc
}

// Recreated says whether a controller puts a new pod in the place of this one.
func (j Job) Recreated() bool {
	return j.Pod.Class == disruption.Evictable && j.Pod.Controller != ""
}

// workloadName is namespace/name of Kind/namespace/name.
func workloadName(key string) string {
	_, rest, _ := strings.Cut(key, "/")
	return rest
}

func namespaceOf(key string) string {
	ns, _, _ := strings.Cut(workloadName(key), "/")
	return ns
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
