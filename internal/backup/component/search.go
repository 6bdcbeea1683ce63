package component

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// search asks Elasticsearch or OpenSearch for a snapshot of all its indices into the snapshot repository that it is configured with, and
// waits for it. The data stays there; the set holds the server's own description of the snapshot. It speaks the documented snapshot API
// (PUT and GET _snapshot/<repository>/<snapshot>) through the API server's service proxy.
func (e Env) search(ctx context.Context, c v1alpha1.BackupComponent, w Writer) (*Record, error) {
	if e.Connection == nil {
		return nil, absent("ClusterSilent", e.Cluster.Name, nil)
	}
	if c.SnapshotRepository == "" {
		return nil, absent("NoSearchRepository", c.Name, nil)
	}
	base, err := serviceProxy(c.Service)
	if err != nil {
		return nil, absent("ServiceUnusable", c.Name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout(c))
	defer cancel()
	if e.Guard != nil {
		if err := e.Guard(); err != nil {
			return nil, err
		}
	}
	client := e.Connection.Client.CoreV1().RESTClient()
	at := base + "/_snapshot/" + url.PathEscape(c.SnapshotRepository) + "/" + url.PathEscape("kanrin-"+strings.ToLower(e.Set))
	begin := client.Put().AbsPath(at).SetHeader("Content-Type", "application/json").Body([]byte(`{"indices":"*","include_global_state":true}`))
	if err := begin.Do(ctx).Error(); err != nil && !already(ctx, client, at) {
		return nil, absent("SearchFailed", c.Name, err)
	}
	for {
		data, state, version, err := searchState(ctx, client, at)
		switch {
		case err != nil:
			return nil, absent("SearchFailed", c.Name, err)
		case state == "SUCCESS":
			_, err := w.File("snapshot.json", stamp(0o600), bytes.NewReader(data))
			return &Record{From: c.Service, Version: version}, err
		case state != "IN_PROGRESS" && state != "STARTED":
			return nil, absent("SearchFailed", c.Name, fmt.Errorf("the snapshot ended %s", state))
		}
		select {
		case <-ctx.Done():
			return nil, absent("SearchFailed", c.Name, context.Cause(ctx))
		case <-time.After(2 * time.Second):
		}
	}
}

// already reports whether an interrupted run has begun the snapshot.
func already(ctx context.Context, client rest.Interface, at string) bool {
	_, state, _, err := searchState(ctx, client, at)
	return err == nil && state != ""
}

func searchState(ctx context.Context, client rest.Interface, at string) (data []byte, state, version string, err error) {
	data, err = client.Get().AbsPath(at).Do(ctx).Raw()
	if err != nil {
		var status apierrors.APIStatus
		if errors.As(err, &status) {
			err = fmt.Errorf("%s", status.Status().Message)
		}
		return nil, "", "", err
	}
	var answer struct {
		Snapshots []struct {
			State   string `json:"state"`
			Version string `json:"version"`
		} `json:"snapshots"`
	}
	if err := json.Unmarshal(data, &answer); err != nil || len(answer.Snapshots) != 1 {
		return nil, "", "", errors.New("the server's answer does not describe one snapshot")
	}
	return data, answer.Snapshots[0].State, answer.Snapshots[0].Version, nil
}

// serviceProxy turns scheme://service.namespace:port into the path of the API server's proxy.
func serviceProxy(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("%q is not scheme://service.namespace:port", address)
	}
	service, namespace, ok := strings.Cut(u.Hostname(), ".")
	if !ok || u.Port() == "" || strings.Contains(namespace, ".") {
		return "", fmt.Errorf("%q is not scheme://service.namespace:port", address)
	}
	return fmt.Sprintf("/api/v1/namespaces/%s/services/%s:%s:%s/proxy", namespace, u.Scheme, service, u.Port()), nil
}
