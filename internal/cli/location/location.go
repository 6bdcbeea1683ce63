// Package location reads where a backup repository is, as it is typed: a path of the server, s3://ENDPOINT/BUCKET[/PREFIX] or
// sftp://USER@HOST[:PORT]/PATH.
//
// It opens nothing. Invariant: a location holds no secret; text with one is refused, and is never repeated in a message.
package location

import (
	"net/url"
	"path"
	"strconv"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Error says why a text is no location: the code of a sentence.
type Error struct{ Code string }

func (e *Error) Error() string { return "no place for a repository: " + e.Code }

// Why a text is no location.
var (
	ErrEmpty    = &Error{"empty"}
	ErrRelative = &Error{"relative"} // a path of the server begins with /
	ErrSecret   = &Error{"secret"}   // a password; those are read from files
	ErrScheme   = &Error{"scheme"}   // neither a path nor s3:// nor sftp://
	ErrURL      = &Error{"url"}
	ErrBucket   = &Error{"bucket"}
	ErrUser     = &Error{"user"}
	ErrHost     = &Error{"host"}
	ErrPort     = &Error{"port"}
	ErrPath     = &Error{"path"}
	ErrQuery    = &Error{"query"} // settings have flags of their own
)

// Parse reads a location. Its errors are of type *Error.
func Parse(text string) (v1alpha1.BackupRepository, error) {
	none := v1alpha1.BackupRepository{}
	switch {
	case strings.TrimSpace(text) == "":
		return none, ErrEmpty
	case strings.HasPrefix(text, "/"):
		p := path.Clean(text)
		if p == "/" || strings.ContainsAny(p, "\x00\n") {
			return none, ErrURL
		}
		return v1alpha1.BackupRepository{Type: v1alpha1.RepositoryFilesystem, Path: p}, nil
	case !strings.Contains(text, "://"):
		return none, ErrRelative
	}
	u, err := url.Parse(text)
	if err != nil {
		return none, ErrURL // its text would repeat a password
	}
	if _, has := u.User.Password(); has {
		return none, ErrSecret
	}
	switch {
	case u.RawQuery != "" || u.Fragment != "":
		return none, ErrQuery
	case u.Hostname() == "" && (u.Scheme == "s3" || u.Scheme == "sftp"):
		return none, ErrHost
	case u.Scheme == "s3":
		return s3(u)
	case u.Scheme == "sftp":
		return sftp(u)
	}
	return none, ErrScheme
}

func s3(u *url.URL) (v1alpha1.BackupRepository, error) {
	if u.User != nil {
		return v1alpha1.BackupRepository{}, ErrSecret
	}
	bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if len(bucket) < 3 {
		return v1alpha1.BackupRepository{}, ErrBucket
	}
	if prefix != "" {
		prefix = path.Clean(prefix)
	}
	return v1alpha1.BackupRepository{Type: v1alpha1.RepositoryS3, S3: &v1alpha1.S3Repository{Endpoint: u.Host, Bucket: bucket, Prefix: prefix}}, nil
}

func sftp(u *url.URL) (v1alpha1.BackupRepository, error) {
	none := v1alpha1.BackupRepository{}
	if u.User.Username() == "" {
		return none, ErrUser
	}
	if u.Path == "" || path.Clean(u.Path) == "/" {
		return none, ErrPath
	}
	r := &v1alpha1.SFTPRepository{Host: u.Hostname(), User: u.User.Username(), Path: path.Clean(u.Path)}
	if text := u.Port(); text != "" {
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil || port == 0 {
			return none, ErrPort
		}
		r.Port = int32(port)
	}
	return v1alpha1.BackupRepository{Type: v1alpha1.RepositorySFTP, SFTP: r}, nil
}

// Shown is a location as messages may repeat it: without what could be a password.
func Shown(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return text
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		user, _, secret := strings.Cut(rest[:i], ":")
		if secret || scheme == "s3" {
			user = "…"
		}
		rest = user + rest[i:]
	}
	return scheme + "://" + rest
}
