package disk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"
)

// BallastName is the file in the data directory that keeps room in reserve.
const BallastName = "ballast"

// Configuration of a monitor.
type Configuration struct {
	// Dir is the data directory; it must exist at the start.
	Dir       string
	Threshold Threshold
	// Ballast is the size of the reserve in bytes; 0 keeps none.
	Ballast int64
	// Every is the time between two looks.
	Every time.Duration
}

// Default watches dir as Kanrin does.
func Default(dir string) Configuration {
	return Configuration{Dir: dir, Threshold: DefaultThreshold, Ballast: 64 << 20, Every: 2 * time.Second}
}

// Validate reports what is missing or wrong.
func (c Configuration) Validate() error {
	if !filepath.IsAbs(c.Dir) {
		return fmt.Errorf("data directory %q is not an absolute path", c.Dir)
	}
	if c.Every <= 0 || c.Ballast < 0 {
		return errors.New("the disk monitor needs a time between looks and a ballast that is not negative")
	}
	return nil
}

// State is what was last seen.
type State struct {
	FreeBytes, TotalBytes uint64
	// MinFreeBytes is the threshold in bytes.
	MinFreeBytes uint64
	Full         bool
	// Since is when Full became what it is.
	Since time.Time
	// Err says why nothing could be seen; the rest is then from before.
	Err error
}

// Monitor watches one directory.
type Monitor struct {
	conf   Configuration
	log    *slog.Logger
	statfs func(string) (free, total uint64, err error)

	stop context.CancelFunc
	done sync.WaitGroup

	mu          sync.Mutex
	state       State
	ballast     bool
	subscribers map[chan struct{}]bool
}

// New prepares a monitor; nothing is looked at before Start.
func New(conf Configuration, log *slog.Logger) (*Monitor, error) {
	if err := conf.Validate(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Monitor{conf: conf, log: log, statfs: statfs, subscribers: map[chan struct{}]bool{}}, nil
}

// Start looks once, so that the state is known when it returns, and goes on looking until Stop.
func (m *Monitor) Start(context.Context) error {
	m.ballast = haveBallast(m.ballastPath(), m.conf.Ballast)
	m.mu.Lock()
	m.state.Since = time.Now()
	m.mu.Unlock()
	m.look()
	if err := m.State().Err; err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.Background())
	m.stop = cancel
	m.done.Go(func() {
		tick := time.NewTicker(m.conf.Every)
		defer tick.Stop()
		for {
			select {
			case <-run.Done():
				return
			case <-tick.C:
				m.look()
			}
		}
	})
	return nil
}

// Stop ends the watch. The ballast stays for the next start.
func (m *Monitor) Stop(context.Context) error {
	if m.stop != nil {
		m.stop()
		m.done.Wait()
	}
	return nil
}

func (m *Monitor) ballastPath() string { return filepath.Join(m.conf.Dir, BallastName) }

// look compares the free space with the threshold. Only the goroutine of Start calls it, and Start before that.
func (m *Monitor) look() {
	before := m.State()
	next := before
	free, total, err := m.statfs(m.conf.Dir)
	if err != nil {
		next.Err = fmt.Errorf("looking at the free space of the data directory: %w", err)
		if before.Err == nil {
			m.log.Error("the free space cannot be seen", "error", next.Err)
		}
		m.set(next)
		return
	}
	next.FreeBytes, next.TotalBytes, next.Err = free, total, nil
	next.MinFreeBytes = m.conf.Threshold.of(next.TotalBytes)
	spare := next.MinFreeBytes + next.MinFreeBytes/10
	if !m.ballast {
		spare += uint64(m.conf.Ballast)
	}
	switch {
	case next.FreeBytes < next.MinFreeBytes && !before.Full:
		m.log.Error("the disk is full: operations are held back until there is room",
			"directory", m.conf.Dir, "free", next.FreeBytes, "threshold", next.MinFreeBytes)
		m.dropBallast()
		next.Full, next.Since = true, time.Now()
	case next.FreeBytes >= spare && before.Full:
		m.takeBallast()
		m.log.Info("the disk has room again", "directory", m.conf.Dir, "free", next.FreeBytes)
		next.Full, next.Since = false, time.Now()
	case next.FreeBytes >= spare:
		m.takeBallast()
	}
	m.set(next)
}

func (m *Monitor) takeBallast() {
	if m.ballast || m.conf.Ballast == 0 {
		return
	}
	if err := makeBallast(m.ballastPath(), m.conf.Ballast); err != nil {
		m.log.Warn("no room can be kept in reserve", "error", err)
		return
	}
	m.ballast = true
}

func (m *Monitor) dropBallast() {
	if err := removeBallast(m.ballastPath()); err != nil {
		m.log.Warn("the reserve cannot be given up", "error", err)
		return
	}
	m.ballast = false
}

func (m *Monitor) set(next State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	changed := next.Full != m.state.Full || (next.Err == nil) != (m.state.Err == nil)
	m.state = next
	if !changed {
		return
	}
	for ch := range m.subscribers {
		select {
		case ch <- struct{}{}:
		default: // it has not taken the last one yet
		}
	}
}

// State is what was last seen.
func (m *Monitor) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// Full reports whether there is too little room to begin or continue what writes.
func (m *Monitor) Full() bool { return m.State().Full }

// Subscribe returns a channel on which every change of Full is told (several may become one), and a function that ends it.
func (m *Monitor) Subscribe() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.subscribers[ch] = true
	return ch, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.subscribers, ch)
	}
}
