package kubeconfig

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// MaxBytes is the largest kubeconfig that is read; one context with inlined certificates has less than 20 KiB.
const MaxBytes = 512 << 10

// Credentials say how one cluster is reached and as whom.
type Credentials struct {
	Context string
	// Server is the URL of the API server.
	Server string
	// Config connects with exactly these credentials. It is the caller's to complete.
	Config *rest.Config
	// Expires is when the client certificate or the token runs out, whichever is first; zero when neither says.
	Expires time.Time
	// Subject is whom the client certificate or the token names, for people.
	Subject string
}

// Error says why a kubeconfig cannot be used. Code is stable; Params complete its sentence.
type Error struct {
	// Code is one of TooLarge, Unreadable, NoContext, ManyContexts, UnknownContext, UnknownCluster, UnknownUser, Program,
	// File, Server, PlainHTTP, Insecure, CA, ClientCertificate, Token, Proxy, NoCredential.
	Code   string
	Params map[string]string
	Err    error
}

func (e *Error) Error() string {
	s := "kubeconfig: " + e.Code
	for _, k := range slices.Sorted(maps.Keys(e.Params)) {
		s += fmt.Sprintf(" %s=%q", k, e.Params[k])
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Parse reads a kubeconfig and takes the named context, or the only one, or the current one, when context is empty.
func Parse(data []byte, context string) (*Credentials, error) {
	config, err := load(data)
	if err != nil {
		return nil, err
	}
	name, cluster, user, err := choose(config, context)
	if err != nil {
		return nil, err
	}
	return credentials(name, cluster, user)
}

func load(data []byte) (*clientcmdapi.Config, error) {
	if len(data) > MaxBytes {
		return nil, refuse("TooLarge", nil, "bytes", fmt.Sprint(len(data)), "limit", fmt.Sprint(MaxBytes))
	}
	config, err := clientcmd.Load(data)
	if err != nil {
		// The decoder quotes the input, which may hold keys: its text is not handed on.
		return nil, refuse("Unreadable", nil)
	}
	return config, nil
}

func choose(c *clientcmdapi.Config, context string) (string, *clientcmdapi.Cluster, *clientcmdapi.AuthInfo, error) {
	fail := func(code string, pairs ...string) (string, *clientcmdapi.Cluster, *clientcmdapi.AuthInfo, error) {
		return "", nil, nil, refuse(code, nil, pairs...)
	}
	if len(c.Contexts) == 0 {
		return fail("NoContext")
	}
	if context == "" {
		context = c.CurrentContext
	}
	if context == "" && len(c.Contexts) == 1 {
		for only := range c.Contexts {
			context = only
		}
	}
	if context == "" {
		return fail("ManyContexts", "contexts", names(c.Contexts))
	}
	ctx := c.Contexts[context]
	if ctx == nil {
		return fail("UnknownContext", "context", short(context), "contexts", names(c.Contexts))
	}
	cluster, user := c.Clusters[ctx.Cluster], c.AuthInfos[ctx.AuthInfo]
	if cluster == nil {
		return fail("UnknownCluster", "context", short(context), "entry", short(ctx.Cluster))
	}
	if user == nil {
		return fail("UnknownUser", "context", short(context), "entry", short(ctx.AuthInfo))
	}
	return context, cluster, user, nil
}

func credentials(context string, cluster *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) (*Credentials, error) {
	for field, set := range map[string]bool{"exec": user.Exec != nil, "auth-provider": user.AuthProvider != nil} {
		if set {
			return nil, refuse("Program", nil, "field", field)
		}
	}
	for _, f := range []struct{ field, value string }{
		{"certificate-authority", cluster.CertificateAuthority},
		{"client-certificate", user.ClientCertificate},
		{"client-key", user.ClientKey},
		{"tokenFile", user.TokenFile},
	} {
		if f.value != "" {
			return nil, refuse("File", nil, "field", f.field)
		}
	}
	server, err := serverURL(cluster)
	if err != nil {
		return nil, err
	}
	out := &Credentials{Context: context, Server: server.String(), Config: &rest.Config{
		Host: server.String(),
		TLSClientConfig: rest.TLSClientConfig{
			ServerName: cluster.TLSServerName, CAData: cluster.CertificateAuthorityData,
			CertData: user.ClientCertificateData, KeyData: user.ClientKeyData,
		},
		BearerToken: user.Token, Username: user.Username, Password: user.Password,
		Impersonate: rest.ImpersonationConfig{
			UserName: user.Impersonate, UID: user.ImpersonateUID, Groups: user.ImpersonateGroups, Extra: user.ImpersonateUserExtra,
		},
		DisableCompression: cluster.DisableCompression,
	}}
	if err := checkProxy(out.Config, cluster.ProxyURL); err != nil {
		return nil, err
	}
	if err := checkCA(cluster.CertificateAuthorityData); err != nil {
		return nil, err
	}
	if err := out.checkUser(user); err != nil {
		return nil, err
	}
	return out, nil
}

func serverURL(cluster *clientcmdapi.Cluster) (*url.URL, error) {
	u, err := url.Parse(cluster.Server)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" ||
		u.Scheme != "https" && u.Scheme != "http" || strings.ContainsFunc(cluster.Server, isControl) {
		return nil, refuse("Server", nil, "server", short(cluster.Server))
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, refuse("PlainHTTP", nil, "server", short(cluster.Server))
	}
	if cluster.InsecureSkipTLSVerify {
		return nil, refuse("Insecure", nil, "server", short(cluster.Server))
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// refuse makes an Error with the parameters as name, value, …
func refuse(code string, err error, pairs ...string) error {
	params := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		params[pairs[i]] = pairs[i+1]
	}
	return &Error{Code: code, Params: params, Err: err}
}

func names(m map[string]*clientcmdapi.Context) string {
	all := slices.Sorted(maps.Keys(m))
	if len(all) > 10 {
		all = append(all[:10], "…")
	}
	for i := range all {
		all[i] = short(all[i])
	}
	return strings.Join(all, ", ")
}

// short makes foreign text fit into a sentence.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		if isControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if r := []rune(s); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return s
}
