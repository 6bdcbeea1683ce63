package rehearse

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os/exec"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// maxResult bounds what is read of a simulator's answer.
const maxResult = 256 << 20

// Simulator runs the real scheduler on a snapshot.
type Simulator struct {
	// Path of kanrin-kube.
	Path string
	// Timeout of one run; 0 means two minutes.
	Timeout time.Duration
}

// Snapshot yields the objects of a cluster: nodes, pods, volumes, claims, classes, budgets, priorities, namespaces, owners. They are
// only read.
type Snapshot iter.Seq[runtime.Object]

// Run plays the scenarios. An error means that there is no result, not that pods found no place.
func (s Simulator) Run(ctx context.Context, snapshot Snapshot, scenarios []Scenario) (*Result, error) {
	limit := s.Timeout
	if limit == 0 {
		limit = 2 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	cmd := exec.CommandContext(ctx, s.Path, "simulate")
	cmd.Env = []string{"PATH=/nonexistent", "GOGC=200"} // it needs nothing of ours; memory is bounded by the snapshot
	cmd.WaitDelay = 5 * time.Second
	var out, talk bytes.Buffer
	cmd.Stdout = &limitWriter{w: &out, left: maxResult}
	cmd.Stderr = &limitWriter{w: &talk, left: 64 << 10}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("preparing the simulator: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the simulator %s: %w", s.Path, err)
	}
	feedErr := feed(stdin, snapshot, scenarios)
	waitErr := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("the rehearsal did not finish within %s: %w", limit, ctx.Err())
	case waitErr != nil:
		return nil, fmt.Errorf("the simulator gave up: %s: %w", lastLine(talk.String()), waitErr)
	case feedErr != nil:
		return nil, fmt.Errorf("handing the snapshot to the simulator: %w", feedErr)
	}
	var res Result
	if err := json.Unmarshal(out.Bytes(), &res); err != nil {
		return nil, fmt.Errorf("reading the simulator's answer: %w", err)
	}
	if res.Version != 1 || len(res.Scenarios) != len(scenarios) {
		return nil, fmt.Errorf("the simulator answered version %d with %d of %d scenarios: it is of another release", res.Version, len(res.Scenarios), len(scenarios))
	}
	return &res, nil
}

// feed writes the request and closes the pipe.
func feed(w io.WriteCloser, snapshot Snapshot, scenarios []Scenario) (err error) {
	defer func() { err = errors.Join(err, w.Close()) }()
	buf := bufio.NewWriterSize(w, 256<<10)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(header{Kind: "Simulation", Version: 1, Scenarios: scenarios}); err != nil {
		return err
	}
	for obj := range snapshot {
		gvk, err := kindOf(obj)
		if err != nil {
			return err
		}
		b, err := json.Marshal(obj)
		if err != nil {
			return fmt.Errorf("writing a %s: %w", gvk.Kind, err)
		}
		// Cached objects carry no kind, and must not be changed: it is put in front of the rest.
		if _, err := fmt.Fprintf(buf, `{"apiVersion":%q,"kind":%q`, gvk.GroupVersion().String(), gvk.Kind); err != nil {
			return err
		}
		if b = bytes.TrimPrefix(b, []byte("{")); !bytes.HasPrefix(b, []byte("}")) {
			_ = buf.WriteByte(',') // a failed write shows at the flush
		}
		_, _ = buf.Write(b)
		_ = buf.WriteByte('\n')
	}
	return buf.Flush()
}

func kindOf(obj runtime.Object) (schema.GroupVersionKind, error) {
	kinds, _, err := scheme.Scheme.ObjectKinds(obj)
	if err != nil {
		return schema.GroupVersionKind{}, fmt.Errorf("finding the kind of %T: %w", obj, err)
	}
	return kinds[0], nil
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// limitWriter refuses more than its share, so that a broken child cannot fill the memory.
type limitWriter struct {
	w    io.Writer
	left int
}

func (l *limitWriter) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, errors.New("more output than a simulator may give")
	}
	l.left -= len(p)
	return l.w.Write(p)
}
