package console

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

const (
	checkTime = 2 * time.Second
	// checkAge is how old an answer of /readyz may be: nobody can make the parts busy by asking.
	checkAge = time.Second
)

// readiness asks the parts of Kanrin whether they work.
type readiness struct {
	clock  clock.PassiveClock
	checks []Check

	mu     sync.Mutex
	asked  time.Time
	report string
	ready  bool
}

// livez says that the process answers, which is all that restarting it could mend.
func livez(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "ok")
}

// serve answers in the form of the Kubernetes API's own /readyz. Reasons go to the log: anybody may ask.
func (rd *readiness) serve(c *Console) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		report, ready := rd.look(r.Context(), c)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if !ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		} else if !r.URL.Query().Has("verbose") {
			report = "ok\n"
		}
		fmt.Fprint(w, report)
	}
}

func (rd *readiness) look(ctx context.Context, c *Console) (report string, ready bool) {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	if !rd.asked.IsZero() && rd.clock.Since(rd.asked) < checkAge {
		return rd.report, rd.ready
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTime)
	defer cancel()
	errs := make([]error, len(rd.checks))
	var wg sync.WaitGroup
	for i, check := range rd.checks {
		wg.Go(func() { errs[i] = check.Check(ctx) })
	}
	wg.Wait()
	var b strings.Builder
	rd.ready = true
	for i, check := range rd.checks {
		if errs[i] == nil {
			fmt.Fprintf(&b, "[+]%s ok\n", check.Name)
			continue
		}
		rd.ready = false
		fmt.Fprintf(&b, "[-]%s failed: reason withheld\n", check.Name)
		c.log.Warn("not ready", "part", check.Name, "error", errs[i])
	}
	if rd.ready {
		b.WriteString("readyz check passed\n")
	} else {
		b.WriteString("readyz check failed\n")
	}
	rd.asked, rd.report = rd.clock.Now(), b.String()
	return rd.report, rd.ready
}
