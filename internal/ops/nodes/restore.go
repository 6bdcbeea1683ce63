package nodes

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

//go:embed bare.sh
var bareScript string

// takeBack is the undo of what was installed and prepared.
func (b base) takeBack(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[addArgs](s)
	if err != nil {
		return false, err
	}
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return false, err
	}
	r, err := readRecord(ctx, m)
	if err != nil {
		return false, call.OnHost(ctx, a.Host, err)
	}
	if r == nil || r.Operation != s.ID() {
		return false, nil
	}
	return true, call.OnHost(ctx, a.Host, restore(ctx, s, m, r))
}

// restore takes a host back to what it was before the record began. The record goes last, so that it may be repeated.
func restore(ctx context.Context, s *plan.Scope, m *hosts.Machine, r *Record) error {
	runtime := "kept"
	if r.FreshRuntime {
		runtime = "fresh"
	}
	cni := []string{"all"}
	if r.Seen {
		cni = append([]string{"these"}, r.CNI...)
	}
	if err := runJob(ctx, s, m, bareScript, append([]string{runtime}, cni...)...); err != nil {
		return fmt.Errorf("cleaning up: %w", err)
	}
	if !r.FreshRuntime && r.Seen {
		if _, err := m.Script(ctx, imagesScript, r.Images...); err != nil {
			return fmt.Errorf("removing images: %w", err)
		}
	}
	if err := restoreUnits(ctx, s, m, r); err != nil {
		return err
	}
	if len(r.Packages) > 0 {
		if err := runJob(ctx, s, m, purgeScript, r.Packages...); err != nil {
			return fmt.Errorf("removing packages: %w", err)
		}
	}
	if err := restoreFiles(ctx, s, m, r); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(r.Sysctls)) {
		if _, err := m.Script(ctx, `[ ! -e "/proc/sys/$1" ] || echo "$2" >"/proc/sys/$1"`, key, r.Sysctls[key]); err != nil {
			return fmt.Errorf("putting back %s: %w", key, err)
		}
	}
	if err := m.Systemctl(ctx, "daemon-reload", ""); err != nil {
		return err
	}
	// Units that ran before are started again with what they had before.
	for _, u := range slices.Sorted(maps.Keys(r.Units)) {
		if was := r.Units[u]; was.Exists && was.Active && u != kubeletUnit {
			if err := m.Systemctl(ctx, "start", u); err != nil {
				return err
			}
		}
	}
	if err := s.Guard(); err != nil {
		return err
	}
	_, err := m.Script(ctx, `rm -rf `+stateDir+` `+runDir)
	return err
}

const (
	// imagesScript removes the images that are not among the arguments.
	imagesScript = `
command -v ctr >/dev/null 2>&1 && [ -S /run/containerd/containerd.sock ] || exit 0
timeout 60 ctr -n k8s.io images ls -q | while read -r i; do
  keep=
  for k in "$@"; do [ "$i" = "$k" ] && keep=yes; done
  [ -n "$keep" ] || timeout 60 ctr -n k8s.io images rm "$i" >/dev/null 2>&1
done
exit 0
`
	// purgeScript removes packages that are installed.
	purgeScript = `
dpkg --configure -a
for p in "$@"; do
  dpkg-query -W "$p" >/dev/null 2>&1 || continue
  list="$list $p"
done
[ -z "$list" ] || dpkg --purge $list
`
	// backScript puts one file back: path, sum or ->target that Kanrin wrote, backup or nothing. It prints left when somebody has changed it.
	backScript = `
set -eu
path=$1 want=$2 backup=$3
case $want in
'->'*) have="->$(readlink "$path" 2>/dev/null || :)" ;;
*) have=; [ ! -f "$path" ] || [ -L "$path" ] || { have=$(sha256sum <"$path"); have=${have%% *}; } ;;
esac
if [ -n "$backup" ]; then
  [ -e "$backup" ] || [ -L "$backup" ] || exit 0
  if { [ -e "$path" ] || [ -L "$path" ]; } && [ "$have" != "$want" ] && ! cmp -s "$path" "$backup"; then echo left; exit 0; fi
  rm -rf "$path"
  cp -a "$backup" "$path"
  exit 0
fi
{ [ -e "$path" ] || [ -L "$path" ]; } || exit 0
if [ "$have" = "$want" ]; then rm -f "$path"; else echo left; fi
d=$(dirname "$path")
while :; do
  case $d in
  /etc/containerd* | /etc/cni* | /opt/cni* | /etc/systemd/system/*.d | /usr/lib/systemd/system/*.d) rmdir "$d" 2>/dev/null || break ;;
  *) break ;;
  esac
  d=$(dirname "$d")
done
`
)

// restoreUnits stops and disables what was not so before.
func restoreUnits(ctx context.Context, s *plan.Scope, m *hosts.Machine, r *Record) error {
	for _, u := range slices.Sorted(maps.Keys(r.Units)) {
		was := r.Units[u]
		now, err := m.Unit(ctx, u)
		if err != nil {
			return err
		}
		if !now.Exists {
			continue
		}
		if err := s.Guard(); err != nil {
			return err
		}
		if !was.Active && now.Active != "inactive" {
			if err := m.Systemctl(ctx, "stop", u); err != nil {
				return err
			}
			if err := m.Systemctl(ctx, "reset-failed", u); err != nil {
				s.Log("info", "Retrying", u, "error", oneLine(err)) // a unit that did not fail cannot be reset
			}
		}
		if !was.Enabled && now.Enabled {
			if err := m.Systemctl(ctx, "disable", u); err != nil {
				return err
			}
		}
	}
	return nil
}

// restoreFiles puts files back, the last first. What somebody has changed since is left and told of.
func restoreFiles(ctx context.Context, s *plan.Scope, m *hosts.Machine, r *Record) error {
	for i := len(r.Files) - 1; i >= 0; i-- {
		f := r.Files[i]
		if err := s.Guard(); err != nil {
			return err
		}
		want := f.SHA256
		if f.Link != "" {
			want = "->" + f.Link
		}
		out, err := m.Script(ctx, backScript, f.Path, want, f.Backup)
		if err != nil {
			return fmt.Errorf("putting back %s: %w", f.Path, err)
		}
		if strings.TrimSpace(string(out.Stdout)) == "left" {
			s.Log("warn", "FileLeft", f.Path, "host", m.Name)
		}
	}
	return nil
}
