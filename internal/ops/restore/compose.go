package restore

import (
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/lang"
	"kanrin.dev/kanrin/internal/plan"
)

// setArgs is the data of steps about the set.
type setArgs struct {
	Backup         string   `json:"backup"`
	Etcd           string   `json:"etcd"` // name of the component
	Via            []string `json:"via,omitempty"`
	WithoutPresent bool     `json:"withoutPresent,omitempty"`
}

// hostArgs is the data of steps that act on one machine.
type hostArgs struct {
	Host    string `json:"host"`
	Node    string `json:"node,omitempty"`
	Member  string `json:"member,omitempty"`
	PeerURL string `json:"peerURL,omitempty"`
	DataDir string `json:"dataDir,omitempty"`
	APIPort int    `json:"apiPort,omitempty"`
	Backup  string `json:"backup,omitempty"`
	Etcd    string `json:"etcd,omitempty"`
	Keys    string `json:"keys,omitempty"` // name of the component with the host's own files
	// Cluster, Token and Bump are what the restored member is made with.
	Cluster string `json:"cluster,omitempty"`
	Token   string `json:"token,omitempty"`
	Bump    int64  `json:"bump,omitempty"`
	// Old is the id of the broken member, Via are the hosts of the others.
	Old string   `json:"old,omitempty"`
	Via []string `json:"via,omitempty"`
	// Joins says that the manifest is put back as that of a member that joins.
	Joins bool `json:"joins,omitempty"`
}

// gateArgs is the data of steps that wait for all.
type gateArgs struct {
	Hosts    []string `json:"hosts,omitempty"`
	Nodes    []string `json:"nodes,omitempty"`
	Revision int64    `json:"revision,omitempty"`
	Bump     int64    `json:"bump,omitempty"`
}

// Deadlines in seconds.
const (
	quickTime = 300
	stopTime  = 900
	longTime  = 4 * 3600
	gateTime  = 1800
	joinTime  = 3600
)

// composer collects the plan of a restore.
type composer struct{ plan.Composer }

// each adds one step for each host; they run at the same time.
func (c *composer) each(kind, undo string, forecast, timeout int64, list []hostArgs, pairs ...any) {
	id := kind[len("restore-"):]
	for _, a := range list {
		target := a.Host
		c.Step(v1alpha1.Step{
			ID: id + "-" + a.Host, Kind: kind, Group: id, Targets: []string{target}, ForecastSeconds: forecast, TimeoutSeconds: timeout, Undo: undo,
		}, a, append([]any{"host", a.Host, "member", a.Member, "dir", a.DataDir}, pairs...)...)
	}
}

// finish gives what was collected, with the findings. Steps of a group run at the same time; none is expected to take all of its time.
func (c *composer) finish(f *Facts, target string, fs []v1alpha1.Finding) (*plan.Draft, error) {
	d, err := c.Draft(f, target)
	if err != nil {
		return nil, err
	}
	p := &d.Plan
	p.Findings, p.Forecast.AtMostSeconds = fs, 0
	group, most := "", int64(0)
	for _, st := range p.Steps {
		if st.Group == "" || st.Group != group {
			p.Forecast.AtMostSeconds += most
			most = 0
		}
		group = st.Group
		most = max(most, min(st.TimeoutSeconds, 4*st.ForecastSeconds+10))
	}
	p.Forecast.AtMostSeconds += most
	params := lang.P("seconds", p.Forecast.Seconds, "atMost", p.Forecast.AtMostSeconds)
	p.Summary = append(p.Summary, v1alpha1.Line{Code: "Duration", Params: params, Message: lang.English.Text("summary.Duration", params)})
	return d, nil
}

// PresentName is the name of the set that holds what was there before an operation.
func PresentName(operation string) string { return "before-" + operation }

// seconds that bytes take, at what a disk and a network do at least.
func seconds(bytes int64) int64 { return 1 + bytes/(50<<20) }

