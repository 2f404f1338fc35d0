package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
	"rollbook/text"
)

// Object is one object as YAML, for evidence; Err says why it could not be had.
type Object struct {
	Kind, Name string
	YAML       string
	Err        error
}

// The most of each kind that Objects reads.
const (
	objectSets = 12 // the newest; a Deployment keeps ten old ones unless told otherwise
	objectPods = 100
)

// Objects are the workload, its ReplicaSets or ControllerRevisions, its pods and
// the ConfigMaps and Secrets that the running template and those with pods name,
// as YAML without managedFields, the last applied configuration and literal
// values of env. Of Secrets only the metadata is asked for: their data never
// leaves the API server.
func (c *Client) Objects(ctx context.Context, comp *model.Component) []Object {
	w := comp.Workload
	body, err := c.do(ctx, call{method: http.MethodGet, path: workloadPath(w)})
	if err != nil {
		return []Object{{Kind: string(w.Kind), Name: w.Name, Err: model.Told(err, nil, "%s", because(err))}}
	}
	var load object
	if err := json.Unmarshal(body, &load); err != nil {
		return []Object{{Kind: string(w.Kind), Name: w.Name, Err: fmt.Errorf("it cannot be read: %w", err)}}
	}
	out := []Object{printed(string(w.Kind), w.Name, body)}
	kind, resource := "ReplicaSet", kinds[w.Kind].revisions
	if w.Kind != model.Deployment {
		kind = "ControllerRevision"
	}
	sets, err := c.ownedRaw(ctx, appsPath(w.Namespace, resource, ""), &load, func(uid string) bool { return uid == string(load.Metadata.UID) })
	if err != nil {
		out = append(out, Object{Kind: kind, Name: "(all)", Err: model.Told(err, nil, "%s", because(err))})
	}
	owners := map[string]bool{string(load.Metadata.UID): true}
	templates := []json.RawMessage{load.template()}
	for n, s := range sets {
		owners[string(s.o.Metadata.UID)] = true
		if string(s.o.Spec["replicas"]) != "0" && s.o.template() != nil {
			templates = append(templates, s.o.template())
		}
		if n < objectSets {
			out = append(out, printed(kind, s.o.Metadata.Name, s.raw))
		}
	}
	pods, err := c.ownedRaw(ctx, corePath(w.Namespace, "pods", ""), &load, func(uid string) bool { return owners[uid] })
	if err != nil {
		out = append(out, Object{Kind: "Pod", Name: "(all)", Err: model.Told(err, nil, "%s", because(err))})
	}
	for n, p := range pods {
		if n == objectPods {
			out = append(out, Object{Kind: "Pod", Name: fmt.Sprintf("(%d more)", len(pods)-n), Err: fmt.Errorf("over the bound of %d pods", objectPods)})
			break
		}
		out = append(out, printed("Pod", p.o.Metadata.Name, p.raw))
	}
	return append(out, c.named(ctx, w.Namespace, templates)...)
}

// named are the ConfigMaps, and the metadata of the Secrets, that templates name.
func (c *Client) named(ctx context.Context, namespace string, templates []json.RawMessage) []Object {
	var all []ref
	for _, raw := range templates {
		t, err := typed(raw)
		if err != nil {
			continue // the object itself, which is kept, says it better
		}
		for _, r := range refs(t) {
			if (r.kind == "configmap" || r.kind == "secret") && !slices.Contains(all, r) {
				all = append(all, r)
			}
		}
	}
	out := make([]Object, len(all))
	turn := make(chan struct{}, refsAtATime)
	fs := make([]func(), len(all))
	for i, r := range all {
		fs[i] = func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			q := call{method: http.MethodGet, path: corePath(namespace, r.resource, r.name)}
			kind := "ConfigMap"
			if r.kind == "secret" {
				kind, q.accept = "Secret", partial
			}
			body, err := c.do(ctx, q)
			if err != nil {
				out[i] = Object{Kind: kind, Name: text.Line(r.name), Err: model.Told(err, nil, "%s", because(err))}
				return
			}
			out[i] = printed(kind, r.name, body)
		}
	}
	several(fs...)
	return out
}

// rawObject is an object as the API server sent it, and what of it is needed.
type rawObject struct {
	raw json.RawMessage
	o   object
}

// ownedRaw lists what is selected as the workload's and has an owner that is
// meant, newest first.
func (c *Client) ownedRaw(ctx context.Context, path string, by *object, meant func(uid string) bool) ([]rawObject, error) {
	var ls metav1.LabelSelector
	if err := json.Unmarshal(by.Spec["selector"], &ls); err != nil {
		return nil, fmt.Errorf("the selector of %s cannot be read: %w", by.Metadata.Name, err)
	}
	sel, err := metav1.LabelSelectorAsSelector(&ls)
	if err != nil {
		return nil, fmt.Errorf("the selector of %s cannot be read: %w", by.Metadata.Name, err)
	}
	body, err := c.do(ctx, call{method: http.MethodGet, path: path, query: url.Values{"labelSelector": {sel.String()}}})
	if err != nil {
		return nil, err
	}
	var items struct{ Items []json.RawMessage }
	if err := json.Unmarshal(body, &items); err != nil {
		return nil, fmt.Errorf("the list cannot be read: %w", err)
	}
	var out []rawObject
	for _, raw := range items.Items {
		r := rawObject{raw: raw}
		if err := json.Unmarshal(raw, &r.o); err != nil {
			return nil, fmt.Errorf("the list cannot be read: %w", err)
		}
		if ref := metav1.GetControllerOfNoCopy(&r.o.Metadata); ref != nil && meant(string(ref.UID)) {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b rawObject) int {
		return b.o.Metadata.CreationTimestamp.Compare(a.o.Metadata.CreationTimestamp.Time)
	})
	return out, nil
}

// printed is an object as YAML. Secrets have been asked for without their data;
// should a server send it all the same, it goes here.
func printed(kind, name string, raw []byte) Object {
	out := Object{Kind: kind, Name: text.Line(name)}
	v, err := tree(raw)
	if err != nil {
		out.Err = fmt.Errorf("it cannot be read: %w", err)
		return out
	}
	o := object2(v)
	if o["kind"] == nil || kind == "Secret" { // items of a list lack it, and a PartialObjectMetadata is no kind to look for
		o["kind"], o["apiVersion"] = kind, "v1"
		if kind == "ReplicaSet" || kind == "ControllerRevision" {
			o["apiVersion"] = "apps/v1"
		}
	}
	if kind == "Secret" {
		delete(o, "data")
		delete(o, "stringData")
	}
	out.YAML, out.Err = asYAML(o)
	return out
}
