package fleet

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet/kubeconfig"
	"kanrin.dev/kanrin/internal/fleet/reach"
)

// keeper looks after one registered cluster: it follows its Secret, keeps the connection in step with it, spreads word of
// changes and publishes the status.
type keeper struct {
	fleet *Fleet
	name  string
	uid   types.UID
	log   *slog.Logger

	poke    chan struct{}
	ended   context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	cluster *v1alpha1.Cluster
	secret  secretState
	conn    *Connection
	used    [sha256.Size]byte // digest of the kubeconfig that the connection uses
	problem *reach.Error      // why there is no usable kubeconfig
	changed int64             // counts changes of the cluster object and of problem

	report  report
	written time.Time // of the status; only run uses it
}

func newKeeper(f *Fleet, c *v1alpha1.Cluster) *keeper {
	k := &keeper{
		fleet: f, name: c.Name, uid: c.UID, log: f.log.With("cluster", c.Name), poke: make(chan struct{}, 1),
		cluster: c, changed: time.Now().UnixMilli(),
	}
	k.ended, k.end = context.WithCancel(context.Background())
	k.report.since = map[string]time.Time{}
	k.report.seed(c)
	return k
}

func (k *keeper) start() { k.running.Go(k.run) }

func (k *keeper) stop() {
	k.end()
	k.running.Wait()
}

func (k *keeper) wake() {
	select {
	case k.poke <- struct{}{}:
	default:
	}
}

// update takes a newer version of the Cluster object.
func (k *keeper) update(c *v1alpha1.Cluster) {
	k.mu.Lock()
	k.cluster = c
	k.changed++
	k.mu.Unlock()
	k.wake()
}

// connection returns the connection, or why there is none.
func (k *keeper) connection() (*Connection, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.conn != nil:
		return k.conn, nil
	case k.problem != nil:
		return nil, k.problem
	}
	return nil, &reach.Error{
		Reason: v1alpha1.ReasonUnreachable, Why: "starting", Params: map[string]string{"cluster": k.name, "server": ""},
	}
}

// revision changes whenever the cluster's row may have changed.
func (k *keeper) revision() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.conn == nil {
		return k.changed
	}
	return k.changed + k.conn.Revision(AreaNodes, AreaPlacement, AreaBudgets, AreaState)
}

// run looks after the cluster until the keeper is stopped.
func (k *keeper) run() {
	secrets := &secretFollower{keeper: k}
	defer secrets.stop()
	defer k.disconnect()
	for {
		k.mu.Lock()
		cluster := k.cluster
		k.mu.Unlock()
		secrets.follow(cluster.Spec.KubeconfigSecret)
		k.connect(cluster)
		pause := k.publish()
		timer := time.NewTimer(pause)
		select {
		case <-k.poke:
		case <-timer.C:
		case <-k.ended.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// connect brings the connection in step with the Secret.
func (k *keeper) connect(cluster *v1alpha1.Cluster) {
	k.mu.Lock()
	secret, conn, used := k.secret, k.conn, k.used
	k.mu.Unlock()
	if !secret.read {
		return
	}
	digest := sha256.Sum256(secret.kubeconfig)
	if conn != nil {
		setLimit(conn.evictions, cluster.Spec.Limits.EvictionsPerSecond)
	}
	if used == digest {
		return
	}
	creds, problem := k.credentials(secret)
	switch {
	case problem != nil && conn != nil:
		conn.refuse(problem)
	case problem != nil:
	case conn == nil:
		var err error
		if conn, err = newConnection(k.name, creds, k.fleet.settings, k.log); err != nil {
			problem = reach.SubjectOf(k.name, creds).Classify(err)
			break
		}
		setLimit(conn.evictions, cluster.Spec.Limits.EvictionsPerSecond)
		conn.start()
		k.running.Go(func() { k.spread(conn) })
	default:
		k.log.Info("the cluster's credentials have changed")
		if err := conn.rotate(creds); err != nil {
			problem = reach.SubjectOf(k.name, creds).Classify(err)
			conn.refuse(problem)
		}
	}
	if problem != nil {
		k.log.Warn("the cluster's kubeconfig cannot be used", "reason", problem.Reason, "why", problem.Why)
	}
	k.mu.Lock()
	k.conn, k.used, k.problem = conn, digest, problem
	k.changed++
	k.mu.Unlock()
	k.fleet.changes.Note(k.name, "clusters", k.revision())
}

func (k *keeper) credentials(secret secretState) (*kubeconfig.Credentials, *reach.Error) {
	subject := reach.Subject{Cluster: k.name}
	if secret.kubeconfig == nil {
		return nil, subject.Classify(&kubeconfig.Error{Code: "NoSecret", Params: map[string]string{"secret": secret.name}})
	}
	creds, err := kubeconfig.Parse(secret.kubeconfig, "")
	if err != nil {
		return nil, subject.Classify(err)
	}
	return creds, nil
}

func (k *keeper) disconnect() {
	k.mu.Lock()
	conn := k.conn
	k.mu.Unlock()
	if conn != nil {
		conn.close()
	}
}

func setLimit(l *rate.Limiter, perSecond int32) {
	if perSecond == 0 {
		perSecond = DefaultEvictionsPerSecond
	}
	if l.Limit() != rate.Limit(perSecond) {
		l.SetLimit(rate.Limit(perSecond))
		l.SetBurst(2 * int(perSecond))
	}
}

// spread tells followers what changed in the cluster, until the connection ends.
func (k *keeper) spread(conn *Connection) {
	type row struct {
		area string
		wake <-chan struct{}
	}
	var rows []row
	for area, of := range RowAreas {
		wake, cancel := conn.Subscribe(of...)
		defer cancel()
		rows = append(rows, row{area, wake})
	}
	state, cancel := conn.Subscribe(AreaNodes, AreaPlacement, AreaBudgets, AreaState)
	defer cancel()
	rows = append(rows, row{"clusters", state})

	var each sync.WaitGroup
	for _, r := range rows {
		each.Go(func() {
			for {
				select {
				case <-conn.Done():
					return
				case <-r.wake:
				}
				if r.area == "clusters" {
					k.fleet.changes.Note(k.name, r.area, k.revision())
					k.wake()
				} else {
					k.fleet.changes.Note(k.name, r.area, conn.Revision(RowAreas[r.area]...))
				}
			}
		})
	}
	each.Wait()
}
