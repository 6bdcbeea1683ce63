package repository

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/blob/readonly"
	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/snapshot"
	"github.com/minio/minio-go/v7"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh/knownhosts"
)

// State says what a person or a retry can do about an Error.
type State string

// The states.
const (
	NotFound      State = "NotFound"      // no repository, set, component or file of that name
	AlreadyExists State = "AlreadyExists" // a repository or a sealed set is there already
	WrongPassword State = "WrongPassword"
	Unreachable   State = "Unreachable" // the storage does not answer, or went away
	Forbidden     State = "Forbidden"   // the storage refuses: credentials, permissions, host key, append-only
	NoSpace       State = "NoSpace"
	Damaged       State = "Damaged" // what is stored is not what was written
	Newer         State = "Newer"   // written by a version that this one does not understand
	Locked        State = "Locked"  // somebody else works on it; Object names who
	Invalid       State = "Invalid" // the caller's fault: a bad name, a bad location
)

// Error is what went wrong with a repository. Object names the repository, set, file or blob.
type Error struct {
	State  State
	Object string
	Err    error
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s", e.Object, e.State)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// StateOf is the state of an error of this package, or "" for others.
func StateOf(err error) State {
	var e *Error
	if errors.As(err, &e) {
		return e.State
	}
	return ""
}

var (
	errGone       = errors.New("the directory of the repository is gone")
	errAppendOnly = errors.New("the repository is append-only")
	errReadOnly   = errors.New("the repository was opened for reading")
	errUpgrading  = repo.ErrRepositoryUnavailableDueToUpgradeInProgress
)

// classified wraps an error of kopia, of a storage or of the system; what is ours already and what is a cancelled context passes as it is.
func classified(object, doing string, err error) error {
	var ours *Error
	if err == nil || errors.As(err, &ours) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if state := classify(err); state != "" {
		return &Error{State: state, Object: object, Err: fmt.Errorf("%s: %w", doing, err)}
	}
	return fmt.Errorf("%s %s: %w", doing, object, err)
}

func classify(err error) State {
	for _, c := range []struct {
		state   State
		targets []error
	}{
		{WrongPassword, []error{repo.ErrInvalidPassword}},
		{AlreadyExists, []error{repo.ErrAlreadyInitialized}},
		{NotFound, []error{repo.ErrRepositoryNotInitialized, manifest.ErrNotFound, snapshot.ErrSnapshotNotFound}},
		{Locked, []error{errUpgrading}},
		{Unreachable, []error{errGone, syscall.ENODEV, syscall.EIO, syscall.ESTALE, syscall.ENOTCONN, sftp.ErrSSHFxConnectionLost, sftp.ErrSSHFxNoConnection}},
		{NoSpace, []error{syscall.ENOSPC, syscall.EDQUOT}},
		{Forbidden, []error{errAppendOnly, errReadOnly, readonly.ErrReadonly, blob.ErrInvalidCredentials, fs.ErrPermission, syscall.EROFS, sftp.ErrSSHFxPermissionDenied}},
		{Damaged, []error{blob.ErrBlobNotFound, blob.ErrInvalidRange, content.ErrContentNotFound, object.ErrObjectNotFound}},
	} {
		for _, target := range c.targets {
			if errors.Is(err, target) {
				return c.state
			}
		}
	}
	return classifyRemote(err)
}

func classifyRemote(err error) State {
	var s3 minio.ErrorResponse
	if errors.As(err, &s3) {
		return classifyS3(s3)
	}
	var hostKey *knownhosts.KeyError
	if errors.As(err, &hostKey) {
		return Forbidden
	}
	var netErr net.Error
	if errors.As(err, &netErr) || errors.Is(err, os.ErrDeadlineExceeded) {
		return Unreachable
	}
	return ""
}

func classifyS3(e minio.ErrorResponse) State {
	switch e.Code {
	case "NoSuchBucket":
		return NotFound
	case "XMinioStorageFull", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage":
		return NoSpace
	case "SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "XMinioServerNotInitialized":
		return Unreachable
	}
	switch {
	case e.StatusCode == 401 || e.StatusCode == 403:
		return Forbidden
	case e.StatusCode == 507:
		return NoSpace
	case e.StatusCode >= 500:
		return Unreachable
	}
	return ""
}
