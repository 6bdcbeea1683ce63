package repository

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/blob/sharded"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// remoteDisk is a directory of blobs behind SFTP, in kopia's own layout.
type remoteDisk struct {
	sharded.Storage
	blob.DefaultProviderImplementation
	dir *remoteDirectory
}

func (d *remoteDisk) ConnectionInfo() blob.ConnectionInfo { return blob.ConnectionInfo{} } // the layer above has the right one
func (d *remoteDisk) DisplayName() string                 { return Location{Type: SFTP, SFTP: &d.dir.at}.String() }
func (d *remoteDisk) Close(context.Context) error         { return d.dir.close() }

// remoteDirectory implements sharded.Impl over a connection that is made again when it is lost.
type remoteDirectory struct {
	at     SFTPLocation
	config *ssh.ClientConfig
	create bool

	mu     sync.Mutex
	client *sftp.Client
	conn   *ssh.Client
}

var (
	errHostKey = fmt.Errorf("the server shows another host key: %w", fs.ErrPermission)
	errSignIn  = fmt.Errorf("the server does not accept the key: %w", fs.ErrPermission)
)

func openSFTP(ctx context.Context, at SFTPLocation, c Credentials, create bool) (blob.Storage, error) {
	object := Location{Type: SFTP, SFTP: &at}.String()
	config, err := sshConfig(at, c)
	if err != nil {
		return nil, &Error{State: Invalid, Object: object, Err: err}
	}
	d := &remoteDirectory{at: at, config: config, create: create}
	err = d.using(ctx, func(s *sftp.Client) error {
		if create {
			if err := s.MkdirAll(at.Path); err != nil {
				return fmt.Errorf("making directory: %w", err)
			}
		}
		_, err := s.ReadDir(at.Path)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = &Error{State: NotFound, Object: object, Err: err}
	}
	if err != nil {
		return nil, errors.Join(classified(object, "opening", err), d.close())
	}
	return &remoteDisk{Storage: sharded.New(d, at.Path, sharded.Options{DirectoryShards: []int{1, 3}}, create), dir: d}, nil
}

func sshConfig(at SFTPLocation, c Credentials) (*ssh.ClientConfig, error) {
	signer, err := ssh.ParsePrivateKey(c.SSHKey)
	if err != nil {
		return nil, errors.New("the SSH key is not a private key without passphrase")
	}
	var keys []ssh.PublicKey
	var algorithms []string
	for text := range strings.Lines(at.HostKey) {
		if strings.TrimSpace(text) == "" {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("parsing host key: %w", err)
		}
		keys = append(keys, key)
		if key.Type() == ssh.KeyAlgoRSA {
			algorithms = append(algorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		} else {
			algorithms = append(algorithms, key.Type())
		}
	}
	return &ssh.ClientConfig{
		User: at.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyAlgorithms: algorithms, Timeout: 10 * time.Second,
		HostKeyCallback: func(_ string, _ net.Addr, shown ssh.PublicKey) error {
			for _, k := range keys {
				if string(k.Marshal()) == string(shown.Marshal()) {
					return nil
				}
			}
			return errHostKey
		},
	}, nil
}

// dial connects and says at which step it failed: the library gives that as text only.
func (d *remoteDirectory) dial(ctx context.Context) (*ssh.Client, *sftp.Client, error) {
	port := d.at.Port
	if port == 0 {
		port = 22
	}
	address := net.JoinHostPort(d.at.Host, strconv.Itoa(port))
	dialer := net.Dialer{Timeout: d.config.Timeout, KeepAlive: 15 * time.Second}
	raw, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting: %w", err)
	}
	_ = raw.SetDeadline(time.Now().Add(30 * time.Second))
	config, shown := *d.config, false
	config.HostKeyCallback = func(host string, from net.Addr, key ssh.PublicKey) error {
		err := d.config.HostKeyCallback(host, from, key)
		shown = err == nil
		return err
	}
	conn, channels, requests, err := ssh.NewClientConn(raw, address, &config)
	if err != nil {
		_ = raw.Close()
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET):
			err = fmt.Errorf("%w: %w", sftp.ErrSSHFxNoConnection, err)
		case shown:
			err = fmt.Errorf("%w: %w", errSignIn, err)
		default:
			err = fmt.Errorf("%w: %w", errHostKey, err)
		}
		return nil, nil, fmt.Errorf("signing in: %w", err)
	}
	_ = raw.SetDeadline(time.Time{})
	client := ssh.NewClient(conn, channels, requests)
	files, err := sftp.NewClient(client, sftp.UseConcurrentWrites(true), sftp.UseConcurrentReads(true))
	if err != nil {
		_ = client.Close()
		return nil, nil, fmt.Errorf("starting SFTP: %w", err)
	}
	return client, files, nil
}

func (d *remoteDirectory) connection(ctx context.Context) (*sftp.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client != nil {
		return d.client, nil
	}
	conn, client, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	d.conn, d.client = conn, client
	return client, nil
}

func (d *remoteDirectory) drop(lost *sftp.Client) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client == lost && lost != nil {
		_ = errors.Join(d.client.Close(), d.conn.Close())
		d.client, d.conn = nil, nil
	}
}

