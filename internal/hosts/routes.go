package hosts

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/httpapi"
)

// maxBody of a request: a key and a few names.
const maxBody = 64 << 10

// scansAtOnce bounds the connections that callers can make the server open.
const scansAtOnce = 8

// Routes serve the hosts of clusters. Scanning makes the server open connections, so that only those may who may create hosts.
func (k *Keeper) Routes() []httpapi.Route {
	const hosts = "/kanrin/v1/clusters/{cluster}/hosts"
	s := &server{keeper: k, client: k.d.Client, scanning: make(chan struct{}, scansAtOnce)}
	may := func(verb string) httpapi.Access { return httpapi.Access{Verb: verb, Resource: "hosts"} }
	return []httpapi.Route{
		{Method: http.MethodGet, Pattern: hosts, Access: may("list"), Handler: s.answer(http.StatusOK, s.list)},
		{Method: http.MethodPost, Pattern: hosts, Access: may("create"), Handler: s.answer(http.StatusCreated, s.add)},
		{Method: http.MethodPost, Pattern: hosts + "/scan", Access: may("create"), Handler: s.answer(http.StatusOK, s.scan)},
		{Method: http.MethodPost, Pattern: hosts + "/{name}/refresh", Access: may("update"), Handler: s.answer(http.StatusOK, s.refresh)},
		{Method: http.MethodDelete, Pattern: hosts + "/{name}", Access: may("delete"), Handler: s.answer(http.StatusOK, s.remove)},
	}
}

type server struct {
	keeper   *Keeper
	client   client.Client
	scanning chan struct{}
}

func (s *server) answer(code int, f func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		if err != nil {
			var known *Error
			if errors.As(err, &known) {
				err = unusable(known)
			}
			s.keeper.d.Log.DebugContext(r.Context(), "a request was not answered", "path", r.URL.Path, "error", err)
			httpapi.WriteError(w, err)
			return
		}
		httpapi.WriteJSON(w, code, v)
	}
}

func read(r *http.Request, into any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return invalid("BodyInvalid") // the decoder's words may quote the body, and so a key
	}
	return nil
}

// known makes sure that the cluster is registered.
func (s *server) known(ctx context.Context, cluster string) error {
	var c v1alpha1.Cluster
	return s.client.Get(ctx, client.ObjectKey{Namespace: cluster, Name: cluster}, &c)
}

func (s *server) list(r *http.Request) (any, error) {
	cluster := r.PathValue("cluster")
	if err := s.known(r.Context(), cluster); err != nil {
		return nil, err
	}
	revision := s.keeper.revision.Load()
	hosts, err := s.keeper.d.Pool.Hosts(r.Context(), cluster)
	if err != nil {
		return nil, err
	}
	page := inventory.Page[inventory.Host]{Items: make([]inventory.Host, 0, len(hosts)), Total: len(hosts), Revision: revision}
	for i := range hosts {
		page.Items = append(page.Items, rowOf(&hosts[i]))
	}
	return page, nil
}

func (s *server) scan(r *http.Request) (any, error) {
	var in inventory.ScanHost
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if err := validAddress(in.Address, in.Port); err != nil {
		return nil, err
	}
	select {
	case s.scanning <- struct{}{}:
		defer func() { <-s.scanning }()
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	key, err := Scan(r.Context(), in.Address, int(in.Port))
	if err != nil {
		return nil, err
	}
	return inventory.ScannedKey{Key: FormatHostKey(key), Fingerprint: Fingerprint(key), Type: key.Type()}, nil
}

func (s *server) refresh(r *http.Request) (any, error) {
	h, err := s.keeper.Refresh(r.Context(), r.PathValue("cluster"), r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	return document(h), nil
}

// document is a Host as the Kubernetes API would answer it.
func document(h *v1alpha1.Host) *v1alpha1.Host {
	h.ManagedFields = nil
	h.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "Host"}
	return h
}
