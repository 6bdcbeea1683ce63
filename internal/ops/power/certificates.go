package power

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"time"
)

// certificateScript prints the certificates that a node of kubeadm rests on: those in files, and those inside kubeconfigs. Private keys in
// the same files are left where they are.
const certificateScript = `
for f in /etc/kubernetes/pki/*.crt /etc/kubernetes/pki/etcd/*.crt /var/lib/kubelet/pki/kubelet-client-current.pem /var/lib/kubelet/pki/kubelet.crt; do
  [ -r "$f" ] || continue
  echo "file $f"
  sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p' "$f"
done
for f in /etc/kubernetes/*.conf; do
  [ -r "$f" ] || continue
  sed -n 's/^ *client-certificate-data: */data /p' "$f" | while read -r word data; do echo "file $f"; echo "$word $data"; done
done
exit 0
`

// earliest finds the certificate that runs out first, in the output of certificateScript. Lines that make no sense are passed over.
func earliest(out string) (file string, notAfter time.Time) {
	current := ""
	var block strings.Builder
	take := func(der []byte) {
		c, err := x509.ParseCertificate(der)
		if err == nil && (notAfter.IsZero() || c.NotAfter.Before(notAfter)) {
			file, notAfter = current, c.NotAfter
		}
	}
	takePEM := func(text []byte) {
		for p, rest := pem.Decode(text); p != nil; p, rest = pem.Decode(rest) {
			if p.Type == "CERTIFICATE" {
				take(p.Bytes)
			}
		}
	}
	flush := func() {
		takePEM([]byte(block.String()))
		block.Reset()
	}
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "file "):
			flush()
			current = strings.TrimPrefix(line, "file ")
		case strings.HasPrefix(line, "data "):
			if raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(strings.TrimPrefix(line, "data "))); err == nil {
				takePEM(raw)
			}
		default:
			block.WriteString(line + "\n")
		}
	}
	flush()
	return file, notAfter
}