func (d *remoteDirectory) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client == nil {
		return nil
	}
	_ = errors.Join(d.client.Close(), d.conn.Close()) // it may be lost already
	d.client, d.conn = nil, nil
	return nil
}

// using runs fn, again over a new connection when the one it had was lost. A cancelled context ends the connection: SFTP has no other end.
func (d *remoteDirectory) using(ctx context.Context, fn func(*sftp.Client) error) error {
	var err error
	for try := range attempts {
		if try > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Duration(1<<try) * 200 * time.Millisecond):
			}
		}
		var client *sftp.Client
		if client, err = d.connection(ctx); err == nil {
			stop := context.AfterFunc(ctx, func() { d.drop(client) })
			err = fn(client)
			stop()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !lost(err) {
			return err
		}
		d.drop(client)
	}
	return err
}

func lost(err error) bool {
	var netErr net.Error
	return errors.Is(err, sftp.ErrSSHFxConnectionLost) || errors.Is(err, sftp.ErrSSHFxNoConnection) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &netErr) && !errors.Is(err, fs.ErrPermission)
}

func (d *remoteDirectory) GetBlobFromPath(ctx context.Context, _, name string, offset, length int64, out blob.OutputBuffer) error {
	return d.using(ctx, func(s *sftp.Client) error {
		out.Reset()
		f, err := s.Open(name)
		if err != nil {
			return missing(err)
		}
		defer f.Close()
		if length < 0 {
			_, err = f.WriteTo(out)
			return err
		}
		info, err := f.Stat()
		if err != nil {
			return missing(err)
		}
		if offset < 0 || offset+length > info.Size() {
			return blob.ErrInvalidRange
		}
		part := make([]byte, length)
		if _, err := f.ReadAt(part, offset); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		_, err = out.Write(part)
		return err
	})
}

func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return blob.ErrBlobNotFound
	}
	return err
}

func (d *remoteDirectory) GetMetadataFromPath(ctx context.Context, _, name string) (m blob.Metadata, err error) {
	err = d.using(ctx, func(s *sftp.Client) error {
		info, err := s.Stat(name)
		if err == nil {
			m = blob.Metadata{Length: info.Size(), Timestamp: info.ModTime()}
		}
		return missing(err)
	})
	return m, err
}

func (d *remoteDirectory) PutBlobInPath(ctx context.Context, dir, name string, data blob.Bytes, o blob.PutOptions) error {
	if o.HasRetentionOptions() || o.DoNotRecreate {
		return blob.ErrUnsupportedPutBlobOption
	}
	if path.Base(name) == sharded.ParametersFile && !d.create {
		return errGone // no repository here: most likely the place where a disk is to be mounted
	}
	return d.using(ctx, func(s *sftp.Client) error {
		temporary := name + ".tmp." + rand.Text()
		err := d.put(s, dir, temporary, name, data, o)
		if err != nil && !lost(err) {
			_ = s.Remove(temporary)
			err = d.full(s, data.Length(), err)
		}
		return err
	})
}

func (d *remoteDirectory) put(s *sftp.Client, dir, temporary, name string, data blob.Bytes, o blob.PutOptions) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := s.OpenFile(temporary, flags)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := s.Stat(d.at.Path); errors.Is(err, fs.ErrNotExist) {
			return errGone
		}
		if err := s.MkdirAll(dir); err != nil {
			return err
		}
		f, err = s.OpenFile(temporary, flags)
	}
	if err != nil {
		return err
	}
	body := data.Reader()
	defer body.Close()
	_, err = f.ReadFromWithConcurrency(body, 16)
	if _, able := s.HasExtension("fsync@openssh.com"); err == nil && able {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := s.PosixRename(temporary, name); err != nil {
		return err
	}
	if t := o.SetModTime; !t.IsZero() {
		if err := s.Chtimes(name, t, t); err != nil {
			return err
		}
	}
	if o.GetModTime != nil {
		info, err := s.Stat(name)
		if err != nil {
			return err
		}
		*o.GetModTime = info.ModTime()
	}
	return nil
}

// full finds out whether a write failed for want of room: SFTP has no word for that.
func (d *remoteDirectory) full(s *sftp.Client, size int, err error) error {
	var status *sftp.StatusError
	if !errors.As(err, &status) || status.FxCode() != sftp.ErrSSHFxFailure {
		return err
	}
	v, statErr := s.StatVFS(d.at.Path)
	if statErr == nil && v.Bavail*v.Frsize <= uint64(size) {
		return fmt.Errorf("%w: %w", syscall.ENOSPC, err)
	}
	return err
}

func (d *remoteDirectory) DeleteBlobInPath(ctx context.Context, _, name string) error {
	return d.using(ctx, func(s *sftp.Client) error {
		err := s.Remove(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

func (d *remoteDirectory) ReadDir(ctx context.Context, dir string) (infos []os.FileInfo, err error) {
	err = d.using(ctx, func(s *sftp.Client) error {
		infos, err = s.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return errGone
		}
		return err
	})
	return infos, err
}
