package nodes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/internal/etcd"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/hosts"
	"kanrin.dev/kanrin/internal/ops/call"
	"kanrin.dev/kanrin/internal/plan"
)

// join runs kubeadm join. It is a transaction: when it fails, the host is reset, the etcd member that it added is removed, and the Node
// that it made is deleted, before the step says so.
type join struct{ base }

const (
	joinFile    = runDir + "/join.yaml"
	uploadFile  = runDir + "/upload.yaml"
	joinedPath  = stateDir + "/joined"
	kubeletConf = "/etc/kubernetes/kubelet.conf"

	rollbackPatience = 10 * time.Minute // there is no other way back
)

// joinJob is what runs on the host; its last act says that it came to its end. Arguments: the file, the operation.
const joinJob = `
kubeadm join --config "$1" || exit 1
umask 077
mkdir -p /var/lib/kanrin
printf '%s\n' "$2" >/var/lib/kanrin/joined.new && sync /var/lib/kanrin/joined.new && mv /var/lib/kanrin/joined.new /var/lib/kanrin/joined
`

// resetJob takes back what kubeadm did. It removes the member of a stacked etcd as long as that still runs. Argument: the socket of the
// runtime.
const resetJob = `
rm -f /var/lib/kanrin/joined /run/kanrin/join.yaml
command -v kubeadm >/dev/null 2>&1 || exit 0
[ -e /etc/kubernetes/kubelet.conf ] || [ -e /etc/kubernetes/bootstrap-kubelet.conf ] || [ -e /etc/kubernetes/manifests ] || [ -e /etc/kubernetes/pki ] || exit 0
kubeadm reset -f --cri-socket "$1"
`

// joined reports whether the host has joined in this operation.
func joined(ctx context.Context, m *hosts.Machine, id string) (bool, error) {
	out, err := m.Script(ctx, `[ -e `+joinedPath+` ] && [ -e `+kubeletConf+` ] && cat `+joinedPath+` || :`)
	if err != nil {
		return false, err
	}
	return strings.TrimSpace(string(out.Stdout)) == id, nil
}

// Done implements plan.Behaviour.
func (b join) Done(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[addArgs](s)
	if err != nil {
		return false, err
	}
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return false, err
	}
	ok, err := joined(ctx, m, s.ID())
	if err != nil || !ok {
		return false, call.OnHost(ctx, a.Host, err)
	}
	running, err := jobState(ctx, m)
	return err == nil && !running, call.OnHost(ctx, a.Host, err)
}

// Do implements plan.Behaviour.
func (b join) Do(ctx context.Context, s *plan.Scope) error {
	a, err := call.Decode[addArgs](s)
	if err != nil {
		return err
	}
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return err
	}
	// A join that was begun in another life of Kanrin may still be under way.
	if err := awaitJob(ctx, m); err != nil {
		return call.OnHost(ctx, a.Host, err)
	}
	ok, err := joined(ctx, m, s.ID())
	if err != nil {
		return call.OnHost(ctx, a.Host, err)
	}
	if ok {
		return b.tidy(ctx, s, m, c)
	}
	if s.Resumed {
		// It is not known how far the last attempt came. One that begins anew is worth more than one that goes on from somewhere.
		if err := b.rollback(ctx, s, m, c, a); err != nil {
			return err
		}
	}
	err = b.attempt(ctx, s, m, c, a)
	var failed *jobError
	if errors.As(err, &failed) {
		s.Log("error", "JoinFailed", a.Host, "why", failed.Error())
		if rerr := b.rollback(ctx, s, m, c, a); rerr != nil {
			if plan.Interrupted(rerr) || ctx.Err() != nil {
				return rerr
			}
			return plan.Fail("JoinNotRolledBack", a.Host, rerr, "said", failed.Error())
		}
		return plan.Fail("JoinFailed", a.Host, nil, "said", failed.Error(), "node", a.Node)
	}
	if err != nil {
		return call.OnHost(ctx, a.Host, err)
	}
	return b.tidy(ctx, s, m, c)
}

