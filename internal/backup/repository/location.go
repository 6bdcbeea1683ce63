package repository

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"path/filepath"
	"strings"

	"github.com/kopia/kopia/repo/blob"
)

// The types of a Location.
const (
	Filesystem = "Filesystem"
	S3         = "S3"
	SFTP       = "SFTP"
)

// Location is where a repository lies.
type Location struct {
	Type string
	Path string // of a Filesystem: an absolute path
	S3   *S3Location
	SFTP *SFTPLocation
}

// S3Location is a bucket of S3-compatible storage.
type S3Location struct {
	Endpoint  string // host or host:port
	Bucket    string
	Prefix    string // without slash at either end; may be empty
	Region    string
	CABundle  []byte // PEM, besides the system's authorities
	PlainHTTP bool
}

// SFTPLocation is a directory behind an SSH server.
type SFTPLocation struct {
	Host    string
	Port    int // 0 means 22
	User    string
	Path    string
	HostKey string // as in known_hosts, without the name: "ssh-ed25519 AAAA…"; lines for several keys. No other is accepted.
}

// Credentials open a repository and its storage.
type Credentials struct {
	Password                                   string // of the repository
	AccessKeyID, SecretAccessKey, SessionToken string // of S3
	SSHKey                                     []byte // private key for SFTP, PEM
}

// String is the place in words, without credentials.
func (l Location) String() string {
	switch {
	case l.Type == S3 && l.S3 != nil:
		return "S3 " + path.Join(l.S3.Endpoint, l.S3.Bucket, l.S3.Prefix)
	case l.Type == SFTP && l.SFTP != nil:
		return fmt.Sprintf("SFTP %s@%s:%s", l.SFTP.User, l.SFTP.Host, l.SFTP.Path)
	}
	return l.Type + " " + l.Path
}

// Options are how a repository is opened.
type Options struct {
	// Cluster owns the sets made here and is the host that kopia shows for them. Empty means reading the sets of all clusters.
	Cluster string
	// CacheDir is where indexes and parts of S3 and SFTP repositories are kept between uses; they are unreadable without the password.
	// Empty keeps them in memory.
	CacheDir string
	// ReadOnly refuses every change.
	ReadOnly bool
	// AppendOnly refuses to delete sets and to free space.
	AppendOnly bool
	Log        *slog.Logger

	wrap func(blob.Storage) blob.Storage // faults put in by tests
}

// storage opens the place itself, below everything of Kanrin's and kopia's. create allows making what is missing there.
func (l Location) storage(ctx context.Context, c Credentials, create bool) (blob.Storage, error) {
	switch l.Type {
	case Filesystem:
		if !filepath.IsAbs(l.Path) {
			return nil, &Error{State: Invalid, Object: l.String(), Err: fmt.Errorf("the path is not absolute")}
		}
		return openDisk(filepath.Clean(l.Path), create)
	case S3:
		if l.S3 == nil || l.S3.Endpoint == "" || l.S3.Bucket == "" {
			return nil, &Error{State: Invalid, Object: l.String(), Err: fmt.Errorf("endpoint and bucket are needed")}
		}
		return openS3(ctx, *l.S3, c)
	case SFTP:
		if l.SFTP == nil || l.SFTP.Host == "" || l.SFTP.User == "" || !strings.HasPrefix(l.SFTP.Path, "/") || l.SFTP.HostKey == "" {
			return nil, &Error{State: Invalid, Object: l.String(), Err: fmt.Errorf("host, user, host key and an absolute path are needed")}
		}
		return openSFTP(ctx, *l.SFTP, c, create)
	}
	return nil, &Error{State: Invalid, Object: l.String(), Err: fmt.Errorf("unknown type %q", l.Type)}
}
