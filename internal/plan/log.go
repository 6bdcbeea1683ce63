package plan

import (
	"context"
	"log/slog"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
)

// logWriter gathers journal lines and stores them in chunks. Lines are detail: losing the last seconds of them in a crash is allowed,
// losing the journal proper (status.steps) is not.
type logWriter struct {
	journal *Journal
	log     *slog.Logger

	mu    sync.Mutex
	lines []v1alpha1.LogLine
	bytes int
	next  int32
	first time.Time // when the oldest unwritten line was added
}

// maxPending is the size at which lines are written without waiting for more.
const maxPending = 128 << 10

func (w *logWriter) add(level, step, code, object string, pairs ...any) {
	params := lang.P(pairs...)
	if object != "" {
		params["object"] = object
	}
	l := v1alpha1.LogLine{
		Time: metav1.NowMicro(), Level: level, Step: step, Code: code, Object: object, Params: params,
		Text: lang.English.Text("log."+code, params),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.lines) == 0 {
		w.first = l.Time.Time
	}
	w.lines = append(w.lines, l)
	w.bytes += len(l.Text) + len(object) + 120
}

// due reports whether lines should be written now. Long operations write less often, so that a drain that waits for hours does not
// fill the store with tiny chunks.
func (w *logWriter) due(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	wait := min(time.Second*time.Duration(1+w.next/10), 30*time.Second)
	return len(w.lines) > 0 && (w.bytes > maxPending || now.Sub(w.first) >= wait)
}

// flush writes all lines. The chunk comes first and its number after: a crash in between leaves a chunk whose number is found
// taken next time, and skipped.
func (w *logWriter) flush(ctx context.Context) error {
	w.mu.Lock()
	lines := w.lines
	w.lines, w.bytes = nil, 0
	w.mu.Unlock()
	if len(lines) == 0 {
		return nil
	}
	chunks, err := pack(lines)
	if err != nil {
		return wrapf(err, "packing journal lines")
	}
	op := w.journal.Snapshot()
	for _, c := range chunks {
		for {
			l := newLog(op, JournalLogName(op.Name, w.next), v1alpha1.LogJournal, w.next, c)
			err := w.journal.Retry(ctx, func(ctx context.Context) error { return w.journal.store.CreateLog(ctx, l) })
			w.next++
			if apierrors.IsAlreadyExists(err) {
				continue
			}
			if err != nil {
				w.log.Warn("journal lines could not be stored", "operation", op.Name, "lines", c.lines, "error", err)
				return err
			}
			break
		}
	}
	return w.journal.Update(ctx, func(s *v1alpha1.OperationStatus) { s.LogChunks = w.next })
}
