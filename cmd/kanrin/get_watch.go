package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/cli/output"
)

// watchRows prints the rows, and again each that changes, until the person breaks off. Changes are announced by the server; the list is
// then read again.
func watchRows[T any](ctx context.Context, s *session, l *listing[T], o getOptions, f output.Format) error {
	w := &rowWatch[T]{s: s, l: l, o: o, f: f, seen: map[string]string{}}
	w.columns = l.tableColumns(f, o.allClusters)
	w.grid = &output.Grid{Headers: output.Headers(w.columns), NoHeaders: o.noHeaders}
	if err := w.read(ctx); err != nil {
		return err
	}
	changed := make(chan struct{}, 1)
	ended := make(chan error, 1)
	streamCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	running := false
	open := func() {
		running = true
		go func() {
			ended <- s.Changes(streamCtx, func(c inventory.Change) {
				if w.concerns(c) {
					select {
					case changed <- struct{}{}:
					default: // announced already
					}
				}
			})
		}()
	}
	open()
	defer func() {
		cancel()
		if running {
			<-ended
		}
	}()
	pause := time.Second
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case err := <-ended:
			running = false
			why := ""
			if err != nil {
				why = s.subject().Why(err)
			}
			s.app.say("cli.watch.lost", "server", s.Server, "why", why)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pause):
			}
			pause = min(2*pause, 10*time.Second)
			open()
		}
		if err := w.read(ctx); err == nil {
			pause = time.Second
		} else if len(w.o.names) > 0 {
			return err
		}
	}
}

type rowWatch[T any] struct {
	s       *session
	l       *listing[T]
	o       getOptions
	f       output.Format
	columns []output.Column[row[T]]
	grid    *output.Grid
	seen    map[string]string // key → what was last printed of it
	last    map[string]row[T]
	begun   bool
}

func (w *rowWatch[T]) concerns(c inventory.Change) bool {
	return c.Area == w.l.resource && (c.Cluster == "" || !w.l.perCluster || slices.Contains(w.o.clusters, c.Cluster))
}

// read prints what is new since the last read.
func (w *rowWatch[T]) read(ctx context.Context) error {
	rows, err := w.l.fetch(ctx, w.s, w.o)
	if err != nil {
		return err
	}
	now := map[string]row[T]{}
	var fresh []row[T]
	for _, r := range rows {
		key, text := w.l.key(r), w.text(r)
		now[key] = r
		if w.seen[key] != text {
			w.seen[key] = text
			fresh = append(fresh, r)
		}
	}
	for key := range w.last {
		if _, still := now[key]; !still {
			delete(w.seen, key)
			w.s.app.say("cli.watch.gone", "name", strings.TrimPrefix(strings.ReplaceAll(key, "\x00", "/"), "/"))
		}
	}
	w.last = now
	return w.print(fresh)
}

// text is what of a row is worth a line: all of it in machine formats, what a table shows in others.
func (w *rowWatch[T]) text(r row[T]) string {
	if w.f.Human() {
		return strings.Join(cellsOf(w.columns, r), "\x00")
	}
	data, err := json.Marshal(w.l.value(r))
	if err != nil {
		return ""
	}
	return string(data)
}

func (w *rowWatch[T]) print(rows []row[T]) error {
	if w.f.Human() {
		if len(rows) == 0 {
			return nil
		}
		for _, r := range rows {
			w.grid.Rows = append(w.grid.Rows, output.Row(w.columns, r))
		}
		return w.grid.Write(w.s.app.streams.Out)
	}
	for _, r := range rows {
		d := w.l.document([]row[T]{r}, true)
		write := w.f.WriteNext
		if !w.begun {
			write = w.f.Write
		}
		w.begun = true
		if err := write(w.s.app.streams.Out, d); err != nil {
			return err
		}
	}
	return nil
}
