package hosts

import (
	"cmp"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
)

// rowOf makes the row of a host.
func rowOf(h *v1alpha1.Host) inventory.Host {
	spec, st := h.Spec, h.Status
	row := inventory.Host{
		Name: h.Name, UID: string(h.UID), Created: h.CreationTimestamp.Time,
		Address: spec.Address, Port: cmp.Or(spec.Port, DefaultPort), User: cmp.Or(spec.User, "root"),
		Roles: spec.Roles, Node: spec.NodeName, Group: spec.Group, Tier: spec.Tier,
		State: cmp.Or(st.State, v1alpha1.HostUnknown), Message: st.Message, Params: st.Params, Fingerprint: st.Fingerprint, Power: st.Power,
	}
	switch {
	case spec.Power.BMC != nil:
		row.PowerBy = "bmc"
	case spec.Power.Command != "":
		row.PowerBy = "command"
	}
	if st.LastSeen != nil {
		row.LastSeen = &st.LastSeen.Time
	}
	if f := st.Facts; f != nil {
		row.OS, row.Kernel, row.Runtime, row.Kubelet = f.OS, f.Kernel, f.Runtime, f.Kubelet
		row.ClockOffsetMilliseconds, row.ClockErrorMilliseconds = f.ClockOffsetMilliseconds, f.ClockErrorMilliseconds
	}
	return row
}
