package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/access"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/backup/browse"
	"kanrin.dev/kanrin/internal/backup/proof"
	"kanrin.dev/kanrin/internal/console"
	"kanrin.dev/kanrin/internal/controlplane"
	"kanrin.dev/kanrin/internal/demo"
	"kanrin.dev/kanrin/internal/disk"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/footprint"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/httpapi"
	"kanrin.dev/kanrin/internal/install"
	"kanrin.dev/kanrin/internal/inventory"
	"kanrin.dev/kanrin/internal/kubebin"
	"kanrin.dev/kanrin/internal/leader"
	opsbackup "kanrin.dev/kanrin/internal/ops/backup"
	"kanrin.dev/kanrin/internal/ops/controller"
	"kanrin.dev/kanrin/internal/ops/drain"
	"kanrin.dev/kanrin/internal/ops/nodes"
	"kanrin.dev/kanrin/internal/ops/power"
	"kanrin.dev/kanrin/internal/ops/restore"
	"kanrin.dev/kanrin/internal/plan"
	"kanrin.dev/kanrin/internal/rehearse"
	"kanrin.dev/kanrin/web"
)

// parts are the components, each made by the step that starts it.
type parts struct {
	disk       *disk.Monitor
	management *controlplane.ControlPlane // nil with an external management API
	config     *rest.Config               // of the management API
	client     client.WithWatch
	access     *access.Access
	fleet      *fleet.Fleet
	inventory  *inventory.Inventory
	machines   *hosts.Pool
	hosts      *hosts.Keeper
	changes    *fleet.Changes // of hosts
	sets       *backup.Store
	backups    *opsbackup.Keeper
	console    *console.Console
	leader     atomic.Pointer[leader.Leader] // read by /metrics
	demo       atomic.Pointer[demo.Demo]     // read by /readyz
}

func (a *App) embedded() bool { return a.conf.ManagementKubeconfig == "" }

// steps in the order of the start. The console comes as soon as the management API can be used. A demo cluster, which takes
// longer, is waited for after that, and before operations go on that were interrupted on it; it ends after all who use it.
func (a *App) steps() []step {
	steps := []step{
		{start: a.takeLock},
		{start: a.checkListen},
		{start: a.startFootprint},
		{start: a.startDisk},
		{stage: StageManagement, start: a.startManagement},
		{stage: StageDemo, start: a.startDemo, later: true},
		{stage: StageInstall, start: a.install},
		{stage: StageAccess, start: a.startAccess},
		{start: a.startViews},
		{start: a.startHosts},
		{start: a.startBackups},
		{start: a.followBackups},
		{stage: StageConsole, start: a.startConsole},
		{stage: StageDemo, start: a.joinDemo},
		{stage: StageOperations, start: a.startLeader},
		{stage: StageDemoSeed, start: a.seedDemo},
	}
	return slices.DeleteFunc(steps, func(s step) bool {
		return !a.conf.Demo && (s.stage == StageDemo || s.stage == StageDemoSeed)
	})
}

func (a *App) takeLock(context.Context) (stop, error) {
	l, err := takeLock(a.conf.DataDir)
	if err != nil {
		return nil, err
	}
	return func(context.Context) error { return l.release() }, nil
}

func (a *App) startFootprint(ctx context.Context) (stop, error) {
	f := footprint.New(footprint.Configuration{})
	return f.Stop, f.Start(ctx)
}

func (a *App) startDisk(ctx context.Context) (stop, error) {
	conf := disk.Default(a.conf.DataDir)
	if a.conf.MinFreeDisk != (disk.Threshold{}) {
		conf.Threshold = a.conf.MinFreeDisk
	}
	m, err := disk.New(conf, a.deps.Log)
	if err != nil {
		return nil, err
	}
	a.parts.disk = m
	return m.Stop, m.Start(ctx)
}

// startManagement starts the management API, or finds the external one.
func (a *App) startManagement(ctx context.Context) (stop, error) {
	var err error
	if a.kube, err = kubebin.Find(a.conf.Kube, a.conf.DataDir); err != nil {
		return nil, err
	}
	if !a.embedded() {
		return nil, a.connectManagement()
	}
	cp, err := controlplane.New(controlplane.Configuration{
		Name: "management", Dir: filepath.Join(a.conf.DataDir, "management"), Binary: a.kube,
	}, controlplane.Dependencies{Log: a.deps.Log})
	if err != nil {
		return nil, err
	}
	a.parts.management = cp
	if err := cp.Start(ctx); err != nil {
		return cp.Stop, err
	}
	if err := cp.WaitReady(ctx); err != nil {
		return cp.Stop, err
	}
	a.parts.config = cp.RESTConfig()
	return cp.Stop, a.makeClient()
}

