package simulate

import (
	"context"
	"fmt"
	"sync"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

// panics hands a panic inside the scheduler to the scenario that is being
// played. The API server validates what a real scheduler sees; nobody has
// validated a snapshot.
var panics struct {
	sync.Mutex
	install sync.Once
	cluster *cluster
}

// onPanic makes panics in the scheduler's goroutines fail the scenario instead
// of the process, until the returned function is called.
func onPanic(c *cluster) func() {
	panics.install.Do(func() {
		utilruntime.ReallyCrash = false
		utilruntime.PanicHandlers = []func(context.Context, any){func(_ context.Context, p any) {
			panics.Lock()
			defer panics.Unlock()
			if panics.cluster != nil {
				panics.cluster.fail(fmt.Errorf("the scheduler cannot handle this snapshot: %v", p))
			}
		}}
	})
	set := func(c *cluster) {
		panics.Lock()
		defer panics.Unlock()
		panics.cluster = c
	}
	set(c)
	return func() { set(nil) }
}
