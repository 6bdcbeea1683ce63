package e2e

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

func (s *server) url() string { return fmt.Sprintf("https://127.0.0.1:%d", s.port) }

// certificate is the console's, as PEM.
func (s *server) certificate() []byte {
	s.t.Helper()
	c, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	return certificatePEM(c.ConnectionState().PeerCertificates[0].Raw)
}

// fingerprint is the SHA-256 of the console's certificate, as `kanrin up` prints it.
func (s *server) fingerprint() string {
	s.t.Helper()
	c, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	sum := sha256.Sum256(c.ConnectionState().PeerCertificates[0].Raw)
	return hex.EncodeToString(sum[:])
}

// kubectl runs the kubectl of kanrin-kube.
func (s *server) kubectl(kubeconfig string, args ...string) result {
	s.t.Helper()
	cmd := exec.Command(program(s.t, "kanrin-kube", "KANRIN_KUBE"), append([]string{"kubectl"}, args...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	r := result{}
	if err := cmd.Run(); errors.As(err, &exit) {
		r.code = exit.ExitCode()
	} else if err != nil {
		s.t.Fatal(err)
	}
	r.out, r.err = out.String(), errs.String()
	return r
}
