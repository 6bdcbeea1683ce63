package repository

import (
	"context"
	"errors"
	"fmt"
	"path"
)

// CopySet copies a sealed set to another repository, under the same name, with its times and tags. It goes on where an earlier try
// stopped; what the other repository's last set has already is not read again. A set that is there is AlreadyExists. Every file is compared
// with the digest it was stored with.
func (r *Repository) CopySet(ctx context.Context, to *Repository, name string) (_ SetInfo, err error) {
	set, err := r.OpenSet(ctx, name)
	if err != nil {
		return SetInfo{}, err
	}
	manifest, err := set.Manifest(ctx)
	if err != nil {
		return SetInfo{}, err
	}
	s, err := to.Begin(ctx, name)
	if err != nil {
		return SetInfo{}, err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	s.from = set.info.Start
	done := map[string]bool{}
	for _, item := range s.Items() {
		done[item.Component] = true
	}
	components, err := set.Components(ctx)
	if err != nil {
		return SetInfo{}, err
	}
	for _, component := range components {
		if done[component] {
			continue
		}
		if err := set.copyComponent(ctx, s, component); err != nil {
			return SetInfo{}, err
		}
	}
	return s.Seal(ctx, manifest, set.info.Tags)
}

// Components are the names of what the set holds, sorted.
func (s *Set) Components(ctx context.Context) ([]string, error) {
	var names []string
	err := s.Walk(ctx, digestsName, func(name string, _ Entry) error {
		names = append(names, path.Base(name))
		return nil
	})
	return names, err
}

func (s *Set) copyComponent(ctx context.Context, to *Session, component string) error {
	lines, err := s.listing(ctx, component)
	if err != nil {
		return err
	}
	_, err = to.Put(ctx, component, func(w *TreeWriter) error {
		top, err := s.Stat(ctx, component)
		if err != nil {
			return err
		}
		if err := w.Dir(".", top.Attr); err != nil {
			return err
		}
		return s.Walk(ctx, component, func(name string, e Entry) error {
			return s.copyEntry(ctx, w, name, name[len(component)+1:], e, lines)
		})
	})
	return err
}

func (s *Set) copyEntry(ctx context.Context, w *TreeWriter, from, to string, e Entry, lines map[string]line) error {
	want, ok := lines[to]
	if !ok || want.kind != e.Type {
		return &Error{State: Damaged, Object: s.name(from), Err: errors.New("it is not in the listing of its component")}
	}
	switch e.Type {
	case TypeDirectory:
		return w.Dir(to, e.Attr)
	case TypeSymlink:
		target, err := s.Readlink(ctx, from)
		if err != nil {
			return err
		}
		return w.Symlink(to, target, e.Attr)
	}
	if there, ok := w.Previous(to); ok && there.Type == TypeFile && there.SHA256 == want.digest {
		there.Attr = e.Attr
		return w.Reuse(to, there)
	}
	f, err := s.Open(ctx, from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := w.File(to, e.Attr, f)
	if err != nil {
		return err
	}
	if info.SHA256 != want.digest {
		return &Error{State: Damaged, Object: s.name(from), Err: fmt.Errorf("its digest is %s, stored was %s", info.SHA256, want.digest)}
	}
	return nil
}
