package explain

import (
	"errors"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/lang"
)

// answer explains a refusal by the server.
func (s Subject) answer(status metav1.Status, err error, e *cli.Error) {
	var request *client.Error
	if !errors.As(err, &request) {
		request = &client.Error{}
	}
	marker, text := Marker(status)
	key, params, _ := coded(status)
	switch {
	case strings.HasPrefix(key, "hoststate."): // what the server found when it looked at a machine
		e.Why = s.said(status, text)
	case strings.HasPrefix(key, "cluster."):
		s.cluster(strings.TrimPrefix(key, "cluster."), params, e)
	case strings.HasPrefix(key, "backup."):
		s.backup(status, params["state"], e)
	case key == "register.OperationAtWork":
		e.Code = cli.Locked
		e.Why = s.said(status, text)
	case strings.HasPrefix(key, "register."), key == "access.LastAdministrator":
		e.Code = cli.Usage
		e.Why = s.said(status, text)
	case marker != "":
		e.Code = cli.Refused
		if marker == MarkerBlocked {
			e.Code = cli.Blocked
		}
		e.Why = s.Lang.T("cli.why.api." + marker)
		e.Next = s.Lang.T("cli.next."+marker, "ref", "operation/"+request.Name+" -n "+request.Cluster)
	case status.Code == http.StatusUnauthorized:
		e.Code = cli.NotAllowed
		s.unauthorized(status, e)
	case status.Code == http.StatusForbidden:
		e.Code = cli.NotAllowed
		s.forbidden(status, request, e)
	case status.Code == http.StatusNotFound:
		e.Code = cli.NotFound
		s.notFound(status, request, e)
	case status.Reason == metav1.StatusReasonAlreadyExists:
		e.Code = cli.Usage
		e.Why = s.said(status, text)
	case status.Code == http.StatusBadRequest, status.Code == http.StatusUnprocessableEntity, status.Code == http.StatusRequestEntityTooLarge:
		e.Code = cli.Usage
		e.Why = s.said(status, text)
	case status.Code == http.StatusTooManyRequests:
		e.Why = s.said(status, text)
		e.Next = s.Lang.T("cli.next.later")
	default:
		e.Why = s.said(status, text)
		e.Next = s.Lang.T("cli.next.serverLog")
	}
}

// cluster explains why a managed cluster cannot be used. That its credential is refused is no matter of the person's own rights, but not
// allowed all the same.
func (s Subject) cluster(reason string, params map[string]string, e *cli.Error) {
	switch reason {
	case v1alpha1.ReasonInvalid:
		e.Code = cli.Usage
	case v1alpha1.ReasonExpired, v1alpha1.ReasonForbidden, v1alpha1.ReasonUnauthorized:
		e.Code = cli.NotAllowed
	}
	e.Why = s.Lang.Text("cluster."+reason, params)
	if why := "cluster." + reason + ".why." + params["why"]; s.Lang.Has(why) {
		e.Why += " " + s.Lang.Text(why, params)
	}
	if next := "cluster." + reason + ".next"; s.Lang.Has(next) {
		e.Next = s.Lang.Text(next, params)
	}
}

// backup explains why a set or its repository cannot be read.
func (s Subject) backup(status metav1.Status, state string, e *cli.Error) {
	switch status.Code {
	case http.StatusNotFound:
		e.Code = cli.NotFound
	case http.StatusForbidden:
		e.Code = cli.NotAllowed
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusConflict:
		e.Code = cli.Usage
	}
	if state == "Locked" {
		e.Code = cli.Locked
	}
	e.Why = s.said(status, status.Message)
	if next := "cli.next.repository." + state; s.Lang.Has(next) {
		e.Next = s.Lang.T(next)
	}
}

func (s Subject) unauthorized(status metav1.Status, e *cli.Error) {
	if _, params, ok := coded(status); ok && params != nil {
		e.Why = s.said(status, "")
	} else {
		e.Why = s.Lang.T("cli.why.session", "server", s.Server)
	}
	if !s.Expires.IsZero() && s.Now.After(s.Expires) {
		e.Why = s.Lang.T("cli.why.sessionExpired", "server", s.Server, "until", s.Expires.Local().Format(time.DateTime))
	}
	e.Next = s.Lang.T("cli.next.login", "server", s.Server)
}

func (s Subject) forbidden(status metav1.Status, r *client.Error, e *cli.Error) {
	switch {
	case r.Verb == "":
		e.Why = s.said(status, status.Message)
	case r.Cluster == "":
		e.Why = s.Lang.T("cli.why.forbiddenEverywhere", "verb", r.Verb, "resource", r.Resource)
	default:
		e.Why = s.Lang.T("cli.why.forbidden", "verb", r.Verb, "resource", r.Resource, "cluster", r.Cluster)
	}
	e.Next = s.Lang.T("cli.next.forbidden")
}

func (s Subject) notFound(status metav1.Status, r *client.Error, e *cli.Error) {
	kind, name := r.Resource, r.Name
	if d := status.Details; d != nil && d.Name != "" {
		kind, name = d.Kind, d.Name
	}
	switch {
	case kind == "namespaces" || kind == "clusters":
		s.say(e, "noCluster", "cluster", name)
	case s.Lang.Has("cli.why.no." + kind):
		e.Why = s.Lang.T("cli.why.no."+kind, "name", name, "cluster", r.Cluster)
		e.Next = s.Lang.T("cli.next.list", "resource", kind)
		if kind == "users" {
			e.Next = s.Lang.T("cli.next.listUsers")
		}
	default:
		e.Why = s.said(status, status.Message)
	}
}

// Markers that the messages of Kanrin's validation rules begin with; also keys below cli.why.
const (
	MarkerStale   = "StalePlan"
	MarkerUsed    = "PlanUsed"
	MarkerBlocked = "Blocked"
)

// Marker finds the marker of a validation rule in an answer, and the sentence after it.
func Marker(status metav1.Status) (marker, text string) {
	messages := []string{status.Message}
	if status.Details != nil {
		for _, c := range status.Details.Causes {
			messages = append(messages, c.Message)
		}
	}
	for _, m := range []string{MarkerStale, MarkerUsed, MarkerBlocked} {
		for _, message := range messages {
			if _, after, ok := strings.Cut(message, m+": "); ok {
				return m, after
			}
		}
	}
	return "", ""
}

// said is the server's own sentence, in the person's language when it carries a code that the catalogue knows.
func (s Subject) said(status metav1.Status, fallback string) string {
	if key, params, ok := coded(status); ok && s.Lang.Has(key) {
		return s.Lang.Text(key, params)
	}
	if fallback != "" {
		return fallback
	}
	return status.Message
}

// coded finds the code of a refusal: causes[0].reason is the code, further causes of reason Parameter are its parameters.
func coded(status metav1.Status) (key string, params map[string]string, ok bool) {
	if status.Details == nil || len(status.Details.Causes) == 0 {
		return "", nil, false
	}
	code := string(status.Details.Causes[0].Type)
	params = map[string]string{}
	for _, c := range status.Details.Causes[1:] {
		if c.Type == "Parameter" {
			params[c.Field] = c.Message
		}
	}
	if lang.English.Has(code) && strings.Contains(code, ".") {
		return code, params, true
	}
	areas := []string{"access.", "cluster.", "register.", "inventory."}
	if _, of := params["cluster"]; of { // a name can be refused to a user and to a cluster
		areas = []string{"cluster.", "register.", "inventory.", "access."}
	}
	for _, area := range areas {
		if lang.English.Has(area + code) {
			return area + code, params, true
		}
	}
	return "", nil, false
}