// connectManagement reads the kubeconfig of an existing management cluster.
func (a *App) connectManagement() error {
	config, err := clientcmd.BuildConfigFromFlags("", a.conf.ManagementKubeconfig)
	if err != nil {
		return fmt.Errorf("reading the management kubeconfig: %w", err)
	}
	config.UserAgent = "kanrin"
	config.QPS, config.Burst = 100, 200
	config.Timeout = 0 // watches last; every other call carries its own deadline
	a.parts.config = config
	return a.makeClient()
}

func (a *App) makeClient() error {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return fmt.Errorf("preparing the management client: %w", err)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return fmt.Errorf("preparing the management client: %w", err)
	}
	c, err := client.NewWithWatch(a.parts.config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("preparing the management client: %w", err)
	}
	a.parts.client = c
	return nil
}

const installTimeout = time.Minute

func (a *App) install(ctx context.Context) (stop, error) {
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	return nil, install.Install(ctx, a.parts.config)
}

func (a *App) startAccess(ctx context.Context) (stop, error) {
	conf := access.Configuration{DataDir: a.conf.DataDir}
	if a.conf.Demo {
		conf.Namespace = demo.Name
	}
	x, err := access.New(conf, access.Dependencies{Management: a.parts.config, Log: a.deps.Log})
	if err != nil {
		return nil, err
	}
	a.parts.access = x
	return x.Stop, x.Start(ctx)
}

// startViews starts the connections to the clusters and what is shown of them.
func (a *App) startViews(ctx context.Context) (stop, error) {
	p := &a.parts
	conf := fleet.Configuration{Embedded: a.embedded()}
	if err := conf.Validate(); err != nil {
		return nil, err
	}
	p.fleet = fleet.New(conf, fleet.Dependencies{Management: p.client, Log: a.deps.Log})
	p.inventory = inventory.New(inventory.Configuration{}, inventory.Dependencies{
		Fleet: p.fleet, Management: p.client, Authorizer: p.access, Simulator: a.simulator(), Log: a.deps.Log,
		Disk: func() (int64, bool) { s := p.disk.State(); return int64(s.FreeBytes), s.Full },
	})
	p.sets = backup.New(backup.Configuration{CacheDir: filepath.Join(a.conf.DataDir, "backup")}, p.client, a.deps.Log)
	p.backups = opsbackup.NewKeeper(a.backupDependencies())
	p.fleet.AddExaminer(p.backups)
	stop := func(ctx context.Context) error { return errors.Join(p.inventory.Stop(ctx), p.fleet.Stop(ctx)) }
	if err := p.fleet.Start(ctx); err != nil {
		return stop, err
	}
	return stop, p.inventory.Start(ctx)
}

// startHosts follows the machines of the clusters.
func (a *App) startHosts(ctx context.Context) (stop, error) {
	p := &a.parts
	p.changes = fleet.NewChanges()
	p.machines = hosts.New(hosts.Options{Client: p.client, DataDir: a.conf.DataDir, Log: a.deps.Log})
	p.hosts = hosts.NewKeeper(hosts.KeeperConfiguration{}, hosts.KeeperDependencies{
		Client: p.client, Pool: p.machines, Note: p.changes.Note, Addresses: p.nodeAddresses, Log: a.deps.Log,
	})
	stop := func(ctx context.Context) error {
		defer p.machines.Close()
		return p.hosts.Stop(ctx)
	}
	return stop, p.hosts.Start(ctx)
}

// startBackups cleans up after proofs that were cut off, and looks after what the clusters' status says of their backups.
func (a *App) startBackups(ctx context.Context) (stop, error) {
	p := &a.parts
	if _, err := proof.Sweep(ctx, "", a.deps.Log); err != nil {
		a.deps.Log.Warn("cleaning up after proofs that were cut off", "error", err)
	}
	stop := func(ctx context.Context) error { return errors.Join(p.backups.Stop(ctx), p.sets.Close(ctx)) }
	return stop, p.backups.Start(ctx)
}

func (a *App) backupDependencies() opsbackup.Dependencies {
	p := &a.parts
	return opsbackup.Dependencies{
		Fleet: p.fleet, Hosts: p.machines, Client: p.client, History: history{p.client}, Store: p.sets, Kube: a.kube, Version: a.conf.Version, Log: a.deps.Log,
	}
}

// nodeAddresses are those of a Node that is known; nil for others.
func (p *parts) nodeAddresses(cluster, node string) []corev1.NodeAddress {
	conn, err := p.fleet.Connection(cluster)
	if err != nil {
		return nil
	}
	n, err := conn.Nodes().Get(node)
	if err != nil {
		return nil
	}
	return n.Status.Addresses
}

func (a *App) simulator() rehearse.Simulator { return rehearse.Simulator{Path: a.kube} }

