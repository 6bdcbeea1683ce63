package access

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/utils/clock"
)

// SessionSecretType is the type of the Secrets in kanrin-system that hold sessions.
const SessionSecretType corev1.SecretType = "kanrin.dev/session"

// Kind says what a session was made for.
type Kind string

const (
	Browser Kind = "browser" // its token travels in a cookie
	Bearer  Kind = "bearer"  // `kanrin login`: its token stands in a kubeconfig
	Machine Kind = "machine" // D/admin.kubeconfig: outlives changes of the password, ends with the user
)

// Session stands for a signed-in user.
type Session struct {
	ID      string
	User    string
	Kind    Kind
	Created time.Time
	Expires time.Time

	userUID string
	epoch   string
	sum     [sha256.Size]byte
	uid     types.UID
}

// maxSessions a user has at a time; the oldest ends when another begins, so that signing in over and over fills nothing.
const maxSessions = 100

// sessions are the sessions' Secrets.
type sessions struct {
	client typedcorev1.SecretInterface
	clock  clock.PassiveClock
}

func sessionSecretName(id string) string { return "session-" + id }

func (s *sessions) create(ctx context.Context, a *account, kind Kind, ttl time.Duration) (Token, Session, error) {
	token := newToken()
	now := s.clock.Now().UTC().Truncate(time.Second)
	session := Session{
		ID: token.ID(), User: a.name, Kind: kind, Created: now, Expires: now.Add(ttl),
		userUID: a.uid, epoch: a.epoch, sum: token.sum(),
	}
	secret, err := s.client.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: sessionSecretName(token.ID()), Labels: map[string]string{labelUser: userLabel(a.name)},
			// Where a garbage collector runs it removes the sessions of a removed user.
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Secret", Name: a.secret.Name, UID: a.secret.UID}},
		},
		Type: SessionSecretType,
		Data: map[string][]byte{
			"user": []byte(a.name), "userUID": []byte(a.uid), "epoch": []byte(a.epoch), "kind": []byte(kind), "sha256": session.sum[:],
			"created": []byte(session.Created.Format(time.RFC3339)), "expires": []byte(session.Expires.Format(time.RFC3339)),
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return Token{}, Session{}, fmt.Errorf("storing a session of %s: %w", a.name, err)
	}
	session.uid = secret.UID
	return token, session, nil
}

// get returns the session, or nil when there is none of that id.
func (s *sessions) get(ctx context.Context, id string) (*Session, error) {
	secret, err := s.client.Get(ctx, sessionSecretName(id), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading session %s: %w", id, err)
	}
	return readSession(secret, id), nil
}

// readSession returns nil for a Secret that is no session: what does not read well lets nobody in.
func readSession(secret *corev1.Secret, id string) *Session {
	created, err1 := time.Parse(time.RFC3339, string(secret.Data["created"]))
	expires, err2 := time.Parse(time.RFC3339, string(secret.Data["expires"]))
	sum := secret.Data["sha256"]
	if secret.Type != SessionSecretType || err1 != nil || err2 != nil || len(sum) != sha256.Size || len(secret.Data["userUID"]) == 0 {
		return nil
	}
	return &Session{
		ID: id, User: string(secret.Data["user"]), Kind: Kind(secret.Data["kind"]), Created: created, Expires: expires,
		userUID: string(secret.Data["userUID"]), epoch: string(secret.Data["epoch"]), sum: [sha256.Size]byte(sum), uid: secret.UID,
	}
}

// delete ends the session; one that is gone already is fine. With uid it only deletes that very object.
func (s *sessions) delete(ctx context.Context, id string, uid types.UID) error {
	opts := metav1.DeleteOptions{}
	if uid != "" {
		opts.Preconditions = &metav1.Preconditions{UID: &uid}
	}
	if err := s.client.Delete(ctx, sessionSecretName(id), opts); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("ending session %s: %w", id, err)
	}
	return nil
}

// of returns the sessions of a user, oldest first.
func (s *sessions) of(ctx context.Context, user string) ([]Session, error) {
	return s.list(ctx, labelUser+"="+userLabel(user))
}

// list returns the sessions, oldest first. A Secret of the type that cannot be read as a session comes back expired, to be cleaned.
func (s *sessions) list(ctx context.Context, selector string) ([]Session, error) {
	opts := metav1.ListOptions{FieldSelector: "type=" + string(SessionSecretType), LabelSelector: selector, Limit: 500}
	var out []Session
	for {
		page, err := s.client.List(ctx, opts)
		if err != nil {
			return nil, fmt.Errorf("listing sessions: %w", err)
		}
		for i := range page.Items {
			id, ok := cutSessionName(page.Items[i].Name)
			if !ok {
				continue
			}
			if session := readSession(&page.Items[i], id); session != nil {
				out = append(out, *session)
			} else {
				out = append(out, Session{ID: id, uid: page.Items[i].UID})
			}
		}
		if opts.Continue = page.Continue; opts.Continue == "" {
			break
		}
	}
	slices.SortFunc(out, func(a, b Session) int { return a.Created.Compare(b.Created) })
	return out, nil
}

func cutSessionName(secret string) (id string, ok bool) {
	prefix := sessionSecretName("")
	if len(secret) <= len(prefix) || secret[:len(prefix)] != prefix {
		return "", false
	}
	return secret[len(prefix):], true
}
