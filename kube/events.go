package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"rollbook/model"
	"rollbook/text"
)

// event is what is kept of an Event.
type event struct {
	named
	model.Event
	kind, object string
}

// The most events that an observation carries, and that the board keeps of one watch
// to choose them from. A namespace in which everything crash-loops has tens of
// thousands within the hour that the cluster keeps them.
const (
	shownEvents = 300
	keptEvents  = 1000
)

func fromEvent(e *corev1.Event) *event {
	k := &event{named: name(e.Namespace, e.Name), kind: intern(e.InvolvedObject.Kind), object: e.InvolvedObject.Name}
	k.Event = model.Event{At: eventTime(e), Object: text.Line(strings.ToLower(e.InvolvedObject.Kind) + "/" + e.InvolvedObject.Name),
		Type: intern(text.Line(e.Type)), Reason: intern(text.Line(e.Reason)), Message: clip(text.Line(e.Message), 500), Count: max(1, int(e.Count))}
	if e.Series != nil {
		k.Count = max(k.Count, int(e.Series.Count))
	}
	return k
}

// eventTime is when an event was last seen: the newer API keeps that in series,
// the older one in lastTimestamp.
func eventTime(e *corev1.Event) time.Time {
	switch {
	case e.Series != nil && !e.Series.LastObservedTime.IsZero():
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	}
	return e.CreationTimestamp.Time
}

func clip(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}

// recent are the newest events of the board's workloads, newest last.
func (v *view) recent() []model.Event {
	var out []model.Event
	for _, s := range v.sources {
		if s.resource != "events" {
			continue
		}
		for _, it := range s.items {
			e, _ := it.(*event)
			g := v.shows(e)
			if g == nil {
				continue
			}
			x := e.Event
			x.Component = g.line.ID
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b model.Event) int {
		if d := a.At.Compare(b.At); d != 0 {
			return d
		}
		return strings.Compare(a.Object+a.Reason+a.Message, b.Object+b.Reason+b.Message)
	})
	if len(out) > shownEvents {
		out = slices.Clone(out[len(out)-shownEvents:])
	}
	return out
}

// shows returns the workload of the board that an event is about; nil where it is
// about none.
func (v *view) shows(e *event) *group {
	g := v.groupOf(e)
	if g == nil || g.line == nil || (len(v.targets) > 0 && !v.configured(g.key)) {
		return nil
	}
	return g
}

// newest returns the events that are kept of too many: the newest, first of those
// that are about what is on the board.
func (v *view) newest(events []*event) []*event {
	if len(events) <= keptEvents {
		return events
	}
	shown := make(map[*event]bool, len(events))
	for _, e := range events {
		shown[e] = v.shows(e) != nil
	}
	slices.SortFunc(events, func(a, b *event) int {
		if shown[a] != shown[b] {
			return map[bool]int{true: -1, false: 1}[shown[a]]
		}
		return b.At.Compare(a.At)
	})
	return slices.Clone(events[:keptEvents])
}

func (v *view) configured(w model.Workload) bool {
	return slices.ContainsFunc(v.targets, func(t model.Target) bool { return t.Workload == w })
}

// groupOf finds the workload that an event is about, nil where it is not known. A
// pod that is gone is found by its name, which begins with that of its ReplicaSet.
func (v *view) groupOf(e *event) *group {
	switch e.kind {
	case "Pod":
		if p, ok := v.item("pods", e.Namespace, e.object).(*pod); ok {
			return p.in
		}
		if i := strings.LastIndexByte(e.object, '-'); i > 0 {
			if r := v.set(e.Namespace, e.object[:i]); r != nil {
				return v.groups[r.key()]
			}
			for _, k := range kindsInOrder[1:] {
				if g := v.groups[model.Workload{Kind: k, Namespace: e.Namespace, Name: e.object[:i]}]; g != nil && g.load != nil {
					return g
				}
			}
		}
	case "ReplicaSet":
		if r := v.set(e.Namespace, e.object); r != nil {
			return v.groups[r.key()]
		}
	case string(model.Deployment), string(model.StatefulSet), string(model.DaemonSet):
		return v.groups[model.Workload{Kind: model.Kind(e.kind), Namespace: e.Namespace, Name: e.object}]
	}
	return nil
}

