package repository

import "context"

// Discard drops what was stored of a set that was never sealed; the space is freed by Maintain. Nothing to drop is no error.
func (r *Repository) Discard(ctx context.Context, set string) error {
	if r.options.AppendOnly {
		return &Error{State: Forbidden, Object: "set " + set, Err: errAppendOnly}
	}
	s, err := r.Begin(ctx, set)
	if StateOf(err) == AlreadyExists {
		return nil // sealed: that is DeleteSet's
	}
	if err != nil {
		return err
	}
	defer s.Close(ctx) //nolint:errcheck // what was dropped was flushed
	for _, p := range s.parts {
		for _, id := range p.ids {
			if err := s.w.DeleteManifest(ctx, id); err != nil {
				return classified("set "+set, "discarding", err)
			}
		}
	}
	return classified("set "+set, "discarding", s.w.Flush(ctx))
}
