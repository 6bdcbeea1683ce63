package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func exists(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Stat(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

func TestHysteresis(t *testing.T) {
	const mib = 1 << 20
	dir := t.TempDir()
	conf := Configuration{Dir: dir, Threshold: Threshold{Bytes: 100 * mib}, Ballast: mib, Every: time.Hour}
	m, err := New(conf, nil)
	if err != nil {
		t.Fatal(err)
	}
	var free uint64
	var broken error
	m.statfs = func(string) (uint64, uint64, error) { return free, 1 << 40, broken }
	free = 500 * mib
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer m.Stop(t.Context())
	told, cancel := m.Subscribe()
	defer cancel()
	ballast := filepath.Join(dir, BallastName)
	for i, step := range []struct {
		free    uint64
		err     error
		full    bool
		ballast bool
		told    bool
	}{
		{free: 500 * mib, ballast: true},
		{free: 100 * mib, ballast: true},                    // just enough
		{free: 100*mib - 1, full: true, told: true},         // too little: the reserve is given up
		{free: 101 * mib, full: true},                       // what was given up is not room
		{free: 110 * mib, full: true},                       // not enough for the reserve
		{free: 111*mib - 1, full: true},                     //
		{free: 111 * mib, ballast: true, told: true},        // a tenth to spare and room for the reserve
		{free: 105 * mib, ballast: true},                    // no flapping
		{free: 50 * mib, full: true, told: true},            //
		{free: 0, err: syscall.EIO, full: true, told: true}, // the last that was seen counts
		{free: 0, err: syscall.EIO, full: true},             //
		{free: 900 * mib, ballast: true, told: true},        //
		{free: 0, err: syscall.EIO, full: false, ballast: true, told: true},
	} {
		free, broken = step.free, step.err
		m.look()
		if m.Full() != step.full || exists(t, ballast) != step.ballast || (m.State().Err != nil) != (step.err != nil) {
			t.Errorf("step %d (%+v): %+v, ballast %v", i, step, m.State(), exists(t, ballast))
		}
		got := false
		select {
		case <-told:
			got = true
		default:
		}
		if got != step.told {
			t.Errorf("step %d (%+v): told %v", i, step, got)
		}
	}
}

func TestStartKnowsTheState(t *testing.T) {
	dir := t.TempDir()
	conf := Default(dir)
	conf.Threshold, conf.Ballast = Threshold{Bytes: 1 << 62}, 1<<20
	if err := makeBallast(filepath.Join(dir, BallastName), conf.Ballast); err != nil {
		t.Fatal(err)
	}
	m, err := New(conf, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer m.Stop(t.Context())
	if s := m.State(); !s.Full || s.FreeBytes == 0 || s.TotalBytes < s.FreeBytes || exists(t, filepath.Join(dir, BallastName)) {
		t.Errorf("on a disk that is too small: %+v", s)
	}

	conf.Dir = filepath.Join(dir, "nowhere")
	if m, err = New(conf, nil); err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context()); err == nil || !strings.Contains(err.Error(), conf.Dir) {
		t.Errorf("without the directory: %v", err)
	}
}

func TestHalfABallastIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), BallastName)
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if haveBallast(path, 1<<20) || exists(t, path) {
		t.Error("a ballast that was cut short counts")
	}
}

func TestThreshold(t *testing.T) {
	for in, want := range map[string]Threshold{
		"512Mi":    {Bytes: 512 << 20},
		"1G":       {Bytes: 1e9},
		"0":        {},
		"2%":       {Percent: 2},
		"1.5 %":    {Percent: 1.5},
		"256Mi,1%": DefaultThreshold,
	} {
		got, err := ParseThreshold(in)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
		again, err := ParseThreshold(got.String())
		if err != nil || again != got {
			t.Errorf("%q is written %q, which reads as %+v, %v", in, got, again, err)
		}
	}
	for _, in := range []string{"", "x", "-1", "-5Mi", "95%", "NaN%", "%", "1%,", "1e30"} {
		if got, err := ParseThreshold(in); err == nil {
			t.Errorf("%q: %+v", in, got)
		}
	}
	for want, c := range map[uint64]Threshold{5: {Bytes: 5}, 100: {Bytes: 5, Percent: 10}, 2000: {Bytes: 2000, Percent: 10}} {
		if got := c.of(1000); got != want {
			t.Errorf("%+v of 1000: %d, want %d", c, got, want)
		}
	}
}

func FuzzThreshold(f *testing.F) {
	f.Add("256Mi,1%")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := ParseThreshold(s); err == nil {
			_ = fmt.Sprint(got, got.of(1<<40))
		}
	})
}
