package kubeconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sort"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Login is what signing in remembered about a context.
type Login struct {
	User    string    `json:"user"`
	Expires time.Time `json:"expires"`
	// Previous is the context that was current before.
	Previous string `json:"previous,omitempty"`
}

// Choice is the context that leads to Kanrin.
type Choice struct {
	Context   string
	Server    string
	Namespace string
	// Login is nil for a context that signing in did not write, such as that of admin.kubeconfig.
	Login  *Login
	Config *rest.Config
}

var (
	// ErrNotSignedIn: no context leads to Kanrin.
	ErrNotSignedIn = errors.New("not signed in")
	// ErrNoSuchContext: the context that was asked for does not exist.
	ErrNoSuchContext = errors.New("no such context")
	// ErrSeveral: several contexts lead to Kanrin and none of them is the current one.
	ErrSeveral = errors.New("several contexts lead to Kanrin")
)

// Choose finds the context: the named one, the current one when it leads to Kanrin or the file was named explicitly, the only one that
// signing in wrote, or else the current one whatever it is.
func Choose(explicit, wanted string) (*Choice, error) {
	rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: explicit}
	if explicit == "" {
		rules.Precedence = Files("")
	}
	config, err := rules.Load()
	var path *fs.PathError
	switch {
	case errors.As(err, &path):
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	case err != nil:
		return nil, fmt.Errorf("%w: %v", ErrGarbage, err)
	}
	for _, file := range Files(explicit) {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Size() == 0 && len(config.Contexts) == 0 {
			return nil, fmt.Errorf("%s: %w: it is empty", file, ErrGarbage)
		}
	}
	name, err := pick(config, explicit != "", wanted)
	if err != nil {
		return nil, err
	}
	ctx := config.Contexts[name]
	clientConfig := clientcmd.NewNonInteractiveClientConfig(*config, name, &clientcmd.ConfigOverrides{}, rules)
	restConfig, err := clientConfig.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading context %s of the kubeconfig: %w", name, err)
	}
	choice := &Choice{Context: name, Server: restConfig.Host, Namespace: ctx.Namespace, Config: restConfig}
	if marked(ctx) {
		login := loginOf(ctx)
		choice.Login = &login
	}
	return choice, nil
}

func pick(config *api.Config, explicit bool, wanted string) (string, error) {
	if wanted != "" {
		if config.Contexts[wanted] == nil {
			return "", fmt.Errorf("%s: %w (there are: %s)", wanted, ErrNoSuchContext, strings.Join(names(config, nil), ", "))
		}
		return wanted, nil
	}
	current := config.Contexts[config.CurrentContext]
	if current != nil && (explicit || marked(current)) {
		return config.CurrentContext, nil
	}
	ours := names(config, marked)
	switch {
	case len(ours) == 1:
		return ours[0], nil
	case len(ours) > 1:
		return "", fmt.Errorf("%w: %s", ErrSeveral, strings.Join(ours, ", "))
	case current != nil:
		return config.CurrentContext, nil
	}
	return "", ErrNotSignedIn
}

func names(config *api.Config, keep func(*api.Context) bool) []string {
	var out []string
	for name, ctx := range config.Contexts {
		if keep == nil || keep(ctx) {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out
}

func marked(ctx *api.Context) bool {
	_, ok := ctx.Extensions[extensionName]
	return ok
}

// loginOf reads the mark; a damaged one is an empty one: it is only ever shown.
func loginOf(ctx *api.Context) Login {
	var out Login
	if ctx == nil {
		return out
	}
	if raw, ok := ctx.Extensions[extensionName].(*runtime.Unknown); ok {
		_ = json.Unmarshal(raw.Raw, &out)
	}
	return out
}

// ContextName is the name of the context for a console: kanrin-HOST, or kanrin-HOST-PORT when that name leads to another console
// on the same host already.
func ContextName(explicit, host, port, server string) string {
	name := "kanrin-" + host
	data, err := Read(FileFor(explicit, name))
	if err != nil {
		return name // no such file: nothing in the way; an unreadable one is an error when it is written
	}
	config, err := load(data)
	if err != nil {
		return name
	}
	if ctx := config.Contexts[name]; ctx != nil {
		if c := config.Clusters[ctx.Cluster]; c != nil && strings.TrimRight(c.Server, "/") != strings.TrimRight(server, "/") {
			return name + "-" + port
		}
	}
	return name
}
