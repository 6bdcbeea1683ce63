// Package footprint keeps the process about as small as what it holds: garbage is collected earlier than Go does by default,
// and memory that is not needed goes back to the machine.
//
// It bounds nothing: a process that holds more gets more. Invariant: the limit stays far enough above what is live that
// collecting does not become the work (`kanrin up` with many large clusters must stay as quick as with one).
package footprint

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// Configuration of the footprint; the zero value of a field means its default.
type Configuration struct {
	// GCPercent is how much garbage may pile up beside what is live, in percent of it; 50 by default, where Go has 100.
	GCPercent int
	// Soft is the size in bytes of everything that Go manages above which collecting becomes eager, as long as what is live
	// is well below; 64 MiB by default.
	Soft int64
	// Every is the pause between two looks at what is live; 30 s by default.
	Every time.Duration
}

// Validate says what is wrong with the configuration.
func (c Configuration) Validate() error {
	if c.GCPercent < 0 || c.Soft < 0 || c.Every < 0 {
		return errors.New("the footprint's settings cannot be negative")
	}
	return nil
}

// Footprint is a component.
type Footprint struct {
	conf    Configuration
	end     context.CancelFunc
	running sync.WaitGroup
	percent int
	limit   int64
	mine    bool // false when the operator has set GOGC or GOMEMLIMIT: then that stands
}

// New returns a footprint that changes nothing yet.
func New(c Configuration) *Footprint {
	if c.GCPercent == 0 {
		c.GCPercent = 50
	}
	if c.Soft == 0 {
		c.Soft = 64 << 20
	}
	if c.Every == 0 {
		c.Every = 30 * time.Second
	}
	return &Footprint{conf: c}
}

// Start makes the collector eager, unless the operator has told it by GOGC or GOMEMLIMIT what to do.
func (f *Footprint) Start(ctx context.Context) error {
	if err := f.conf.Validate(); err != nil {
		return err
	}
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	f.mine = true
	f.percent, f.limit = debug.SetGCPercent(f.conf.GCPercent), debug.SetMemoryLimit(f.conf.Soft)
	ctx, f.end = context.WithCancel(context.WithoutCancel(ctx))
	f.running.Go(func() { f.follow(ctx) })
	return nil
}

// Stop restores what was before.
func (f *Footprint) Stop(context.Context) error {
	if !f.mine {
		return nil
	}
	f.end()
	f.running.Wait()
	debug.SetGCPercent(f.percent)
	debug.SetMemoryLimit(f.limit)
	return nil
}

// follow raises the limit with what is live, and lowers it again.
func (f *Footprint) follow(ctx context.Context) {
	tick := time.NewTicker(f.conf.Every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			debug.SetMemoryLimit(limitFor(f.conf.Soft, live()))
		case <-ctx.Done():
			return
		}
	}
}

// limitFor leaves room for as much again as is live, and for what is not heap.
func limitFor(soft, live int64) int64 {
	const other = 24 << 20
	return max(soft, 2*live+other)
}

// live is what the last collection has found in use, in bytes.
func live() int64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(s[0].Value.Uint64())
}
