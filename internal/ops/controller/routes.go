package controller

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/httpapi"
	"kanrin.dev/kanrin/internal/plan"
)

// chunksAtOnce bounds how much of a journal one answer carries.
const chunksAtOnce = 16

// LogPage is a piece of an operation's journal.
type LogPage struct {
	Lines []NumberedLine `json:"lines"`
	// Next is what to ask for as "after" to get what follows.
	Next int32 `json:"next"`
	// Done says that the operation is over and nothing follows.
	Done bool `json:"done"`
}

// NumberedLine is a journal line with a number that grows and never changes.
type NumberedLine struct {
	N int64 `json:"n"`
	v1alpha1.LogLine
}

// Routes serve the detail of operations. c reads the management API as Kanrin itself; who may ask is decided by the rules of the routes.
func Routes(c client.Reader) []httpapi.Route {
	s := server{c}
	read := httpapi.Access{Verb: "get", Resource: "operationlogs"}
	return []httpapi.Route{
		{Method: http.MethodGet, Pattern: "/kanrin/v1/clusters/{cluster}/operations/{name}/log", Access: read, Handler: s.log},
		{Method: http.MethodGet, Pattern: "/kanrin/v1/clusters/{cluster}/operations/{name}/members", Access: read, Handler: s.members},
	}
}

type server struct{ client client.Reader }

func (s server) operation(r *http.Request) (*v1alpha1.Operation, error) {
	var op v1alpha1.Operation
	key := client.ObjectKey{Namespace: r.PathValue("cluster"), Name: r.PathValue("name")}
	return &op, s.client.Get(r.Context(), key, &op)
}

// number reads a query parameter between 0 and most.
func number(r *http.Request, name string, unset, most int) (int, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return unset, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > most {
		return 0, httpapi.BadRequest(fmt.Sprintf("%s must be a number from 0 to %d, not %q", name, most, v))
	}
	return n, nil
}

func (s server) log(w http.ResponseWriter, r *http.Request) {
	after, err := number(r, "after", 0, 1<<30)
	if err != nil {
		httpapi.WriteError(w, err)
		return
	}
	op, err := s.operation(r)
	if err != nil {
		httpapi.WriteError(w, err)
		return
	}
	page := LogPage{Lines: []NumberedLine{}, Next: int32(after)}
	end := min(op.Status.LogChunks, page.Next+chunksAtOnce)
	for ; page.Next < end; page.Next++ {
		lines, err := chunkOf[v1alpha1.LogLine](r.Context(), s.client, op.Namespace, plan.JournalLogName(op.Name, page.Next))
		if apierrors.IsNotFound(err) {
			continue // a number that a crash left unused
		}
		if err != nil {
			httpapi.WriteError(w, err)
			return
		}
		for i, l := range lines {
			page.Lines = append(page.Lines, NumberedLine{N: int64(page.Next)<<20 | int64(i), LogLine: l})
		}
	}
	page.Done = op.Status.Phase.Terminal() && page.Next >= op.Status.LogChunks
	httpapi.WriteJSON(w, http.StatusOK, page)
}

func (s server) members(w http.ResponseWriter, r *http.Request) {
	limit, err := number(r, "limit", 100, 1000)
	if err != nil {
		httpapi.WriteError(w, err)
		return
	}
	offset, err := number(r, "offset", 0, 1<<30)
	if err != nil {
		httpapi.WriteError(w, err)
		return
	}
	op, err := s.operation(r)
	if err != nil {
		httpapi.WriteError(w, err)
		return
	}
	page := inventory.Page[v1alpha1.Member]{Items: []v1alpha1.Member{}, Offset: offset, Revision: op.Generation}
	step := r.URL.Query().Get("step")
	chunks := int32(0)
	if op.Status.Plan != nil {
		chunks = op.Status.Plan.MemberChunks
	}
	for i := int32(0); i < chunks; i++ {
		lines, err := chunkOf[v1alpha1.Member](r.Context(), s.client, op.Namespace, plan.MemberLogName(op.Name, op.Status.Plan.Digest, i))
		if err != nil {
			httpapi.WriteError(w, err)
			return
		}
		for _, m := range lines {
			if step != "" && m.Step != step {
				continue
			}
			if page.Total >= offset && len(page.Items) < limit {
				page.Items = append(page.Items, m)
			}
			page.Total++
		}
	}
	httpapi.WriteJSON(w, http.StatusOK, page)
}

func chunkOf[T any](ctx context.Context, c client.Reader, namespace, name string) ([]T, error) {
	var l v1alpha1.OperationLog
	if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &l); err != nil {
		return nil, err
	}
	return plan.Unpack[T](l.Spec.Data)
}
