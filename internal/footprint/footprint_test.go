package footprint

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestLimitFor(t *testing.T) {
	for _, c := range []struct{ soft, live, want int64 }{
		{64 << 20, 0, 64 << 20},
		{64 << 20, 20 << 20, 64 << 20},
		{64 << 20, 100 << 20, 224 << 20},
	} {
		if got := limitFor(c.soft, c.live); got != c.want {
			t.Errorf("soft %d, live %d: %d, want %d", c.soft, c.live, got, c.want)
		}
	}
}

// The limit follows what is live, and everything is as before when it ends.
func TestFootprintFollowsWhatIsLive(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	before := debug.SetMemoryLimit(-1)
	f := New(Configuration{Soft: 32 << 20, Every: 5 * time.Millisecond})
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	held := make([]byte, 64<<20)
	for i := range held {
		held[i] = 1
	}
	runtime.GC()
	for deadline := time.Now().Add(10 * time.Second); debug.SetMemoryLimit(-1) < 128<<20; {
		if time.Now().After(deadline) {
			t.Fatalf("the limit is %d with %d live", debug.SetMemoryLimit(-1), live())
		}
		runtime.Gosched()
	}
	runtime.KeepAlive(held)
	if err := f.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("the limit is %d, was %d", got, before)
	}
}

func TestOperatorsWordStands(t *testing.T) {
	t.Setenv("GOGC", "80")
	before := debug.SetMemoryLimit(-1)
	f := New(Configuration{})
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("the limit is %d, was %d", got, before)
	}
	if err := f.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}
