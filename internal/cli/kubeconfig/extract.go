package kubeconfig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

var (
	// ErrPlugin: the credentials come from a program on this machine, which the server neither has nor would run.
	ErrPlugin = errors.New("its credentials come from a program")
	// ErrIncomplete: the context names no server or no credentials.
	ErrIncomplete = errors.New("incomplete")
	// ErrChooseContext: the file has several contexts and no current one.
	ErrChooseContext = errors.New("several contexts and none of them is current")
)

// Extract returns one context of a kubeconfig with all files inlined and nothing else, ready to be sent to the server. Relative paths
// are meant from dir, the directory of the file. An empty name means the current context, or the only one.
func Extract(data []byte, dir, name string) (out []byte, context string, err error) {
	config, err := load(data)
	if err != nil {
		return nil, "", err
	}
	if name, err = contextOf(config, name); err != nil {
		return nil, "", err
	}
	ctx := config.Contexts[name]
	cluster, user := config.Clusters[ctx.Cluster], config.AuthInfos[ctx.AuthInfo]
	if cluster == nil || cluster.Server == "" {
		return nil, name, fmt.Errorf("context %s: %w: it names no cluster with a server", name, ErrIncomplete)
	}
	if user == nil {
		return nil, name, fmt.Errorf("context %s: %w: it names no user", name, ErrIncomplete)
	}
	if user.Exec != nil {
		return nil, name, fmt.Errorf("user %s: %w: exec plugin %s", ctx.AuthInfo, ErrPlugin, user.Exec.Command)
	}
	if user.AuthProvider != nil {
		return nil, name, fmt.Errorf("user %s: %w: auth provider %s", ctx.AuthInfo, ErrPlugin, user.AuthProvider.Name)
	}
	c, u := cluster.DeepCopy(), user.DeepCopy()
	if err := inline(dir, c, u); err != nil {
		return nil, name, err
	}
	single := api.NewConfig()
	single.CurrentContext = name
	single.Contexts[name] = &api.Context{Cluster: ctx.Cluster, AuthInfo: ctx.AuthInfo}
	single.Clusters[ctx.Cluster] = c
	single.AuthInfos[ctx.AuthInfo] = u
	out, err = clientcmd.Write(*single)
	if err != nil {
		return nil, name, fmt.Errorf("writing the single context: %w", err)
	}
	return out, name, nil
}

func contextOf(config *api.Config, name string) (string, error) {
	all := names(config, nil)
	if len(all) == 0 {
		return "", fmt.Errorf("%w: it has no contexts", ErrIncomplete)
	}
	if name == "" {
		name = config.CurrentContext
	}
	if name == "" {
		if len(all) > 1 {
			return "", fmt.Errorf("%w: %s", ErrChooseContext, strings.Join(all, ", "))
		}
		name = all[0]
	}
	if config.Contexts[name] == nil {
		return "", fmt.Errorf("%s: %w (there are: %s)", name, ErrNoSuchContext, strings.Join(all, ", "))
	}
	return name, nil
}

// inline puts the content of every file that the entries refer to into the entries.
func inline(dir string, c *api.Cluster, u *api.AuthInfo) error {
	for _, ref := range []struct {
		field string
		path  *string
		data  *[]byte
	}{
		{"certificate-authority", &c.CertificateAuthority, &c.CertificateAuthorityData},
		{"client-certificate", &u.ClientCertificate, &u.ClientCertificateData},
		{"client-key", &u.ClientKey, &u.ClientKeyData},
	} {
		content, err := content(dir, ref.field, *ref.path)
		if err != nil {
			return err
		}
		if len(*ref.data) == 0 {
			*ref.data = content
		}
		*ref.path = ""
	}
	token, err := content(dir, "tokenFile", u.TokenFile)
	if err != nil {
		return err
	}
	if t := strings.TrimSpace(string(token)); t != "" {
		u.Token = t // as clients do: the file wins
	}
	u.TokenFile = ""
	c.LocationOfOrigin, u.LocationOfOrigin = "", ""
	c.Extensions, u.Extensions = nil, nil
	return nil
}

func content(dir, field, path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", field, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %s: %s is not a file", field, path)
	}
	data, err := Read(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", field, err)
	}
	return data, nil
}
