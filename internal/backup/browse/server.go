package browse

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup"
	"kanrin.dev/kanrin/internal/backup/repository"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/httpapi"
	"kanrin.dev/kanrin/internal/lang"
)

// Connections gives the connection to a cluster.
type Connections interface {
	Connection(cluster string) (*fleet.Connection, error)
}

// Authorizer asks whether a caller may do something in a cluster's namespace.
type Authorizer interface {
	Allowed(ctx context.Context, caller httpapi.Caller, verb, resource, cluster string) (bool, error)
}

// Dependencies of the routes.
type Dependencies struct {
	Client     client.Client // of the management API
	Store      *backup.Store
	Fleet      Connections
	Authorizer Authorizer
	Log        *slog.Logger
}

type server struct{ d Dependencies }

const maxBody = 256 << 10

// Routes serve sets and policies.
func Routes(d Dependencies) []httpapi.Route {
	const cluster = "/kanrin/v1/clusters/{cluster}"
	s := &server{d}
	may := func(verb, resource string) httpapi.Access { return httpapi.Access{Verb: verb, Resource: resource} }
	get := func(path string, f func(*http.Request) (any, error)) httpapi.Route {
		return httpapi.Route{Method: http.MethodGet, Pattern: cluster + "/snapshots/" + path, Access: may("get", "snapshots"), Handler: s.answer(http.StatusOK, f)}
	}
	return []httpapi.Route{
		get("resources", s.resources),
		get("objects", s.objects),
		get("object", s.object),
		get("diff", s.diff),
		get("changes", s.changes),
		get("history", s.history),
		{Method: http.MethodPost, Pattern: cluster + "/backuppolicies", Access: may("create", "backuppolicies"), Handler: s.answer(http.StatusOK, s.setPolicy)},
		{Method: http.MethodPost, Pattern: cluster + "/backuppolicies/{name}/rescan", Access: may("update", "backuppolicies"), Handler: s.answer(http.StatusOK, s.rescan)},
		{Method: http.MethodGet, Pattern: cluster + "/backuppolicies/{name}/keys", Access: may("get", "snapshotsecrets"), Handler: s.answer(http.StatusOK, s.keys)},
	}
}

func (s *server) answer(code int, f func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		if err != nil {
			s.d.Log.DebugContext(r.Context(), "a request was not answered", "path", r.URL.Path, "error", err)
			httpapi.WriteError(w, explained(err))
			return
		}
		httpapi.WriteJSON(w, code, v)
	}
}

// explained gives an error of the storage its sentence.
func explained(err error) error {
	var status apierrors.APIStatus
	var newer *backup.NewerError
	switch state := repository.StateOf(err); {
	case errors.As(err, &status):
		return err
	case state != "":
		return refuse(http.StatusBadGateway, metav1.StatusReasonServiceUnavailable, "Repository", "state", string(state), "error", err.Error())
	case errors.As(err, &newer):
		return refuse(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, "Unreadable", "error", err.Error())
	case errors.Is(err, backup.ErrNoEtcd):
		return refuse(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, "NoEtcd")
	case errors.Is(err, fs.ErrNotExist):
		return refuse(http.StatusNotFound, metav1.StatusReasonNotFound, "Absent", "error", err.Error())
	}
	return refuse(http.StatusInternalServerError, metav1.StatusReasonInternalError, "Unreadable", "error", err.Error())
}

// refuse is an error as a metav1.Status; its sentence is backup.<code>.
func refuse(status int, reason metav1.StatusReason, code string, pairs ...any) error {
	params := lang.P(pairs...)
	key := "backup." + code
	return fleet.Refusal(status, reason, v1alpha1.Resource("backups"), "", key, lang.English.Text(key, params), params)
}

func invalid(code string, pairs ...any) error {
	return refuse(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, code, pairs...)
}

func read(r *http.Request, into any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return invalid("BodyInvalid") // the decoder's words may quote a secret
	}
	return nil
}

// reveals reports whether the caller asks to see values of Secrets, and may.
func (s *server) reveals(r *http.Request) (bool, error) {
	if r.URL.Query().Get("reveal") != "true" {
		return false, nil
	}
	caller, ok := httpapi.CallerFrom(r.Context())
	if !ok {
		return false, nil
	}
	allowed, err := s.d.Authorizer.Allowed(r.Context(), caller, "get", "snapshotsecrets", r.PathValue("cluster"))
	if err != nil {
		return false, err
	}
	if !allowed {
		return false, refuse(http.StatusForbidden, metav1.StatusReasonForbidden, "NoReveal", "user", caller.User, "cluster", r.PathValue("cluster"))
	}
	return true, nil
}
