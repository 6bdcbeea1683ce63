package controlplane

import (
	_ "embed"
	"strconv"
	"strings"
	"time"
)

//go:embed stages.yaml
var stages string

// Span is a time between two bounds, chosen anew each time.
type Span struct{ Min, Max time.Duration }

// Pace says how long simulated pods take. A pod's annotations kanrin.dev/simulated-start, -run and -stop, Go durations, say
// otherwise for this pod.
type Pace struct {
	Start Span // from placed to ready
	Run   Span // from ready to completed, for pods of Jobs
	Stop  Span // from deleted to gone
}

// KwokStages returns a configuration of kwok under which nodes report that they are ready (unless annotated with
// kanrin.dev/simulated-state=NotReady) and pods start, run and end at the given pace.
func KwokStages(p Pace) []byte {
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	return []byte(strings.NewReplacer(
		"@START_MIN@", ms(p.Start.Min), "@START_MAX@", ms(p.Start.Max),
		"@RUN_MIN@", ms(p.Run.Min), "@RUN_MAX@", ms(p.Run.Max),
		"@STOP_MIN@", ms(p.Stop.Min), "@STOP_MAX@", ms(p.Stop.Max),
	).Replace(stages))
}
