package access

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// FirstAdministrator is the user that the first start makes.
const FirstAdministrator = "admin"

func (a *Access) passwordFile() string { return filepath.Join(a.conf.DataDir, "admin-password") }

// bootstrap makes the first administrator when there is no enabled one of all clusters. The order is file, binding, user: a start that
// is cut short anywhere leaves no user whose password nobody has, and the next start goes on with the same password.
func (a *Access) bootstrap(ctx context.Context) error {
	admins, err := a.administrators(ctx)
	if err != nil || len(admins) > 0 {
		return err
	}
	acc, err := a.accounts.get(ctx, FirstAdministrator)
	if err != nil {
		return err
	}
	if acc != nil {
		a.log.Warn("no enabled user is Administrator of all clusters, and user admin exists: nobody can change users. "+
			"To begin anew, delete the Secret in the management API and start again",
			"secret", acc.secret.Namespace+"/"+acc.secret.Name)
		return nil
	}
	if binding, err := a.bindings.foreign(ctx, FirstAdministrator); err != nil {
		return err
	} else if binding != "" {
		a.log.Warn("the management cluster has a user of the same name as the first administrator, who gets that one's rights too",
			"user", FirstAdministrator, "binding", binding)
	}
	password, err := a.firstPassword()
	if err != nil {
		return err
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	if err := a.bindings.set(ctx, FirstAdministrator, map[string]string{AllClusters: string(Administrator)}); err != nil {
		return err
	}
	_, err = a.accounts.create(ctx, FirstAdministrator, hash, false)
	switch {
	case apierrors.IsAlreadyExists(err):
		// Another server on the same management API was quicker; its password counts.
		a.passwordSet(FirstAdministrator)
		return nil
	case err != nil:
		return fmt.Errorf("storing user %s: %w", FirstAdministrator, err)
	}
	a.reviewer.forget()
	a.log.Info("made the first administrator", "user", FirstAdministrator, "passwordFile", a.passwordFile())
	return nil
}

// firstPassword returns the password in the file, which a former start may have left, or makes one.
func (a *Access) firstPassword() (string, error) {
	data, err := os.ReadFile(a.passwordFile())
	if err == nil {
		if password := strings.TrimSpace(string(data)); validatePassword(FirstAdministrator, password) == nil {
			return password, nil
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("reading the first administrator's password: %w", err)
	}
	password := randomPassword()
	if err := writePrivate(a.passwordFile(), []byte(password+"\n")); err != nil {
		return "", fmt.Errorf("writing the first administrator's password: %w", err)
	}
	return password, nil
}

// writePrivate replaces a file by one that only its owner can read; whoever reads it sees the old or the new content whole.
func writePrivate(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return nil
}
