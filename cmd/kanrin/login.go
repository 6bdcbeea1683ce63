package main

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/kubeconfig"
	"kanrin.dev/kanrin/internal/cli/output"
)

type loginOptions struct {
	username     string
	passwordFile string
	token        string
	tokenFile    string
	authority    string
	fingerprint  string
}

func (a *app) newLogin() *cobra.Command {
	var o loginOptions
	c := a.command("login", "login URL [flags]", func(cmd *cobra.Command, args []string) error { return a.login(cmd.Context(), args[0], o) })
	c.Args = a.arguments(1, 1, "URL")
	c.Example = `  kanrin login https://ops.example.com:8443
  kanrin login https://ops.example.com:8443 --username sato --password-file ./password --fingerprint SHA256:9C:5A:…
  kanrin login https://ops.example.com:8443 --token-file ./token --certificate-authority ./ca.crt`
	f := c.Flags()
	f.StringVarP(&o.username, "username", "u", "", a.t("cli.flag.login.username"))
	f.StringVar(&o.passwordFile, "password-file", "", a.t("cli.flag.login.passwordFile"))
	f.StringVar(&o.token, "token", "", a.t("cli.flag.login.token"))
	f.StringVar(&o.tokenFile, "token-file", "", a.t("cli.flag.login.tokenFile"))
	f.StringVar(&o.authority, "certificate-authority", "", a.t("cli.flag.login.authority"))
	f.StringVar(&o.fingerprint, "fingerprint", "", a.t("cli.flag.login.fingerprint"))
	a.exclusive(c, "token", "token-file", "password-file")
	a.exclusive(c, "token", "token-file", "username")
	a.exclusive(c, "certificate-authority", "fingerprint")
	return c
}

// loginResult is what login prints with -o json.
type loginResult struct {
	Kind       string    `json:"kind"`
	APIVersion string    `json:"apiVersion"`
	Context    string    `json:"context"`
	Kubeconfig string    `json:"kubeconfig"`
	Server     string    `json:"server"`
	User       string    `json:"user"`
	Role       string    `json:"role,omitempty"`
	Namespace  string    `json:"namespace,omitempty"`
	Expires    time.Time `json:"expires"`
}

func (a *app) login(ctx context.Context, address string, o loginOptions) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	base, err := a.consoleURL(address)
	if err != nil {
		return err
	}
	what := a.t("cli.what.login", "server", base.String())
	pin, err := a.establishTrust(ctx, base, what, o)
	if err != nil {
		return err
	}
	config := &rest.Config{Host: base.String(), TLSClientConfig: rest.TLSClientConfig{CAData: pin.ca, ServerName: pin.serverName}}
	token, who, err := a.authenticate(ctx, config, what, o)
	if err != nil {
		return err
	}
	config.BearerToken = token
	c, err := client.New(config, userAgent())
	if err != nil {
		return a.subject().Error(what, err)
	}
	s := &session{Client: c, app: a, choice: &kubeconfig.Choice{}}
	namespace, clusters, err := a.loginNamespace(ctx, s, what)
	if err != nil {
		return err
	}
	name := a.context
	if name == "" {
		name = kubeconfig.ContextName(a.kubeconfig, base.Hostname(), port(base), base.String())
	}
	file := kubeconfig.FileFor(a.kubeconfig, name)
	entry := kubeconfig.Entry{
		Name: name, Server: base.String(), CA: pin.ca, TLSServerName: pin.serverName, Token: token,
		Namespace: namespace, User: who.User, Expires: who.Expires,
	}
	err = kubeconfig.Update(ctx, file, func(data []byte) ([]byte, error) { return kubeconfig.Set(data, entry) })
	if err != nil {
		return a.subject().Error(a.t("cli.what.writeKubeconfig", "file", file), err)
	}
	result := loginResult{
		Kind: "Login", APIVersion: inventoryVersion, Context: name, Kubeconfig: file, Server: base.String(), User: who.User, Role: who.Role,
		Namespace: namespace, Expires: who.Expires,
	}
	if !format.Human() {
		return a.document(format, output.Document{Value: result, Items: []output.Item{{Name: "context/" + name, Value: result}}})
	}
	a.say("cli.login.done", "user", who.User, "server", base.String(), "until", who.Expires.Local().Format(time.DateTime))
	a.say("cli.login.wrote", "context", name, "file", file)
	switch {
	case namespace != "":
		a.say("cli.login.cluster", "cluster", namespace)
	case clusters == 0:
		a.say("cli.login.none")
	default:
		a.say("cli.login.several")
	}
	a.say("cli.login.try")
	return nil
}

// consoleURL reads the address of a console; a missing scheme means https, and nothing else is spoken.
func (a *app) consoleURL(address string) (*url.URL, error) {
	text := address
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	bad := func(key string) (*url.URL, error) {
		return nil, a.badInput(a.t("cli.what.login", "server", address), a.t("cli.why."+key, "address", address), a.t("cli.next.url"))
	}
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return bad("url")
	case u.Scheme != "https":
		return bad("notHTTPS")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return "443"
}

// loginNamespace is the cluster that commands will mean: the flag's, which must exist, or the only one. It counts the clusters too.
func (a *app) loginNamespace(ctx context.Context, s *session, what string) (string, int, error) {
	names, err := s.clusterNames(ctx)
	if err != nil {
		return "", 0, s.explain(what, err)
	}
	if a.cluster == "" {
		if len(names) == 1 {
			return names[0], 1, nil
		}
		return "", len(names), nil
	}
	for _, name := range names {
		if name == a.cluster {
			return name, len(names), nil
		}
	}
	return "", len(names), &cli.Error{
		Code: cli.NotFound, What: what, Why: a.t("cli.why.noCluster", "cluster", a.cluster), Next: a.t("cli.next.noCluster"),
	}
}
