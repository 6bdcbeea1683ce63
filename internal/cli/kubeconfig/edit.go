package kubeconfig

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// ErrGarbage is returned for content that is not a kubeconfig.
var ErrGarbage = errors.New("not a kubeconfig")

// extensionName marks the contexts that signing in wrote.
const extensionName = "kanrin.dev/login"

// Entry is what signing in writes: a context, a cluster and a user of the same name.
type Entry struct {
	Name string
	// Server is the console's URL.
	Server string
	// CA is PEM: what the console's certificate is checked against; nil means the machine's own trust store.
	CA []byte
	// TLSServerName is the name that the certificate is checked for when it is not the URL's.
	TLSServerName string
	Token         string
	// Namespace is the cluster that commands mean when none is named; may be empty.
	Namespace string
	// User and Expires are of the session, to be shown without asking the server.
	User    string
	Expires time.Time
}

// Set returns data with e in place of the entries of its name, and its context as the current one.
func Set(data []byte, e Entry) ([]byte, error) {
	before, doc, err := parse(data)
	if err != nil {
		return nil, err
	}
	root := doc.Content[0]
	previous := before.CurrentContext
	if previous == e.Name {
		previous = loginOf(before.Contexts[e.Name]).Previous
	}

	cluster := mapping("server", e.Server)
	if len(e.CA) > 0 {
		put(cluster, "certificate-authority-data", base64.StdEncoding.EncodeToString(e.CA))
	}
	if e.TLSServerName != "" {
		put(cluster, "tls-server-name", e.TLSServerName)
	}
	login := mapping("user", e.User, "expires", e.Expires.UTC().Format(time.RFC3339))
	if previous != "" {
		put(login, "previous", previous)
	}
	context := mapping("cluster", e.Name, "user", e.Name)
	if e.Namespace != "" {
		put(context, "namespace", e.Namespace)
	}
	extension := mapping("name", extensionName)
	putNode(extension, "extension", login)
	putNode(context, "extensions", &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{extension}})

	for _, part := range []struct {
		list, item string
		value      *yaml.Node
	}{
		{"clusters", "cluster", cluster},
		{"contexts", "context", context},
		{"users", "user", mapping("token", e.Token)},
	} {
		if err := replace(root, part.list, part.item, e.Name, part.value); err != nil {
			return nil, err
		}
	}
	put(root, "current-context", e.Name)
	return finish(before, doc, e.Name)
}

// Remove returns data without the context of that name and without its cluster and user, unless another context uses them. The
// context that was current before signing in becomes current again.
func Remove(data []byte, name string) ([]byte, error) {
	before, doc, err := parse(data)
	if err != nil {
		return nil, err
	}
	ctx, ok := before.Contexts[name]
	if !ok {
		return data, nil
	}
	root := doc.Content[0]
	cluster, user := ctx.Cluster, ctx.AuthInfo
	for other, c := range before.Contexts {
		if other == name {
			continue
		}
		if c.Cluster == cluster {
			cluster = ""
		}
		if c.AuthInfo == user {
			user = ""
		}
	}
	removeNamed(root, "contexts", name)
	removeNamed(root, "clusters", cluster)
	removeNamed(root, "users", user)
	if before.CurrentContext == name {
		previous := loginOf(ctx).Previous
		if _, ok := before.Contexts[previous]; !ok || previous == name {
			previous = ""
		}
		put(root, "current-context", previous)
	}
	return finish(before, doc, name, cluster, user)
}

// parse reads data both ways: as clients do, and as a document whose every node is kept.
func parse(data []byte) (*api.Config, *yaml.Node, error) {
	config, err := load(data)
	if err != nil {
		return nil, nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	doc := &yaml.Node{}
	switch err := decoder.Decode(doc); {
	case errors.Is(err, io.EOF):
		doc = &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{mapping("apiVersion", "v1", "kind", "Config")}}
		if text := bytes.TrimSpace(data); bytes.HasPrefix(text, []byte("#")) {
			doc.HeadComment = string(text) // a file of comments only
		}
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %v", ErrGarbage, err)
	default:
		if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
			return nil, nil, fmt.Errorf("%w: more than one YAML document", ErrGarbage)
		}
	}
	if len(doc.Content) != 1 {
		return nil, nil, fmt.Errorf("%w: no YAML document", ErrGarbage)
	}
	if root := doc.Content[0]; root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		comments := *root
		*root = *mapping("apiVersion", "v1", "kind", "Config")
		root.HeadComment, root.FootComment = comments.HeadComment, comments.FootComment
	} else if root.Kind != yaml.MappingNode {
		return nil, nil, fmt.Errorf("%w: not a mapping", ErrGarbage)
	}
	return config, doc, nil
}

// load reads data as clients do.
func load(data []byte) (*api.Config, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return api.NewConfig(), nil
	}
	config, err := clientcmd.Load(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrGarbage, err)
	}
	return config, nil
}

// finish writes the document and makes sure that clients read from it what they read before, but for the entries of the given names.
func finish(before *api.Config, doc *yaml.Node, names ...string) ([]byte, error) {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := encoder.Encode(doc); err != nil {
		return nil, fmt.Errorf("writing YAML: %w", err)
	}
	after, err := load(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("checking the changed file: %w", err)
	}
	if !reflect.DeepEqual(others(before, names), others(after, names)) {
		return nil, fmt.Errorf("%w: it is written in a way that cannot be changed without losing something; name another file with --kubeconfig", ErrGarbage)
	}
	return b.Bytes(), nil
}

// others is config without the entries of the given names and without the current context.
func others(config *api.Config, names []string) *api.Config {
	c := config.DeepCopy()
	c.CurrentContext = ""
	c.APIVersion, c.Kind = "", ""
	for _, name := range names {
		delete(c.Clusters, name)
		delete(c.Contexts, name)
		delete(c.AuthInfos, name)
	}
	return c
}
