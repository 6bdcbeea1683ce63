package console

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

func TestLimiterByUser(t *testing.T) {
	clk := clocktesting.NewFakeClock(time.Now())
	l := newLimiter(clk)
	address := func(i int) string { return fmt.Sprintf("192.0.2.%d", i) } // a guesser with many addresses
	for i := range freePerUser {
		if wait := l.attempt(address(i), "admin"); wait != 0 {
			t.Fatalf("attempt %d has to wait %v", i, wait)
		}
	}
	// From here on the pauses double, up to the longest.
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		want *= time.Second
		if wait := l.attempt(address(100+i), "admin"); wait != 0 {
			t.Fatalf("after its pause attempt %d has to wait %v more", i, wait)
		}
		if wait := l.attempt(address(100+i), "admin"); wait != want {
			t.Fatalf("pause %d is %v, want %v", i, wait, want)
		}
		if wait := l.attempt("198.51.100.7", "hanako"); wait != 0 {
			t.Fatalf("another user has to wait %v", wait)
		}
		l.succeeded("198.51.100.7", "hanako")
		clk.Step(want)
	}
	l.succeeded(address(1), "admin")
	for i := range freePerUser {
		if wait := l.attempt(address(i), "admin"); wait != 0 {
			t.Fatalf("after a success attempt %d has to wait %v", i, wait)
		}
	}
}

func TestLimiterByAddress(t *testing.T) {
	clk := clocktesting.NewFakeClock(time.Now())
	l := newLimiter(clk)
	for i := range freePerAddress + 1 { // one guesser, many names; half the time its own, where it succeeds
		name := fmt.Sprintf("user%d", i)
		if wait := l.attempt("2001:db8::1", name); wait != 0 {
			t.Fatalf("attempt %d has to wait %v", i, wait)
		}
		if wait := l.attempt("192.0.2.1", "own"); wait != 0 {
			t.Fatal(wait)
		}
		l.succeeded("192.0.2.1", "own")
	}
	if wait := l.attempt("2001:db8::ffff:1", "another"); wait != time.Second {
		t.Fatalf("an address of the same /64 waits %v, want 1s", wait)
	}
	if wait := l.attempt("2001:db8:0:1::1", "another"); wait != 0 {
		t.Fatalf("an address of another /64 waits %v", wait)
	}
	clk.Step(time.Hour)
	for i := range freePerAddress {
		if wait := l.attempt("2001:db8::1", fmt.Sprintf("again%d", i)); wait != 0 {
			t.Fatalf("an hour later attempt %d has to wait %v", i, wait)
		}
	}
}

// Attempts that run at the same time get no further than those made one after the other.
func TestLimiterAtTheSameTime(t *testing.T) {
	l := newLimiter(clocktesting.NewFakeClock(time.Now()))
	var let atomic.Int32
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if l.attempt(fmt.Sprintf("192.0.2.%d", i), "admin") == 0 {
				let.Add(1)
			}
		})
	}
	wg.Wait()
	if got := let.Load(); got != freePerUser+1 {
		t.Fatalf("%d attempts were let through, want %d", got, freePerUser+1)
	}
}

func TestLimiterIsBounded(t *testing.T) {
	l := newLimiter(clocktesting.NewFakeClock(time.Now()))
	for i := range 3 * maxRecords {
		l.attempt(fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff), fmt.Sprintf("user%d", i))
	}
	if len(l.records) > maxRecords+1 {
		t.Fatalf("%d records are kept", len(l.records))
	}
}
