package kubeconfig

import (
	"fmt"
	"os"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Flatten reads the user's own kubeconfig file, reduces it to one context and inlines the files it refers to, so that the
// result can be sent to a server. It is for the client side only.
func Flatten(path, context string) ([]byte, error) {
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		if os.IsNotExist(err) || os.IsPermission(err) {
			return nil, fmt.Errorf("reading kubeconfig: %w", err)
		}
		return nil, refuse("Unreadable", nil)
	}
	name, cluster, user, err := choose(config, context)
	if err != nil {
		return nil, err
	}
	one := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: cluster},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: user},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	}
	if err := clientcmd.ResolveLocalPaths(&one); err != nil {
		return nil, fmt.Errorf("resolving the files named in %s: %w", path, err)
	}
	if user.TokenFile != "" {
		token, err := os.ReadFile(user.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("reading the token file named in %s: %w", path, err)
		}
		user.Token, user.TokenFile = strings.TrimSpace(string(token)), ""
	}
	if err := clientcmdapi.FlattenConfig(&one); err != nil {
		return nil, fmt.Errorf("inlining the files named in %s: %w", path, err)
	}
	return clientcmd.Write(one)
}

// Minimal returns the kubeconfig reduced to the context that Parse takes, in the form in which it is kept.
func Minimal(data []byte, context string) ([]byte, error) {
	config, err := load(data)
	if err != nil {
		return nil, err
	}
	name, cluster, user, err := choose(config, context)
	if err != nil {
		return nil, err
	}
	if _, err := credentials(name, cluster, user); err != nil {
		return nil, err
	}
	cluster.Extensions, user.Extensions = nil, nil
	return clientcmd.Write(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"cluster": cluster},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"user": user},
		Contexts:       map[string]*clientcmdapi.Context{"cluster": {Cluster: "cluster", AuthInfo: "user"}},
		CurrentContext: "cluster",
	})
}