// attempt brings the host what it needs and runs kubeadm.
func (b join) attempt(ctx context.Context, s *plan.Scope, m *hosts.Machine, c *fleet.Connection, a addArgs) error {
	if n, err := b.node(ctx, s, c, a.Node); err != nil {
		return err
	} else if n != nil {
		return plan.Fail("NodeAppeared", a.Node, nil)
	}
	out, err := m.Script(ctx, `kubeadm version -o short`)
	if err != nil {
		return fmt.Errorf("asking for the version of kubeadm: %w", err)
	}
	kubeadm := strings.TrimSpace(string(out.Stdout))
	token, err := b.createToken(ctx, s, c)
	if err != nil {
		return err
	}
	key := ""
	if a.ControlPlane {
		if key, err = newCertificateKey(); err != nil {
			return err
		}
		if err := b.upload(ctx, s, c, a, token, key); err != nil {
			return err
		}
	}
	conf, err := joinConfig(a, kubeadm, token, key, string(s.Operation.UID))
	if err != nil {
		return err
	}
	if err := s.Guard(); err != nil {
		return err
	}
	if err := secretFile(ctx, m, joinFile, conf); err != nil {
		return err
	}
	return runJob(ctx, s, m, joinJob, joinFile, s.ID())
}

// secretFile writes a file that root alone reads, in a directory that root alone enters and that is gone with a reboot.
func secretFile(ctx context.Context, m *hosts.Machine, path string, content []byte) error {
	if _, err := m.Script(ctx, `umask 077; mkdir -p `+runDir+` && chmod 700 `+runDir); err != nil {
		return err
	}
	return m.WriteFile(ctx, path, 0o600, bytes.NewReader(content))
}

// upload has an existing control plane put its certificates into the cluster, encrypted with key.
func (b join) upload(ctx context.Context, s *plan.Scope, c *fleet.Connection, a addArgs, token, key string) error {
	conf, err := kubeadmConfig(ctx, c)
	if err != nil {
		return err
	}
	if conf == nil {
		return plan.Fail("NoKubeadmConfig", s.Cluster, nil)
	}
	// Noted on the token first, so that the certificates are taken away whatever happens.
	id, _, _ := strings.Cut(token, ".")
	err = b.Persist(ctx, s, func(ctx context.Context) error {
		_, err := c.Client.CoreV1().Secrets(metav1.NamespaceSystem).Patch(ctx, tokenPrefix+id, "application/merge-patch+json",
			[]byte(`{"metadata":{"annotations":{"`+certsSecret+`":"uploaded"}}}`), metav1.PatchOptions{FieldManager: "kanrin"})
		return err
	})
	if err != nil {
		return plan.Fail("TokenRefused", s.Cluster, err)
	}
	var last error
	for _, host := range a.Via {
		if last = b.uploadOn(ctx, s, c, host, a.Socket, key, conf.raw); last == nil {
			return nil
		}
		if plan.Interrupted(last) || ctx.Err() != nil {
			return last
		}
		s.Log("warn", "Retrying", host, "error", oneLine(last))
	}
	return plan.Fail("UploadFailed", strings.Join(a.Via, ", "), last)
}

func (b join) uploadOn(ctx context.Context, s *plan.Scope, c *fleet.Connection, host, socket, key, cluster string) error {
	m, err := b.d.Hosts.Machine(ctx, s.Cluster, host)
	if err != nil {
		return err
	}
	out, err := m.Script(ctx, `kubeadm version -o short`)
	if err != nil {
		return err
	}
	conf, err := uploadConfig(strings.TrimSpace(string(out.Stdout)), b.addressOf(ctx, c, m), socket, key, cluster)
	if err != nil {
		return err
	}
	if err := s.Guard(); err != nil {
		return err
	}
	if err := secretFile(ctx, m, uploadFile, conf); err != nil {
		return err
	}
	// kubeadm prints the key: what it says on stdout is not kept.
	_, err = m.Run(ctx, hosts.Command{Args: []string{"sh", "-c", `
trap 'rm -f "$1"' EXIT
kubeadm init phase upload-certs --upload-certs --config "$1" --kubeconfig /etc/kubernetes/admin.conf`, "sh", uploadFile}, Stdout: io.Discard})
	return err
}

