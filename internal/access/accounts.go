package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/inventory"
)

// Users lists all users with their roles, by name.
func (a *Access) Users(ctx context.Context) ([]inventory.User, error) {
	list, err := a.accounts.list(ctx)
	if err != nil {
		return nil, Unavailable(err)
	}
	roles, err := a.bindings.all(ctx)
	if err != nil {
		return nil, Unavailable(err)
	}
	out := make([]inventory.User, 0, len(list))
	for _, acc := range list {
		out = append(out, acc.view(roles[acc.name]))
	}
	slices.SortFunc(out, func(x, y inventory.User) int { return cmp.Compare(x.Name, y.Name) })
	return out, nil
}

func (acc *account) view(roles map[string]string) inventory.User {
	return inventory.User{Name: acc.name, Roles: roles, Disabled: acc.disabled, Created: acc.created}
}

// CreateUser makes a user with a password and roles.
func (a *Access) CreateUser(ctx context.Context, user inventory.User) (inventory.User, error) {
	if err := ValidateName(user.Name); err != nil {
		return inventory.User{}, err
	}
	if err := validatePassword(user.Name, user.Password); err != nil {
		return inventory.User{}, err
	}
	if err := a.bindings.validate(ctx, user.Roles); err != nil {
		return inventory.User{}, err
	}
	binding, err := a.bindings.foreign(ctx, user.Name)
	if err != nil {
		return inventory.User{}, Unavailable(err)
	}
	if binding != "" {
		return inventory.User{}, invalid("name", CodeNameBound, "name", user.Name, "binding", binding)
	}
	hash, err := a.hasher.hash(ctx, user.Password)
	if err != nil {
		return inventory.User{}, fmt.Errorf("hashing the password of %s: %w", user.Name, err)
	}

	a.changes.Lock()
	defer a.changes.Unlock()
	// The user comes into being disabled, so that roles which a former user of the name left behind are gone before anybody signs in.
	acc, err := a.accounts.create(ctx, user.Name, hash, true)
	if apierrors.IsAlreadyExists(err) {
		return inventory.User{}, Refusal(http.StatusConflict, metav1.StatusReasonAlreadyExists, CodeUserExists, "name", user.Name)
	}
	if err != nil {
		return inventory.User{}, Unavailable(fmt.Errorf("storing user %s: %w", user.Name, err))
	}
	if err := a.bindings.set(ctx, user.Name, user.Roles); err != nil {
		return inventory.User{}, Unavailable(err)
	}
	if !user.Disabled {
		if err := a.accounts.update(ctx, acc, func(acc *account) { acc.disabled = false }); err != nil {
			return inventory.User{}, changeError(user.Name, err)
		}
	}
	a.changed(Ended{User: user.Name})
	return acc.view(user.Roles), nil
}

// UserChange is what to change of a user; nil leaves a thing as it is. Roles replace all that the user has.
type UserChange struct {
	Password *string           `json:"password,omitempty"`
	Roles    map[string]string `json:"roles,omitempty"`
	Disabled *bool             `json:"disabled,omitempty"`
}

