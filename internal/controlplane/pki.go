package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"
)

// PKI is the set of certificates, keys and secrets of one control plane, in one directory. Everything in it is trusted by
// that control plane alone and reached over loopback, so what is damaged or ends soon is made anew at the start, with a
// line in the log. The exception is the key that encrypts secrets: without it they cannot be read, so it is never replaced.
type PKI struct {
	dir  string
	name string
	now  func() time.Time
	log  *slog.Logger
}

// Names of the certificates; each has a .crt and a .key file.
const (
	certCA                = "ca"
	certEtcdCA            = "etcd-ca"
	certEtcd              = "etcd"
	certEtcdClient        = "apiserver-etcd-client"
	certAPIServer         = "apiserver"
	certAdmin             = "admin"
	certControllerManager = "controller-manager"
	certScheduler         = "scheduler"
	certKwok              = "kwok"
)

const masters = "system:masters"

func leaves() []leaf {
	return []leaf{
		{name: certEtcd, ca: certEtcdCA, commonName: "etcd", server: true, client: true},
		{name: certEtcdClient, ca: certEtcdCA, commonName: "kube-apiserver", client: true},
		{
			name: certAPIServer, ca: certCA, commonName: "kube-apiserver", server: true, ips: []net.IP{net.IPv4(10, 96, 0, 1)},
			names: []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		},
		{name: certAdmin, ca: certCA, commonName: "kanrin", organization: masters, client: true},
		{name: certControllerManager, ca: certCA, commonName: "system:kube-controller-manager", server: true, client: true},
		{name: certScheduler, ca: certCA, commonName: "system:kube-scheduler", server: true, client: true},
		{name: certKwok, ca: certCA, commonName: "kwok", organization: masters, client: true},
	}
}

// OpenPKI makes, checks, repairs and renews the files in dir. name says in the certificates which control plane they belong
// to. haveData says that the store already holds data, so that the key which encrypts it must be there.
func OpenPKI(dir, name string, haveData bool, now func() time.Time, log *slog.Logger) (*PKI, error) {
	p := &PKI{dir: dir, name: name, now: now, log: log}
	if err := privateDir(dir); err != nil {
		return nil, err
	}
	if err := p.tighten(); err != nil {
		return nil, err
	}
	if err := p.ensureEncryption(haveData); err != nil {
		return nil, err
	}
	if err := p.ensureServiceAccountKey(); err != nil {
		return nil, err
	}
	for _, ca := range []string{certCA, certEtcdCA} {
		if err := p.ensureCA(ca); err != nil {
			return nil, err
		}
	}
	return p, p.Renew()
}

func (p *PKI) file(name string) string { return filepath.Join(p.dir, name) }
func (p *PKI) cert(name string) string { return p.file(name + ".crt") }
func (p *PKI) key(name string) string  { return p.file(name + ".key") }

// Renew issues leaf certificates anew that are missing, damaged, or end within 30 days. Servers and clients that read them
// from the files take up the new ones by themselves.
func (p *PKI) Renew() error {
	for _, l := range leaves() {
		ca, err := readPair(p.file(l.ca))
		if err != nil {
			return fmt.Errorf("reading certificate authority: %w", err)
		}
		have, err := readPair(p.file(l.name))
		if err == nil {
			err = l.check(have, ca, p.now())
		}
		if err == nil {
			continue
		}
		p.report("issuing certificate", l.name, err)
		made, err := l.issue(ca, p.now())
		if err != nil {
			return err
		}
		if err := made.write(p.file(l.name)); err != nil {
			return err
		}
	}
	return nil
}

func (p *PKI) ensureCA(name string) error {
	have, err := readPair(p.file(name))
	switch {
	case err == nil && !have.cert.IsCA:
		err = errors.New("it is not an authority")
	case err == nil && have.cert.NotAfter.Sub(p.now()) < leafLifetime:
		err = fmt.Errorf("it ends at %s", have.cert.NotAfter.UTC().Format(time.RFC3339))
	}
	if err == nil {
		return nil
	}
	if readFailed(err) {
		return fmt.Errorf("reading certificate authority: %w", err)
	}
	p.report("making certificate authority", name, err)
	made, err := newCA("kanrin-"+p.name+"-"+name, p.now())
	if err != nil {
		return err
	}
	return made.write(p.file(name))
}

// ensureServiceAccountKey makes the key that signs service account tokens; with a new one, old tokens are worthless.
func (p *PKI) ensureServiceAccountKey() error {
	_, err := readKey(p.file("sa.key"))
	if err == nil {
		return nil
	}
	if readFailed(err) {
		return fmt.Errorf("reading service account key: %w", err)
	}
	p.report("making service account key", "sa", err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making service account key: %w", err)
	}
	data, err := encodeKey(key)
	if err != nil {
		return err
	}
	return writeFile(p.file("sa.key"), data, 0o600)
}

// readFailed tells a file that could not be read (which says nothing about its content) from one that is missing or damaged.
func readFailed(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && !errors.Is(err, fs.ErrNotExist)
}

func (p *PKI) report(doing, name string, why error) {
	if errors.Is(why, fs.ErrNotExist) {
		p.log.Debug(doing, "name", name, "directory", p.dir)
		return
	}
	p.log.Warn(doing+" anew", "name", name, "directory", p.dir, "why", why)
}

// tighten takes away what others may do with the files, should somebody have given it to them.
func (p *PKI) tighten() error {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return fmt.Errorf("reading directory %s: %w", p.dir, err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 == 0 {
			continue
		}
		if err := os.Chmod(p.file(e.Name()), info.Mode().Perm()&0o700); err != nil {
			return fmt.Errorf("closing %s to others: %w", p.file(e.Name()), err)
		}
	}
	return nil
}
