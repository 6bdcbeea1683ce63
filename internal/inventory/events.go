package inventory

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/fleet"
)

const (
	askTimeout = 10 * time.Second
	// maxEvents bounds what is read of a cluster to find the newest events: the API has no order by time.
	maxEvents = 5000
)

var eventColumns = columns{sorts: []string{"time"}, filters: []string{"kind", "namespace", "name"}}

// eventsPage asks the cluster for events about an object, or about everything, the newest first.
func eventsPage(ctx context.Context, conn *fleet.Connection, state fleet.State, values url.Values) (inventory.Page[inventory.Event], error) {
	q, err := parseQuery(values, eventColumns)
	if err != nil {
		return inventory.Page[inventory.Event]{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	about := fields.Set{}
	for field, value := range map[string]string{
		"involvedObject.kind": q.filters["kind"], "involvedObject.name": q.filters["name"], "involvedObject.namespace": q.filters["namespace"],
	} {
		if value != "" {
			about[field] = value
		}
	}
	// Events about objects without a namespace are kept in namespace default, so all namespaces are asked.
	o := metav1.ListOptions{FieldSelector: about.AsSelector().String(), Limit: maxLimit}
	var all []inventory.Event
	for {
		list, err := conn.Client.CoreV1().Events("").List(ctx, o)
		if err != nil {
			return inventory.Page[inventory.Event]{}, asked(conn, "events", err)
		}
		for i := range list.Items {
			if e := eventRow(&list.Items[i]); holds(q.text, e.Reason, e.Message, e.Object) {
				all = append(all, e)
			}
		}
		if o.Continue = list.Continue; o.Continue == "" || len(all) >= maxEvents {
			break
		}
	}
	slices.SortStableFunc(all, func(a, b inventory.Event) int { return b.Time.Compare(a.Time) })
	page := inventory.Page[inventory.Event]{Items: []inventory.Event{}, Total: len(all), Offset: q.offset, Revision: time.Now().UnixMilli(), StaleSince: state.StaleSince}
	page.Items = append(page.Items, slice(q, all)...)
	return page, nil
}

// eventRow takes the time and count of an event from wherever its reporter has put them.
func eventRow(e *corev1.Event) inventory.Event {
	row := inventory.Event{
		Time: e.LastTimestamp.Time, Type: e.Type, Reason: e.Reason, Message: e.Message, Count: e.Count, Source: e.Source.Component,
		Object: strings.TrimSuffix(e.InvolvedObject.Kind+"/"+strings.TrimPrefix(e.InvolvedObject.Namespace+"/", "/")+e.InvolvedObject.Name, "/"),
	}
	if e.Series != nil {
		row.Time, row.Count = e.Series.LastObservedTime.Time, e.Series.Count
	}
	for _, at := range []time.Time{e.EventTime.Time, e.FirstTimestamp.Time, e.CreationTimestamp.Time} {
		if row.Time.IsZero() {
			row.Time = at
		}
	}
	if row.Source == "" {
		row.Source = e.ReportingController
	}
	return row
}
