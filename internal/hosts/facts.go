package hosts

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
)

//go:embed facts.sh
var factsScript string

const (
	factsTimeout = 30 * time.Second
	maxFacts     = 64 << 10
)

// Facts asks the machine for what it says of itself, in one session. What it does not say is empty.
func (m *Machine) Facts(ctx context.Context) (*v1alpha1.HostFacts, error) {
	asked, ask := io.Pipe()
	talk := &factsTalk{ask: ask, now: time.Now}
	defer asked.Close() //nolint:errcheck // never fails
	_, err := m.Run(ctx, Command{Args: []string{"sh", "-c", factsScript}, Stdin: asked, Stdout: talk, Timeout: factsTimeout})
	_ = ask.Close() // never fails
	talk.asking.Wait()
	if err != nil {
		return nil, fmt.Errorf("asking %s for facts: %w", m.Name, err)
	}
	f := parseFacts(talk.data)
	f.ClockOffsetMilliseconds, f.ClockErrorMilliseconds = talk.clock()
	return f, nil
}

// factsTalk takes the script's output and answers it: when the script is ready, each line sent is answered with the machine's clock.
type factsTalk struct {
	ask    *io.PipeWriter
	asking sync.WaitGroup
	now    func() time.Time

	data  []byte
	rest  []byte // of a line that is not whole yet
	sent  time.Time
	mu    sync.Mutex // of sent, which the asking writes
	known bool
	best  exchange
}

// exchange is one reading of the machine's clock.
type exchange struct{ offset, uncertainty time.Duration }

func (t *factsTalk) Write(p []byte) (int, error) {
	if len(t.data)+len(p) > maxFacts {
		return 0, fmt.Errorf("the facts are %w", ErrTooLarge)
	}
	now := t.now()
	t.data = append(t.data, p...)
	t.rest = append(t.rest, p...)
	for {
		line, rest, whole := bytes.Cut(t.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		t.rest = rest
		key, value, _ := strings.Cut(string(line), "=")
		switch key {
		case "clock":
			t.mu.Lock()
			sent := t.sent
			t.mu.Unlock()
			if x, ok := compareClocks(sent, now, value); ok && (!t.known || x.uncertainty < t.best.uncertainty) {
				t.known, t.best = true, x
			}
			fallthrough
		case "ready":
			t.asking.Go(func() {
				t.mu.Lock()
				t.sent = t.now()
				t.mu.Unlock()
				_, _ = t.ask.Write([]byte("\n")) // fails once the script has heard enough
			})
		}
	}
}

// clock returns offset and error in milliseconds; an error of 0 means that the clock is not known.
func (t *factsTalk) clock() (offset, uncertainty int64) {
	if !t.known {
		return 0, 0
	}
	return t.best.offset.Round(time.Millisecond).Milliseconds(), max(1, t.best.uncertainty.Milliseconds()+1)
}

// compareClocks: the remote clock was read between sent and received; value is its nanoseconds since 1970, or its seconds where
// date(1) knows no nanoseconds.
func compareClocks(sent, received time.Time, value string) (exchange, bool) {
	remote, precision, ok := parseClock(value)
	if !ok || sent.IsZero() || received.Before(sent) {
		return exchange{}, false
	}
	half := received.Sub(sent) / 2
	middle := sent.Add(half)
	return exchange{offset: remote.Add(precision / 2).Sub(middle.Round(0)), uncertainty: half + precision/2}, true
}

// lines of foreign output, each at most 4 KiB.
func lines(data []byte) []string {
	var out []string
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 4<<10)
	for s.Scan() {
		out = append(out, s.Text())
	}
	return out
}
