package leader

import "time"

var processStart = time.Now()

// instant is a moment on two clocks: the one since boot, which nobody sets, and that on the wall, which goes on even when a
// virtual machine is frozen and thawed.
type instant struct {
	boot time.Duration
	wall time.Time
}

func now() instant {
	return instant{boot: sinceBoot(), wall: time.Now().Round(0)}
}

// age is the time since then on the clock that says more. A wall clock that is set forward ends a term early, which is safe.
func (i instant) age() time.Duration {
	n := now()
	return max(n.boot-i.boot, n.wall.Sub(i.wall))
}
