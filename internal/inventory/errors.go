package inventory

import (
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/fleet"
	"kanrin.dev/kanrin/internal/fleet/reach"
	"kanrin.dev/kanrin/internal/lang"
)

// refusal is an error of this package as a metav1.Status.
func refusal(status int, reason metav1.StatusReason, code, message string, params map[string]string) *apierrors.StatusError {
	return fleet.Refusal(status, reason, schema.GroupResource{Group: v1alpha1.GroupVersion.Group}, "", code, message, params)
}

// badInput refuses a request; its sentence is inventory.<code>.
func badInput(code string, pairs ...any) error {
	params := lang.P(pairs...)
	return refusal(http.StatusBadRequest, metav1.StatusReasonBadRequest, code, lang.English.Text("inventory."+code, params), params)
}

// unusable says why a cluster cannot be used: the code is the reason, and the sentences are cluster.<reason>,
// cluster.<reason>.why.<why> (parameter "why") and cluster.<reason>.next.
func unusable(status int, reason metav1.StatusReason, e *reach.Error) error {
	params := map[string]string{"why": e.Why}
	for k, v := range e.Params {
		params[k] = v
	}
	return refusal(status, reason, e.Reason, e.Message(), params)
}

// ready returns the connection to a cluster whose objects were read at least once.
func ready(f *fleet.Fleet, cluster string) (*fleet.Connection, fleet.State, error) {
	conn, err := f.Connection(cluster)
	if err != nil {
		var e *reach.Error
		if errors.As(err, &e) {
			err = unusable(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, e)
		}
		return nil, fleet.State{}, err
	}
	state := conn.State()
	switch {
	case state.Synced:
		return conn, state, nil
	case state.Problem != nil:
		return nil, state, unusable(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, state.Problem)
	}
	params := lang.P("cluster", cluster)
	e := refusal(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, "NotReadYet", lang.English.Text("inventory.NotReadYet", params), params)
	e.ErrStatus.Details.RetryAfterSeconds = 1
	return nil, state, e
}

// asked turns what a cluster's API server answered to a live question into an error of our own.
func asked(conn *fleet.Connection, what string, err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return err
	}
	if state := conn.State(); state.Problem != nil {
		return unusable(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, state.Problem)
	}
	params := lang.P("cluster", conn.Name, "what", what, "error", err)
	e := refusal(http.StatusBadGateway, metav1.StatusReasonServiceUnavailable, "AskFailed", lang.English.Text("inventory.AskFailed", params), params)
	return fmt.Errorf("asking cluster %s for %s: %w", conn.Name, what, e)
}