// ComposeAll makes the plan of a restore of all members.
func ComposeAll(op string, f *Facts, o Options, fs []v1alpha1.Finding) (*plan.Draft, error) {
	c := &composer{}
	s, planes := f.Set, f.controlPlanes()
	bump, cluster := f.bump(), initialCluster(planes)
	var list, kubelets []hostArgs
	var via, nodes []string
	for _, h := range planes {
		list = append(list, hostArgs{
			Host: h.Name, Node: h.Node, Member: h.Member, PeerURL: h.PeerURL, DataDir: h.DataDir, APIPort: h.APIPort, Backup: s.Name, Etcd: s.Etcd,
			// Another token makes another cluster of it: a member of the old one that comes back is refused.
			Cluster: cluster, Token: "kanrin-" + op, Bump: bump,
		})
		via = append(via, h.Name)
	}
	for _, h := range append(append([]Host{}, planes...), f.others()...) {
		if h.Node != "" {
			kubelets = append(kubelets, hostArgs{Host: h.Name, Node: h.Node})
			nodes = append(nodes, h.Node)
		}
	}
	set := setArgs{Backup: s.Name, Etcd: s.Etcd, Via: via, WithoutPresent: o.WithoutPresent}
	c.Step(v1alpha1.Step{ID: "verify", Kind: KindVerify, ForecastSeconds: seconds(s.Bytes), TimeoutSeconds: longTime}, set, "backup", s.Name)
	c.Step(v1alpha1.Step{ID: "present", Kind: KindPresent, ForecastSeconds: 2 * seconds(f.EtcdBytes), TimeoutSeconds: longTime}, set,
		"cluster", f.Cluster, "name", PresentName(op))
	// What takes long comes while the cluster serves.
	c.each(KindStage, undoUnstage, seconds(int64(len(list))*(s.Bytes+f.Program)), longTime, list, "backup", s.Name)
	c.each(KindBuild, undoUnstage, 1+seconds(s.Bytes), longTime, list, "bump", bump)
	c.each(KindFence, undoUnfence, 20, stopTime, list)
	c.each(KindStopEtcd, undoUnfence, 8, stopTime, list)
	c.each(KindSwap, undoUnswap, 1, quickTime, list)
	c.each(KindStartEtcd, undoEtcd, 5, stopTime, list)
	gate := gateArgs{Hosts: via, Nodes: nodes, Revision: s.Revision, Bump: bump}
	c.Step(v1alpha1.Step{ID: "quorum", Kind: KindQuorum, ForecastSeconds: 8, TimeoutSeconds: gateTime}, gate, "count", len(planes), "revision", s.Revision+bump)
	c.each(KindServe, "", 15, gateTime, list)
	if len(list) > 0 {
		c.NoReturn("serve-" + list[0].Host)
	}
	c.each(KindKubelet, "", 5, stopTime, kubelets)
	c.each(KindControl, "", 8, stopTime, list)
	c.Step(v1alpha1.Step{ID: "gate", Kind: KindGate, ForecastSeconds: 15, TimeoutSeconds: gateTime}, gate, "count", len(nodes))
	c.each(KindTidy, "", 1, quickTime, list)

	at := s.At.UTC().Format(time.RFC3339)
	c.Say("RestoreFrom", "cluster", f.Cluster, "backup", s.Name, "at", at, "revision", s.Revision, "objects", s.Objects)
	c.Say("RestoreLoses", "at", at, "age", max(0, int64(f.Now.Sub(s.At).Seconds())))
	c.Say("RestoreOutage", "hosts", orDash(names(planes)), "seconds", outage)
	c.Say("RestoreKeeps", "operation", op, "name", PresentName(op))
	c.Say("RestoreBump", "bump", bump, "to", s.Revision+bump)
	return c.finish(f, f.Cluster, fs)
}

// outage is about how long no API server answers, in seconds.
const outage = 60

// orDash stands in a sentence where there may be nothing to name.
func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
