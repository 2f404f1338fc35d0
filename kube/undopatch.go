package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rollbook/model"
	"rollbook/text"
)

// operation is one of a JSON patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// test makes the whole patch fail where the value is another one; nil = there is none.
func test(path string, value any) any {
	return struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}{"test", path, value}
}

// pointer is the path of one key of an object in a JSON patch.
func pointer(parent, key string) string {
	return parent + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

// body is the JSON patch. It begins by testing all that the plan is made of, so
// that it lands on nothing else. The resourceVersion is not among that: status,
// replicas and other people's annotations move it faster than it can be read.
func (p *planned) body() ([]byte, error) {
	o := p.workload
	ops := []any{test("/metadata/uid", o.Metadata.UID)}
	for _, k := range slices.Sorted(maps.Keys(o.Spec)) {
		if k != "replicas" {
			ops = append(ops, test(pointer("/spec", k), o.Spec[k]))
		}
	}
	for _, k := range []string{"minReadySeconds", "paused"} { // left out where they say nothing
		if _, is := o.Spec[k]; !is {
			ops = append(ops, test(pointer("/spec", k), nil))
		}
	}
	if p.kind.annotated {
		tests, writes := annotate(o.Metadata.Annotations, p.annotations)
		ops = append(append(ops, tests...), writes...)
	}
	ops = append(ops, operation{"replace", "/spec/template", p.template})
	if p.Unpause {
		ops = append(ops, operation{"replace", "/spec/paused", false})
	}
	return json.Marshal(ops)
}

// annotate turns the annotations that are there into those that are wanted, key by
// key: one that somebody adds meanwhile, and those of the controller, stay. Those
// that the plan is made of are tested.
func annotate(now, want map[string]string) (tests, writes []any) {
	const all = "/metadata/annotations"
	if now == nil {
		if len(want) == 0 {
			return nil, nil
		}
		return []any{test(all, nil)}, []any{operation{"add", all, want}}
	}
	counts := withoutController(now)
	for _, k := range slices.Sorted(maps.Keys(now)) {
		v, wanted := want[k]
		if _, is := counts[k]; is {
			tests = append(tests, test(pointer(all, k), now[k]))
		}
		switch {
		case !wanted:
			writes = append(writes, operation{"remove", pointer(all, k), nil})
		case v != now[k]:
			writes = append(writes, operation{"replace", pointer(all, k), v})
		}
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if _, is := now[k]; !is {
			tests = append(tests, test(pointer(all, k), nil))
			writes = append(writes, operation{"add", pointer(all, k), want[k]})
		}
	}
	return tests, writes
}

// patch sends the write, once, and believes no answer but that of the workload as
// it was written.
func (c *Client) patch(ctx context.Context, p *planned) (*undoReceipt, error) {
	answer, err := c.sendPatch(ctx, p, nil)
	if err != nil {
		return nil, err
	}
	o := &object{}
	if err := json.Unmarshal(answer, o); err != nil {
		return nil, &unreached{err: errForeign, text: "the answer could not be read: " + text.Line(err.Error())}
	}
	hash, why := p.accepted(o)
	if why != "" {
		return nil, &unreached{err: errForeign, text: "the answer is " + why}
	}
	w := &undoReceipt{ResourceVersion: o.Metadata.ResourceVersion, Generation: o.Metadata.Generation, TemplateHash: hash}
	if hash != p.ToHash {
		if hash == p.FromHash {
			return nil, model.Told(model.ErrRefused, nil, "admission put the template back that runs: the write had no effect")
		}
		w.Admitted = cmp.Or(someOf(changesOf(p.target.template(), o.template())), "in a way that is not shown")
	}
	return w, nil
}

// accepted checks that the API server's answer is the workload after the write, and
// returns the hash of its template; why is what it is instead.
func (p *planned) accepted(o *object) (hash, why string) {
	m := &o.Metadata
	switch {
	case m.Name != p.Workload.Name || m.Namespace != p.Workload.Namespace:
		return "", "about " + text.Line(m.Namespace+"/"+m.Name)
	case string(m.UID) != p.UID:
		return "", "about another " + string(p.Workload.Kind) + " of that name"
	case m.ResourceVersion == "":
		return "", "without a resourceVersion"
	case m.ResourceVersion == p.workload.Metadata.ResourceVersion:
		return "", "as it was before the write"
	}
	hash, err := hashOf(o.template())
	if err != nil {
		return "", "without a pod template"
	}
	return hash, ""
}

// overtaken reports whether the API server refused a write because what it rests on
// changed after it was read. A failed test is told without any detail.
func overtaken(err error) bool {
	if apierrors.IsConflict(err) {
		return true
	}
	var st apierrors.APIStatus
	if !errors.As(err, &st) || st.Status().Code != http.StatusUnprocessableEntity {
		return false
	}
	d := st.Status().Details
	return d == nil || d.Name == "" && len(d.Causes) == 0
}

func (c *Client) sendPatch(ctx context.Context, p *planned, query url.Values) ([]byte, error) {
	body, err := p.body()
	if err != nil {
		return nil, notSent{err}
	}
	q := url.Values{"fieldManager": {Manager}}
	for k, v := range query {
		q[k] = v
	}
	return c.sendWrite(ctx, call{method: http.MethodPatch, path: workloadPath(p.Workload), query: q,
		body: body, kind: "application/json-patch+json", want: string(p.Workload.Kind), limit: writeLimit})
}