// Events reads the events of a component and its pods, also those that Watch leaves
// out because nothing is wrong in them: the newest, at most limit. An API server gives
// events by name and not by time, so all of the namespace have to pass;
// what has not within the time of a call is told as Unread.
func (c *Client) Events(ctx context.Context, comp *model.Component, limit int) (model.Events, error) {
	var out model.Events
	cut := func() {
		slices.SortStableFunc(out.List, func(a, b model.Event) int { return a.At.Compare(b.At) })
		if over := len(out.List) - limit; over > 0 {
			out.List = append(out.List[:0], out.List[over:]...)
			out.Older += over
		}
	}
	mine, read := eventsOf(comp), 0
	err := c.eachEvent(ctx, comp.Workload.Namespace, "", func(e *corev1.Event) {
		if read++; !mine(e) {
			return
		}
		x := fromEvent(e).Event
		x.Component = comp.ID
		if out.List = append(out.List, x); len(out.List) >= 2*max(limit, pageSize) {
			cut()
		}
	})
	cut()
	switch {
	case err != nil && read == 0:
		return model.Events{}, model.Told(nil, err, "the events of %s cannot be read: %s", comp.Workload, because(err))
	case err != nil:
		out.Unread = because(err)
	}
	return out, nil
}

// eventsOf tells a component's events from others by the names of the workload, of its
// ReplicaSets and of its pods.
func eventsOf(comp *model.Component) func(*corev1.Event) bool {
	w, names := comp.Workload, map[string]bool{}
	for _, p := range comp.Pods {
		names["Pod/"+p.Name], names["ReplicaSet/"+p.Owner] = true, true
	}
	return func(e *corev1.Event) bool {
		kind, name := e.InvolvedObject.Kind, e.InvolvedObject.Name
		return (kind == string(w.Kind) && name == w.Name) || names[kind+"/"+name] ||
			((kind == "Pod" || kind == "ReplicaSet") && comp.OwnerName != "" && (name == comp.OwnerName || strings.HasPrefix(name, comp.OwnerName+"-"))) ||
			(kind == "Pod" && w.Kind != model.Deployment && strings.HasPrefix(name, w.Name+"-"))
	}
}

// eachEvent calls f for each event of a namespace that a field selector takes, in no
// order of time. No more of them than a page are in memory.
func (c *Client) eachEvent(ctx context.Context, namespace, selector string, f func(*corev1.Event)) error {
	if _, given := ctx.Deadline(); !given {
		var cancel context.CancelFunc
		ctx, cancel = c.within(ctx, readLimit) // all pages together
		defer cancel()
	}
	q := url.Values{"limit": {strconv.Itoa(pageSize)}}
	if selector != "" {
		q.Set("fieldSelector", selector)
	}
	for {
		var page corev1.EventList
		if err := c.listInto(ctx, corePath(namespace, "events", ""), q, &page); err != nil {
			return err
		}
		for i := range page.Items {
			f(&page.Items[i])
		}
		if page.Continue == "" {
			return nil
		}
		q.Set("continue", page.Continue)
	}
}

// PostEvent leaves an Event on the workload, for those who look with kubectl.
func (c *Client) PostEvent(ctx context.Context, w model.Workload, uid, words string) error {
	now := c.now().UTC()
	e := map[string]any{
		"apiVersion": "v1", "kind": "Event",
		"metadata": map[string]any{"name": fmt.Sprintf("%s.%x", w.Name, now.UnixNano()), "namespace": w.Namespace},
		"involvedObject": map[string]any{"apiVersion": "apps/v1", "kind": string(w.Kind),
			"namespace": w.Namespace, "name": w.Name, "uid": uid},
		"reason": "Rollback", "message": clip(text.Line(words), 1000), "type": "Normal", "count": 1,
		"firstTimestamp": now.Format(time.RFC3339), "lastTimestamp": now.Format(time.RFC3339),
		"source": map[string]any{"component": Manager},
	}
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, call{method: http.MethodPost, path: corePath(w.Namespace, "events", ""),
		query: url.Values{"fieldManager": {Manager}}, body: body, kind: "application/json", want: "Event"})
	if err != nil {
		return model.Told(nil, err, "no event was left on %s: %s", w, because(err))
	}
	return nil
}