// UpdateUser changes a user. A new password and disabling end the user's sessions.
func (a *Access) UpdateUser(ctx context.Context, name string, change UserChange) (inventory.User, error) {
	if err := ValidateName(name); err != nil {
		return inventory.User{}, userNotFound(name)
	}
	if err := a.bindings.validate(ctx, change.Roles); err != nil {
		return inventory.User{}, err
	}
	var hash string
	if change.Password != nil {
		if err := validatePassword(name, *change.Password); err != nil {
			return inventory.User{}, err
		}
		var err error
		if hash, err = a.hasher.hash(ctx, *change.Password); err != nil {
			return inventory.User{}, fmt.Errorf("hashing the password of %s: %w", name, err)
		}
	}

	a.changes.Lock()
	defer a.changes.Unlock()
	acc, err := a.accounts.get(ctx, name)
	if err != nil {
		return inventory.User{}, Unavailable(err)
	}
	if acc == nil {
		return inventory.User{}, userNotFound(name)
	}
	disabling := change.Disabled != nil && *change.Disabled && !acc.disabled
	demoting := change.Roles != nil && change.Roles[AllClusters] != string(Administrator)
	if disabling || demoting {
		if err := a.notTheLast(ctx, name); err != nil {
			return inventory.User{}, err
		}
	}
	if change.Roles != nil {
		// Rights are set before a disabled user is let in again.
		if err := a.bindings.set(ctx, name, change.Roles); err != nil {
			return inventory.User{}, Unavailable(err)
		}
		a.changed(Ended{User: name})
	}
	if hash != "" || change.Disabled != nil {
		err := a.accounts.update(ctx, acc, func(acc *account) {
			if hash != "" {
				acc.hash = hash
			}
			if hash != "" || disabling {
				acc.epoch = newEpoch()
			}
			if change.Disabled != nil {
				acc.disabled = *change.Disabled
			}
		})
		if err != nil {
			return inventory.User{}, changeError(name, err)
		}
		a.changed(Ended{User: name})
		if hash != "" {
			a.passwordSet(name)
		}
		if hash != "" || disabling {
			a.endOthers(ctx, name, "")
		}
	}
	roles, err := a.bindings.of(ctx, name)
	if err != nil {
		return inventory.User{}, Unavailable(err)
	}
	return acc.view(roles), nil
}

// DeleteUser removes the user, who is out at once, then the roles and the sessions.
func (a *Access) DeleteUser(ctx context.Context, name string) error {
	if err := ValidateName(name); err != nil {
		return userNotFound(name)
	}
	a.changes.Lock()
	defer a.changes.Unlock()
	acc, err := a.accounts.get(ctx, name)
	if err != nil {
		return Unavailable(err)
	}
	if acc == nil {
		return userNotFound(name)
	}
	if err := a.notTheLast(ctx, name); err != nil {
		return err
	}
	uid := acc.secret.UID
	opts := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}}
	if err := a.accounts.client.Delete(ctx, acc.secret.Name, opts); err != nil && !apierrors.IsNotFound(err) {
		return changeError(name, err)
	}
	a.changed(Ended{User: name})
	if err := a.bindings.set(ctx, name, nil); err != nil {
		return Unavailable(err)
	}
	list, err := a.sessions.of(ctx, name)
	if err != nil {
		return Unavailable(err)
	}
	for _, s := range list {
		if err := a.sessions.delete(ctx, s.ID, s.uid); err != nil {
			return Unavailable(err)
		}
	}
	a.changed(Ended{User: name})
	return nil
}

// notTheLast refuses when nobody but user is an enabled Administrator of all clusters: nobody could make users any more.
func (a *Access) notTheLast(ctx context.Context, user string) error {
	admins, err := a.administrators(ctx)
	if err != nil {
		return Unavailable(err)
	}
	if len(admins) == 1 && admins[0] == user {
		return Refusal(http.StatusConflict, metav1.StatusReasonConflict, CodeLastAdministrator, "name", user)
	}
	return nil
}

// administrators are the enabled users who are Administrator of all clusters.
func (a *Access) administrators(ctx context.Context) ([]string, error) {
	list, err := a.accounts.list(ctx)
	if err != nil {
		return nil, err
	}
	roles, err := a.bindings.all(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, acc := range list {
		if !acc.disabled && roles[acc.name][AllClusters] == string(Administrator) {
			out = append(out, acc.name)
		}
	}
	return out, nil
}

// passwordSet removes the file with the first administrator's password once it is no longer the password.
func (a *Access) passwordSet(user string) {
	if user != FirstAdministrator {
		return
	}
	if err := os.Remove(a.passwordFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		a.log.Warn("the file with the administrator's first password, which is no longer valid, was not removed", "error", err)
	}
}