// addressOf is the address of a control plane's Node.
func (b base) addressOf(ctx context.Context, c *fleet.Connection, m *hosts.Machine) string {
	if net.ParseIP(m.Address) != nil {
		return m.Address
	}
	name := m.Spec.NodeName
	if name == "" {
		name = m.Name
	}
	n, err := c.Client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return ""
	}
	for _, a := range n.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			return a.Address
		}
	}
	return ""
}

// tidy takes away what was needed for the join alone.
func (b base) tidy(ctx context.Context, s *plan.Scope, m *hosts.Machine, c *fleet.Connection) error {
	if err := b.deleteTokens(ctx, s, c); err != nil {
		return err
	}
	_, err := m.Script(ctx, `rm -f `+joinFile)
	return call.OnHost(ctx, m.Name, err)
}

// rollback takes a host out of the cluster that has joined it in this operation, wholly or in part. What is not there is not missed.
func (b base) rollback(ctx context.Context, s *plan.Scope, m *hosts.Machine, c *fleet.Connection, a addArgs) error {
	if err := stopJob(ctx, m); err != nil {
		return call.OnHost(ctx, a.Host, err)
	}
	// The member goes first, as long as it runs: with two members the cluster cannot decide anything once one of them is gone, and kubeadm
	// reset goes on when it cannot remove it.
	if a.Etcd {
		err := b.dismiss(ctx, s, a.Via, func(x etcd.Member) bool { return x.Is(a.Node, a.Addresses) }, a.Node, rollbackPatience)
		if err != nil {
			return err
		}
	}
	if err := runJob(ctx, s, m, resetJob, a.Socket); err != nil {
		return call.OnHost(ctx, a.Host, fmt.Errorf("kubeadm reset: %w", err))
	}
	if err := b.deleteOurs(ctx, s, c, a); err != nil {
		return err
	}
	if err := b.deleteTokens(ctx, s, c); err != nil {
		return err
	}
	// What kubeadm reset leaves; the runtime stays for the next attempt.
	if err := runJob(ctx, s, m, bareScript, append([]string{"kept", "these"}, a.CNI...)...); err != nil {
		return call.OnHost(ctx, a.Host, fmt.Errorf("cleaning up: %w", err))
	}
	s.Log("info", "RolledBack", a.Host, "node", a.Node)
	return nil
}

// deleteOurs deletes the Node if this operation has made it.
func (b base) deleteOurs(ctx context.Context, s *plan.Scope, c *fleet.Connection, a addArgs) error {
	n, err := b.node(ctx, s, c, a.Node)
	if err != nil || n == nil {
		return err
	}
	if n.Labels[labelOperation] != string(s.Operation.UID) && n.Annotations[MarkAddedBy] != s.ID() {
		s.Log("warn", "NotOurs", a.Node)
		return nil
	}
	return b.deleteNode(ctx, s, c, a.Node, string(n.UID))
}

// deleteNode deletes a Node and its lease. The UID is a precondition: a namesake is left alone.
func (b base) deleteNode(ctx context.Context, s *plan.Scope, c *fleet.Connection, name, uid string) error {
	o := metav1.DeleteOptions{}
	if uid != "" {
		o.Preconditions = metav1.NewUIDPreconditions(uid)
	}
	err := b.Persist(ctx, s, func(ctx context.Context) error { return c.Client.CoreV1().Nodes().Delete(ctx, name, o) })
	switch {
	case apierrors.IsConflict(err):
		return plan.Fail("NodeChanged", name, err)
	case err != nil && !apierrors.IsNotFound(err):
		return plan.Fail("NodeNotDeleted", name, err)
	}
	err = b.Persist(ctx, s, func(ctx context.Context) error {
		return c.Client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Delete(ctx, name, metav1.DeleteOptions{})
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return plan.Fail("NodeNotDeleted", name, err)
	}
	s.Log("info", "NodeDeleted", name)
	return nil
}

// Undo implements plan.Undoer.
func (b join) Undo(ctx context.Context, s *plan.Scope) (bool, error) {
	a, err := call.Decode[addArgs](s)
	if err != nil {
		return false, err
	}
	c, err := b.Reach(ctx, s)
	if err != nil {
		return false, err
	}
	m, err := b.Machine(ctx, s, a.Host)
	if err != nil {
		return false, err
	}
	return true, b.rollback(ctx, s, m, c, a)
}
