package access

import (
	"context"
	"crypto/subtle"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"kanrin.dev/kanrin/internal/httpapi"
)

// AuthenticatedGroup is the one group that signed-in users are in. Groups are never taken from a request.
const AuthenticatedGroup = "system:authenticated"

// Caller of requests made with the session.
func (s Session) Caller() httpapi.Caller {
	return httpapi.Caller{User: s.User, Groups: []string{AuthenticatedGroup}, Session: s.ID}
}

// SignIn checks the password and begins a session. An unknown user, a wrong password and a disabled user are refused alike and after
// the same time. known says whether there is such a user, for the log alone.
func (a *Access) SignIn(ctx context.Context, user, password string, kind Kind) (token Token, session Session, known bool, err error) {
	var acc *account
	if ValidateName(user) == nil {
		if acc, err = a.accounts.get(ctx, user); err != nil {
			return Token{}, Session{}, false, Unavailable(err)
		}
	}
	stored := ""
	if acc != nil {
		stored = acc.hash
	}
	right, renew, err := a.hasher.verify(ctx, stored, password)
	if err != nil {
		return Token{}, Session{}, acc != nil, fmt.Errorf("checking the password of %s: %w", user, err)
	}
	if !right || acc.disabled {
		return Token{}, Session{}, acc != nil, Unauthorized(CodeSignInFailed)
	}
	if renew {
		a.renewHash(ctx, acc, password)
	}
	token, session, err = a.sessions.create(ctx, acc, kind, a.conf.SessionTTL)
	if err != nil {
		return Token{}, Session{}, true, Unavailable(err)
	}
	a.inForce.Add(1)
	a.endOldest(ctx, user)
	return token, session, true, nil
}

// renewHash brings a hash to the current parameters. Signing in does not depend on it.
func (a *Access) renewHash(ctx context.Context, acc *account, password string) {
	hash, err := a.hasher.hash(ctx, password)
	if err == nil {
		err = a.accounts.update(ctx, acc, func(acc *account) { acc.hash = hash })
	}
	if err != nil {
		a.log.Warn("a password hash was not renewed; the next sign-in tries again", "user", acc.name, "error", err)
	}
}

// endOldest keeps the number of a user's sessions bounded.
func (a *Access) endOldest(ctx context.Context, user string) {
	list, err := a.sessions.of(ctx, user)
	if err != nil {
		a.log.Warn("sessions were not counted", "user", user, "error", err)
		return
	}
	kept := list[:0]
	for _, s := range list {
		if s.Kind != Machine {
			kept = append(kept, s)
		}
	}
	for len(kept) > maxSessions {
		if err := a.Revoke(ctx, kept[0].ID); err != nil {
			a.log.Warn("the oldest of too many sessions was not ended", "user", user, "session", kept[0].ID, "error", err)
			return
		}
		kept = kept[1:]
	}
}

// Authenticate returns the session that token stands for, or a 401 that says why there is none, or a 503 when the management API does
// not answer.
func (a *Access) Authenticate(ctx context.Context, token Token) (Session, error) {
	session, err := a.cache.get(ctx, token.ID())
	if err != nil {
		return Session{}, Unavailable(err)
	}
	if session == nil {
		return Session{}, Unauthorized(CodeSessionUnknown)
	}
	sum := token.sum()
	if subtle.ConstantTimeCompare(sum[:], session.sum[:]) != 1 {
		return Session{}, Unauthorized(CodeSessionUnknown)
	}
	if !a.clock.Now().Before(session.Expires) {
		return Session{}, Unauthorized(CodeSessionExpired)
	}
	return *session, nil
}

// InForce reports whether a session that was in force still is; long answers ask it now and then. It is an error when that cannot
// be known.
func (a *Access) InForce(ctx context.Context, id string) (bool, error) {
	session, err := a.cache.get(ctx, id)
	if err != nil {
		return false, Unavailable(err)
	}
	return session != nil && a.clock.Now().Before(session.Expires), nil
}

// lookUp asks the management API for a session and its user. It returns nil when the session does not exist or its user is gone,
// is another of the same name, is disabled or has ended all sessions.
func (a *Access) lookUp(ctx context.Context, id string) (*Session, error) {
	session, err := a.sessions.get(ctx, id)
	if err != nil || session == nil {
		return nil, err
	}
	if !a.clock.Now().Before(session.Expires) {
		// Whoever shows the right token is told that it expired; the next one only that it is unknown.
		if err := a.sessions.delete(ctx, id, session.uid); err != nil {
			a.log.Warn("an expired session was not removed", "session", id, "error", err)
		}
		return session, nil
	}
	acc, err := a.accounts.get(ctx, session.User)
	if err != nil {
		return nil, err
	}
	if !session.inForceFor(acc) {
		return nil, nil
	}
	return session, nil
}

