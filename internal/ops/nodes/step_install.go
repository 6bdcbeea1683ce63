package nodes

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// install brings the files of a bundle, or packages, to the host.
type install struct{ base }

// Done implements plan.Behaviour.
func (b install) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[addArgs](s)
	if err != nil {
		return false, err
	}
	bundle, err := b.bundleOf(a)
	if err != nil || bundle == nil {
		return false, err
	}
	defer bundle.Close()
	if len(bundle.Debs) > 0 {
		return false, nil
	}
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return false, err
	}
	need, err := missing(ctx, m, bundle.items())
	return err == nil && len(need) == 0, call.OnHost(ctx, a.Host, err)
}

// bundleOf opens the bundle of the plan; nil when there is none.
func (b base) bundleOf(a addArgs) (*BundleFiles, error) {
	if a.Bundle == "" {
		return nil, nil
	}
	bundle, err := OpenBundle(b.d.Bundles, a.Bundle)
	if err != nil {
		return nil, plan.Fail("BundleUnusable", a.Host, err, "bundle", a.Bundle)
	}
	if bundle.sum() != a.BundleSum {
		bundle.Close()
		return nil, plan.Fail("BundleChanged", a.Host, nil, "bundle", a.Bundle)
	}
	return bundle, nil
}

// Do implements plan.Behaviour.
func (b install) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[addArgs](s)
	if err != nil {
		return err
	}
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return err
	}
	return call.OnHost(ctx, a.Host, b.install(ctx, s, m, a))
}

func (b install) install(ctx context.Context, s *plan.Scope, m *hosts.Machine, a addArgs) error {
	r, err := ownRecord(ctx, m, s.ID(), a.Node)
	if err != nil {
		return recordFailure(a.Host, err)
	}
	if err := observe(ctx, s, m, r, a); err != nil {
		return err
	}
	bundle, err := b.bundleOf(a)
	if err != nil {
		return err
	}
	if bundle == nil {
		return installPackages(ctx, s, m, r, aptScript, nil, a.Packages)
	}
	defer bundle.Close()
	r.Bundle = a.Bundle
	items := bundle.items()
	total := len(items) + len(bundle.Debs)
	if err := put(ctx, m, r, s.Guard, items, func(done int) { s.Progress(done, total) }); err != nil {
		return err
	}
	if len(bundle.Debs) == 0 {
		return nil
	}
	var uploaded []string
	for n, d := range bundle.Debs {
		if err := s.Guard(); err != nil {
			return err
		}
		f, err := bundle.Open(d)
		if err != nil {
			return err
		}
		to := path.Join(stateDir, "debs", path.Base(d))
		err = m.WriteFile(ctx, to, 0o644, f)
		_ = f.Close() // only read
		if err != nil {
			return err
		}
		uploaded = append(uploaded, to)
		s.Progress(len(items)+n+1, total)
	}
	out, err := m.Script(ctx, `for f in "$@"; do dpkg-deb -f "$f" Package || exit 1; done`, uploaded...)
	if err != nil {
		return err
	}
	return installPackages(ctx, s, m, r, debScript, strings.Fields(string(out.Stdout)), uploaded)
}

func recordFailure(host string, err error) error {
	if errors.Is(err, errOtherRecord) {
		return plan.Fail("OtherRecord", host, err)
	}
	return err
}

const (
	debScript = `dpkg --configure -a && dpkg -i --force-confdef --force-confold "$@"`
	aptScript = `dpkg --configure -a && apt-get -y -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install --no-install-recommends "$@"`
	// installedScript prints the packages that are installed.
	installedScript = `dpkg-query -W -f '${db:Status-Abbrev}|${Package}\n' 2>/dev/null | sed -n 's/^ii *|//p'`
)

// installPackages notes which packages are new before it installs them. names are those that are certain to come; what comes along with
// them is noted after.
func installPackages(ctx context.Context, s *plan.Scope, m *hosts.Machine, r *Record, script string, names, args []string) error {
	if names == nil {
		for _, a := range args {
			name, _, _ := strings.Cut(a, "=")
			names = append(names, name)
		}
	}
	before, err := installed(ctx, m)
	if err != nil {
		return err
	}
	for _, n := range names {
		if !slices.Contains(before, n) && !slices.Contains(r.Packages, n) {
			r.Packages = append(r.Packages, n)
		}
	}
	if err := s.Guard(); err != nil {
		return err
	}
	if err := r.write(ctx, m); err != nil {
		return err
	}
	if err := runJob(ctx, s, m, script, args...); err != nil {
		return fmt.Errorf("installing packages: %w", err)
	}
	after, err := installed(ctx, m)
	if err != nil {
		return err
	}
	for _, n := range after {
		if !slices.Contains(before, n) && !slices.Contains(r.Packages, n) {
			r.Packages = append(r.Packages, n)
		}
	}
	return r.write(ctx, m)
}

func installed(ctx context.Context, m *hosts.Machine) ([]string, error) {
	out, err := m.Script(ctx, installedScript)
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(out.Stdout)), nil
}

// Undo implements plan.Undoer.
func (b install) Undo(ctx context.Context, s *plan.Scope) (bool, error) { return b.takeBack(ctx, s) }