func (a *App) startConsole(ctx context.Context) (stop, error) {
	p := &a.parts
	metrics := prometheus.NewRegistry()
	if err := a.registerMetrics(metrics); err != nil {
		return nil, err
	}
	c, err := console.New(a.conf.console(), console.Dependencies{
		Access: p.access, Management: p.config, Log: a.deps.Log, Metrics: metrics, Static: web.Dist(),
		Changes: []console.Changes{p.fleet, p.inventory, p.changes}, Checks: a.checks(),
	})
	if err != nil {
		return nil, err
	}
	for _, routes := range [][]httpapi.Route{p.inventory.Routes(), controller.Routes(p.client), p.hosts.Routes(), browse.Routes(browse.Dependencies{
		Client: p.client, Store: p.sets, Fleet: p.fleet, Authorizer: p.access, Log: a.deps.Log,
	})} {
		if err := c.Register(routes); err != nil {
			return nil, err
		}
	}
	p.console = c
	return c.Stop, c.Start(ctx)
}

// checks of /readyz: the child processes, and that the demo was brought up.
func (a *App) checks() []console.Check {
	var checks []console.Check
	if cp := a.parts.management; cp != nil {
		checks = append(checks, console.Check{Name: "management", Check: func(context.Context) error { return cp.Check() }})
	}
	if a.conf.Demo {
		checks = append(checks, console.Check{Name: "demo", Check: func(context.Context) error {
			d := a.parts.demo.Load()
			if d == nil {
				return errors.New("the demo cluster is being started")
			}
			return d.Check()
		}})
	}
	return checks
}

// startDemo begins to start the control plane of the demo cluster.
func (a *App) startDemo(ctx context.Context) (stop, error) {
	d, err := demo.New(demo.Configuration{Dir: filepath.Join(a.conf.DataDir, demo.Name), Binary: a.kube}, demo.Dependencies{Log: a.deps.Log})
	if err != nil {
		return nil, err
	}
	a.parts.demo.Store(d)
	return d.Stop, d.Start(ctx)
}

// joinDemo waits for the demo cluster and registers it.
func (a *App) joinDemo(ctx context.Context) (stop, error) {
	d := a.parts.demo.Load()
	if err := d.WaitReady(ctx); err != nil {
		return nil, err
	}
	kubeconfig, err := d.Kubeconfig()
	if err != nil {
		return nil, err
	}
	// The address may be another one than the last time.
	if _, err := a.parts.fleet.Ensure(ctx, fleet.Registration{Name: demo.Name, Kubeconfig: kubeconfig, Demo: true}); err != nil {
		return nil, err
	}
	etcd, err := d.Etcd()
	if err != nil {
		return nil, err
	}
	return nil, a.reachDemoEtcd(ctx, etcd)
}

func (a *App) seedDemo(ctx context.Context) (stop, error) { return nil, a.parts.demo.Load().Seed(ctx) }

// startLeader takes part in the election. With a management API of our own, the data directory's lock proves that whoever
// holds the lease is dead.
func (a *App) startLeader(ctx context.Context) (stop, error) {
	p := &a.parts
	client, err := kubernetes.NewForConfig(p.config)
	if err != nil {
		return nil, fmt.Errorf("preparing the election: %w", err)
	}
	registry := plan.NewRegistry()
	drain.Register(registry, drain.Dependencies{Fleet: p.fleet, Rehearser: a.simulator(), History: history{p.client}})
	machines := power.Dependencies{Fleet: p.fleet, Hosts: p.machines, Client: p.client, History: history{p.client}}
	power.Register(registry, machines)
	nodes.Register(registry, nodes.Dependencies{
		Fleet: p.fleet, Hosts: p.machines, History: history{p.client}, Client: p.client, Bundles: filepath.Join(a.conf.DataDir, nodes.BundleDir),
	})
	opsbackup.Register(registry, a.backupDependencies())
	restore.Register(registry, restore.Dependencies{
		Fleet: p.fleet, Hosts: p.machines, Client: p.client, History: history{p.client}, Sets: storedSets{p.sets}, Kube: a.kube, Scratch: p.sets.Scratch(),
		Present: a.savePresent,
	})
	conf := leader.Default()
	conf.Exclusive = a.embedded()
	var operations *controller.Controller
	l, err := leader.New(conf, leader.Dependencies{Client: client, Log: a.deps.Log, Lead: func(ctx context.Context, term *leader.Term) {
		p.fleet.SetLeader(true)
		stop := context.AfterFunc(ctx, func() { p.fleet.SetLeader(false) })
		defer stop()
		var keeping sync.WaitGroup
		defer keeping.Wait()
		keeping.Go(func() { p.hosts.Lead(ctx) })
		keeping.Go(func() { p.backups.Lead(ctx) })
		keeping.Go(func() { power.NewWatcher(machines, a.deps.Log).Lead(ctx) })
		operations.Lead(ctx, term)
	}})
	if err != nil {
		return nil, err
	}
	operations = controller.New(controller.Configuration{}, controller.Dependencies{
		Client: p.client, Registry: registry, Identity: l.Identity(), Held: a.held, Log: a.deps.Log,
	})
	p.leader.Store(l)
	return l.Stop, l.Start(ctx)
}

// held says why operations must not go on right now.
func (a *App) held() string {
	if a.parts.disk.Full() {
		return v1alpha1.ReasonDiskFull
	}
	return ""
}
