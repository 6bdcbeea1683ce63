package nodes

import (
	"testing"
)

func goodRemove() (*RemoveFacts, RemoveOptions) {
	return &RemoveFacts{
		Cluster: "lab", Node: "w1", UID: "u", Host: "w1", Ready: true, Addresses: []string{"10.0.0.5", "w1"}, Server: "10.0.0.2:6443", Endpoint: "api:6443",
		ControlPlanes: []string{"c1", "c2", "c3"}, ReadyControlPlanes: 3, Workers: 2, Recorded: true,
	}, RemoveOptions{Node: "w1"}
}

// third makes the node the third control plane.
func third(f *RemoveFacts, o *RemoveOptions, members ...string) {
	f.Node, o.Node, f.Host, f.ControlPlane, f.Via, f.Etcd = "c3", "c3", "c3", true, []string{"c1", "c2"}, etcdOf(members...)
}

// deadOf makes it silent.
func deadOf(f *RemoveFacts, o *RemoveOptions) {
	o.Dead, f.Ready, f.Witnesses = true, false, []string{"c1"}
}

func TestCheckRemove(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*RemoveFacts, *RemoveOptions)
		want   string
	}{
		{"nothing to say", func(*RemoveFacts, *RemoveOptions) {}, ""},
		{"no host", func(f *RemoveFacts, _ *RemoveOptions) { f.Host = "" }, "blocker NodeHostUnknown"},
		{"host does not answer", func(f *RemoveFacts, _ *RemoveOptions) { f.Unreachable = "silence" }, "blocker NodeHostUnusable"},
		{"not ours", func(f *RemoveFacts, _ *RemoveOptions) { f.Recorded = false }, "info NotRecorded"},
		{"unmanaged pods", func(f *RemoveFacts, _ *RemoveOptions) { f.Unmanaged = []string{"a/b"} }, "blocker UnmanagedStays"},
		{"a budget that never allows", func(f *RemoveFacts, _ *RemoveOptions) { f.Never = []string{"a/b"} }, "blocker BudgetForbids"},
		{"the last worker", func(f *RemoveFacts, _ *RemoveOptions) { f.Workers = 1 }, "warning LastWorker"},
		{"Kanrin's own way leads there", func(f *RemoveFacts, _ *RemoveOptions) { f.Server = "10.0.0.5:6443" }, "blocker ServerIsNode"},
		{"everybody's way leads there", func(f *RemoveFacts, _ *RemoveOptions) { f.Endpoint = "10.0.0.5:6443" }, "blocker EndpointIsNode"},
		{"control plane", func(f *RemoveFacts, o *RemoveOptions) { third(f, o, "up", "up", "up") }, "warning EtcdNoSpare, warning EvenControlPlanes"},
		{
			"control plane beside a dead one", func(f *RemoveFacts, o *RemoveOptions) { third(f, o, "down", "up", "up") },
			"blocker EtcdQuorumBreak, warning EvenControlPlanes",
		},
		{"the only control plane", func(f *RemoveFacts, o *RemoveOptions) { third(f, o, "up"); f.ControlPlanes = []string{"c3"} }, "blocker LastControlPlane"},
		{"etcd is not known", func(f *RemoveFacts, o *RemoveOptions) { third(f, o); f.EtcdError = "x" }, "blocker EtcdUnknown"},
		{"dead, silent", func(f *RemoveFacts, o *RemoveOptions) { deadOf(f, o) }, "blocker SilenceIsNoProof --accept-split-brain w1"},
		{"dead, accepted", func(f *RemoveFacts, o *RemoveOptions) { deadOf(f, o); o.AcceptSplitBrain = "w1" }, "warning SilenceAccepted"},
		{"dead, another accepted", func(f *RemoveFacts, o *RemoveOptions) { deadOf(f, o); o.AcceptSplitBrain = "w2" }, "blocker AcceptedOther"},
		{"dead, power off", func(f *RemoveFacts, o *RemoveOptions) { deadOf(f, o); f.Power = powerOff }, "info ProofPower"},
		{
			"dead, power off, volumes", func(f *RemoveFacts, o *RemoveOptions) { deadOf(f, o); f.Power, f.Attachments = powerOff, []string{"v"} },
			"warning ForceDetach, info ProofPower",
		},
		{
			"dead, power on", func(f *RemoveFacts, o *RemoveOptions) { deadOf(f, o); f.Power = "on" },
			"blocker SilenceIsNoProof --accept-split-brain w1, warning PowerNotOff",
		},
		{"dead, but it answers", func(f *RemoveFacts, o *RemoveOptions) {
			deadOf(f, o)
			f.Answers, o.AcceptSplitBrain = []string{"c1: ping 10.0.0.5"}, "w1"
		}, "blocker StillAnswers"},
		{
			"dead, but it answers with its power off", func(f *RemoveFacts, o *RemoveOptions) {
				deadOf(f, o)
				f.Answers, f.Power = []string{"c1: ping"}, powerOff
			},
			"blocker StillAnswers",
		},
		{"dead, but Ready", func(f *RemoveFacts, o *RemoveOptions) { deadOf(f, o); f.Ready, o.AcceptSplitBrain = true, "w1" }, "blocker StillAlive"},
		{"dead, but its lease is fresh", func(f *RemoveFacts, o *RemoveOptions) { deadOf(f, o); f.LeaseFresh, f.Power = true, powerOff }, "blocker StillAlive"},
		{
			"dead, nobody else listens", func(f *RemoveFacts, o *RemoveOptions) { deadOf(f, o); f.Witnesses, o.AcceptSplitBrain = nil, "w1" },
			"warning NoWitness, warning SilenceAccepted",
		},
		{"the first control plane is dead", func(f *RemoveFacts, o *RemoveOptions) {
			third(f, o, "down", "up", "up")
			deadOf(f, o)
			f.Node, o.Node, f.Power = "c1", "c1", powerOff
		}, "warning EtcdNoSpare, warning EvenControlPlanes, info ProofPower"},
		{"two of three are dead", func(f *RemoveFacts, o *RemoveOptions) {
			third(f, o, "down", "down", "up")
			deadOf(f, o)
			f.Node, o.Node, f.Power = "c1", "c1", powerOff
		}, "blocker EtcdQuorumLost, warning EvenControlPlanes, info ProofPower"},
	} {
		f, o := goodRemove()
		c.change(f, &o)
		if got := found(CheckRemove(f, o)); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestComposeRemove(t *testing.T) {
	for _, c := range []struct {
		name        string
		change      func(*RemoveFacts, *RemoveOptions)
		want, noWay string
	}{
		{"worker", func(*RemoveFacts, *RemoveOptions) {}, "cordon evict empty reset delete bare deregister", "reset"},
		{"kept", func(_ *RemoveFacts, o *RemoveOptions) { o.KeepHost = true }, "cordon evict empty reset delete bare unbind", "reset"},
		{"control plane", func(f *RemoveFacts, o *RemoveOptions) { third(f, o, "up", "up", "up") }, "cordon evict empty unmember reset delete bare deregister", "unmember"},
		{"dead worker", func(f *RemoveFacts, o *RemoveOptions) { deadOf(f, o) }, "proof fence pods detach delete deregister", "fence"},
		{
			"dead control plane", func(f *RemoveFacts, o *RemoveOptions) { third(f, o, "up", "up", "down"); deadOf(f, o) },
			"proof unmember fence pods detach delete deregister", "unmember",
		},
		{"dead and never registered", func(f *RemoveFacts, o *RemoveOptions) { deadOf(f, o); f.Host = "" }, "proof fence pods detach delete", "fence"},
	} {
		f, o := goodRemove()
		c.change(f, &o)
		d, err := ComposeRemove(f, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := ids(d.Plan.Steps); got != c.want || d.Plan.PointOfNoReturn != c.noWay {
			t.Errorf("%s: steps %s from %s, want %s from %s", c.name, got, d.Plan.PointOfNoReturn, c.want, c.noWay)
		}
	}
}
