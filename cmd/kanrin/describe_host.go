package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/hosts"
)

func (a *app) describeHost(_ context.Context, _ *session, cluster string, h *v1alpha1.Host) (string, error) {
	st := h.Status
	state := hostState(h)
	if st.State != v1alpha1.HostReachable {
		state += "\n" + a.hostSentence(h)
	}
	lastSeen := ""
	if st.LastSeen != nil {
		lastSeen = a.when(st.LastSeen.Time)
	}
	tier := ""
	if h.Spec.Tier != 0 {
		tier = strconv.Itoa(int(h.Spec.Tier))
	}
	text := facts([][2]string{
		{a.label("name"), h.Name},
		{a.label("cluster"), cluster},
		{a.label("state"), state},
		{a.label("lastSeen"), lastSeen},
		{a.label("hostAddress"), net.JoinHostPort(h.Spec.Address, strconv.Itoa(int(cmp.Or(h.Spec.Port, hosts.DefaultPort))))},
		{a.label("user"), cmp.Or(h.Spec.User, "root")},
		{a.label("hostKey"), st.Fingerprint},
		{a.label("roles"), strings.ReplaceAll(hostRoles(h), ",", ", ")},
		{a.label("node"), h.Spec.NodeName},
		{a.label("group"), h.Spec.Group},
		{a.label("tier"), tier},
		{a.label("power"), a.powerText(h)},
		{a.label("created"), a.when(h.CreationTimestamp.Time)},
	})
	if f := st.Facts; f != nil {
		text += a.section("facts", "  "+strings.ReplaceAll(strings.TrimRight(a.hostFacts(f), "\n"), "\n", "\n  "))
	}
	return text, nil
}

// hostSentence says in the person's language why a host cannot be used and what to do.
func (a *app) hostSentence(h *v1alpha1.Host) string {
	params := h.Status.Params
	if params == nil {
		params = map[string]string{"host": h.Name}
	}
	return hosts.StateText(a.lang, h.Status.State, params)
}

func (a *app) powerText(h *v1alpha1.Host) string {
	by := ""
	switch p := h.Spec.Power; {
	case p.BMC != nil:
		by = a.t("cli.describe.bmc", "address", p.BMC.Address)
	case p.Command != "":
		by = a.t("cli.describe.powerCommand", "command", p.Command)
	default:
		return a.t("cli.describe.noPower")
	}
	return cmp.Or(h.Status.Power, string(hosts.PowerUnknown)) + " (" + by + ")"
}

func (a *app) hostFacts(f *v1alpha1.HostFacts) string {
	booted := ""
	if f.BootedAt != nil {
		booted = a.when(f.BootedAt.Time)
	}
	etcd, swap := "", ""
	if f.EtcdMember {
		etcd = a.t("cli.describe.etcdData")
	}
	if f.Swap {
		swap = a.t("cli.describe.swapOn")
	}
	var disks []string
	for _, d := range f.Disks {
		disks = append(disks, a.t("cli.describe.disk", "path", d.Path, "available", gibibytes(d.Available), "bytes", gibibytes(d.Bytes)))
	}
	with := func(version, state string) string {
		if version != "" && state != "" {
			return version + " (" + state + ")"
		}
		return version + state
	}
	return facts([][2]string{
		{a.label("hostname"), f.Hostname},
		{a.label("os"), f.OS},
		{a.label("kernel"), strings.TrimSpace(f.Kernel + " " + f.Arch)},
		{a.label("booted"), booted},
		{a.label("cpu"), fmt.Sprint(f.CPUs)},
		{a.label("memory"), gibibytes(f.Memory.Value())},
		{a.label("swap"), swap},
		{a.label("runtime"), with(f.Runtime, f.RuntimeState)},
		{a.label("kubelet"), with(f.Kubelet, f.KubeletState)},
		{a.label("kubeadm"), f.Kubeadm},
		{a.label("etcd"), etcd},
		{a.label("clock"), clockText(f)},
		{a.label("disks"), strings.Join(disks, "\n")},
	})
}