func (s *Session) inForceFor(acc *account) bool {
	return acc != nil && acc.uid == s.userUID && !acc.disabled && (acc.epoch == s.epoch || s.Kind == Machine)
}

// Revoke ends one session: on this server at once, on others within CacheTTL.
func (a *Access) Revoke(ctx context.Context, id string) error {
	if err := a.sessions.delete(ctx, id, ""); err != nil {
		return Unavailable(err)
	}
	a.inForce.Add(-1)
	a.changed(Ended{Session: id})
	return nil
}

// ChangePassword sets a user's own password. All other sessions of the user end, except admin.kubeconfig's.
func (a *Access) ChangePassword(ctx context.Context, session Session, old, new string) error {
	a.changes.Lock()
	defer a.changes.Unlock()
	acc, err := a.accounts.get(ctx, session.User)
	if err != nil {
		return Unavailable(err)
	}
	if acc == nil {
		return userNotFound(session.User)
	}
	right, _, err := a.hasher.verify(ctx, acc.hash, old)
	if err != nil {
		return fmt.Errorf("checking the password of %s: %w", acc.name, err)
	}
	if !right {
		return invalid("old", CodePasswordWrong)
	}
	if err := validatePassword(acc.name, new); err != nil {
		return err
	}
	if old == new {
		return invalid("new", CodePasswordSame)
	}
	hash, err := a.hasher.hash(ctx, new)
	if err != nil {
		return fmt.Errorf("hashing the new password of %s: %w", acc.name, err)
	}
	epoch := newEpoch()
	if err := a.accounts.update(ctx, acc, func(acc *account) { acc.hash, acc.epoch = hash, epoch }); err != nil {
		return changeError(acc.name, err)
	}
	// From here on the old sessions are dead; what follows keeps this one and tidies up.
	if err := a.sessions.adopt(ctx, session.ID, epoch); err != nil {
		a.log.Warn("the session that changed its password was not kept", "user", acc.name, "session", session.ID, "error", err)
	}
	a.passwordSet(acc.name)
	a.endOthers(ctx, acc.name, session.ID)
	return nil
}

// endOthers removes the user's sessions other than keep and makes that effective here.
func (a *Access) endOthers(ctx context.Context, user, keep string) {
	list, err := a.sessions.of(ctx, user)
	if err != nil {
		a.log.Warn("ended sessions were not removed; the clean-up will", "user", user, "error", err)
	}
	a.cache.forget()
	a.reviewer.forget()
	for _, s := range list {
		if s.ID == keep || s.Kind == Machine {
			continue
		}
		if err := a.sessions.delete(ctx, s.ID, s.uid); err != nil {
			a.log.Warn("an ended session was not removed; the clean-up will", "user", user, "session", s.ID, "error", err)
		}
		a.changed(Ended{Session: s.ID})
	}
}

// adopt makes a session one of the user's present epoch.
func (s *sessions) adopt(ctx context.Context, id, epoch string) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		secret, err := s.client.Get(ctx, sessionSecretName(id), metav1.GetOptions{})
		if err != nil {
			return err
		}
		secret.Data["epoch"] = []byte(epoch)
		_, err = s.client.Update(ctx, secret, metav1.UpdateOptions{})
		return err
	})
}

// sweep removes sessions that are not in force.
func (a *Access) sweep(ctx context.Context) error {
	list, err := a.sessions.list(ctx, "")
	if err != nil {
		return err
	}
	accounts, err := a.accounts.list(ctx)
	if err != nil {
		return err
	}
	byName := make(map[string]*account, len(accounts))
	for _, acc := range accounts {
		byName[acc.name] = acc
	}
	now, inForce, removed := a.clock.Now(), int64(0), 0
	for _, s := range list {
		if now.Before(s.Expires) && s.inForceFor(byName[s.User]) {
			inForce++
			continue
		}
		if err := a.sessions.delete(ctx, s.ID, s.uid); err != nil {
			return err
		}
		removed++
	}
	a.inForce.Store(inForce)
	if removed > 0 {
		a.log.Debug("removed sessions that are not in force", "removed", removed, "inForce", inForce)
	}
	return nil
}

// changeError turns a failed conditional write into what the caller can act on.
func changeError(user string, err error) error {
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return Refusal(409, metav1.StatusReasonConflict, CodeChangedMeanwhile, "name", user)
	}
	return Unavailable(fmt.Errorf("writing user %s: %w", user, err))
}
