//go:build linux

package lab

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// freeSubnet finds a network that nothing on this machine uses.
func freeSubnet(ctx context.Context) (netip.Prefix, error) {
	raw, err := run(ctx, "ip", "-4", "-o", "addr", "show")
	if err != nil {
		return netip.Prefix{}, err
	}
	for third := 1; third < 255; third++ {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 89, byte(third), 0}), 24)
		if !strings.Contains(string(raw), fmt.Sprintf(" 10.89.%d.", third)) {
			return p, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("no free network below 10.89.0.0/16")
}

// addBridge makes the lab's switch. Pod networks are reached through it too, as they would be through a router.
func (l *Lab) addBridge(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join("/sys/class/net", l.bridge())); err == nil {
		return nil
	}
	own := netip.PrefixFrom(l.gateway(), l.Subnet.Bits()).String()
	for _, args := range [][]string{
		{"link", "add", l.bridge(), "type", "bridge", "forward_delay", "0"},
		{"addr", "add", own, "dev", l.bridge()},
		{"link", "set", l.bridge(), "up"},
	} {
		if _, err := run(ctx, "ip", args...); err != nil {
			return err
		}
	}
	// Packets between hosts are bridged: they are none of this machine's firewall's business.
	_ = os.WriteFile(filepath.Join("/sys/class/net", l.bridge(), "bridge/nf_call_iptables"), []byte("0"), 0o644)
	return nil
}

func (l *Lab) removeBridge(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join("/sys/class/net", l.bridge())); err != nil {
		return nil
	}
	_, err := run(ctx, "ip", "link", "del", l.bridge())
	return err
}

// cutTable is the name of the table of packet filter rules that cut a host off.
const cutTable = "kanrin_lab_cut"

// Cut parts hosts: one alone from everything, several from each other. It lasts until Mend, or until the host is switched off.
func (l *Lab) Cut(ctx context.Context, hosts ...Host) error {
	for _, h := range hosts {
		var rules strings.Builder
		fmt.Fprintf(&rules, "table inet %s {\n", cutTable)
		for _, hook := range []string{"input", "output", "forward"} {
			fmt.Fprintf(&rules, " chain %s { type filter hook %s priority -400; policy accept;\n", hook, hook)
			if len(hosts) == 1 {
				rules.WriteString("  iifname host0 drop\n  oifname host0 drop\n")
			}
			for _, o := range hosts {
				if o.Name != h.Name {
					fmt.Fprintf(&rules, "  ip saddr { %s, %s } drop\n  ip daddr { %s, %s } drop\n", o.Address, podSubnet(o.Index), o.Address, podSubnet(o.Index))
				}
			}
			rules.WriteString(" }\n")
		}
		rules.WriteString("}\n")
		if err := l.filter(ctx, h, rules.String()); err != nil {
			return err
		}
	}
	return nil
}

// filter gives the host's network the rules; nft comes from the base, so that this machine needs none.
func (l *Lab) filter(ctx context.Context, h Host, rules string) error {
	leader := l.leader(h)
	if leader == 0 {
		return fmt.Errorf("%s is off", h.Name)
	}
	if err := os.WriteFile(l.hostDir(h, "cut.nft"), []byte(rules), 0o600); err != nil {
		return fmt.Errorf("writing rules for %s: %w", h.Name, err)
	}
	_, err := run(ctx, "sh", "-c", `exec nsenter --target "$1" --net chroot "$2" nft -f - < "$3"`, "sh", strconv.Itoa(leader), filepath.Join(l.Base, "base"), l.hostDir(h, "cut.nft"))
	return err
}

// IsCut reports whether the host is cut off from something.
func (l *Lab) IsCut(ctx context.Context, h Host) bool {
	leader := l.leader(h)
	if leader == 0 {
		return false
	}
	_, err := run(ctx, "nsenter", "--target", strconv.Itoa(leader), "--net", "chroot", filepath.Join(l.Base, "base"), "nft", "list", "table", "inet", cutTable)
	return err == nil
}

// Mend ends what Pause and Cut did.
func (l *Lab) Mend(ctx context.Context, h Host) error {
	if frozen(l.group(h)) {
		if err := freeze(l.group(h), false); err != nil {
			return fmt.Errorf("thawing %s: %w", h.Name, err)
		}
	}
	if !l.IsCut(ctx, h) {
		return nil
	}
	_, err := run(ctx, "nsenter", "--target", strconv.Itoa(l.leader(h)), "--net", "chroot", filepath.Join(l.Base, "base"), "nft", "delete", "table", "inet", cutTable)
	return err
}
