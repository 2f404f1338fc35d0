package kube

import (
	"bytes"
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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
	"rollbook/text"
)

// object is a workload, ReplicaSet or ControllerRevision as the API server sent
// it. Its spec is kept as raw JSON, so that fields which this program does not
// know survive being written back.
type object struct {
	Metadata metav1.ObjectMeta          `json:"metadata"`
	Spec     map[string]json.RawMessage `json:"spec"`
	Status   json.RawMessage            `json:"status"`
	Data     json.RawMessage            `json:"data"`     // ControllerRevision
	Revision int64                      `json:"revision"` // ControllerRevision
}

// template is the pod template in its raw form.
func (o *object) template() json.RawMessage { return o.Spec["template"] }

func (o *object) paused() bool { return string(o.Spec["paused"]) == "true" }

// number is the revision annotation of a Deployment or a ReplicaSet, or a
// ControllerRevision's own; a missing one is revision 0, as for kubectl. ok is false
// for one that is no number.
func (o *object) number() (n int64, ok bool) {
	if len(o.Data) > 0 {
		return o.Revision, true
	}
	v, is := o.Metadata.Annotations[annRevision]
	if !is {
		return 0, true
	}
	n, err := strconv.ParseInt(v, 10, 64)
	return n, err == nil
}

// typed decodes a raw template; fields that are not known are lost, so what
// comes of it is never written.
func typed(raw json.RawMessage) (*corev1.PodTemplateSpec, error) {
	t := &corev1.PodTemplateSpec{}
	if err := json.Unmarshal(raw, t); err != nil {
		return nil, fmt.Errorf("the pod template cannot be read: %w", err)
	}
	return t, nil
}

// bare is the raw template less the hash label that the controller adds.
func bare(raw json.RawMessage) (json.RawMessage, error) {
	var t, m, l map[string]json.RawMessage
	if err := json.Unmarshal(raw, &t); err != nil {
		return nil, fmt.Errorf("the pod template cannot be read: %w", err)
	}
	// A template without metadata or labels has no hash either.
	_ = json.Unmarshal(t["metadata"], &m)
	_ = json.Unmarshal(m["labels"], &l)
	if _, ok := l[labelHash]; !ok {
		return raw, nil
	}
	delete(l, labelHash)
	var err error
	if m["labels"], err = json.Marshal(l); err != nil {
		return nil, err
	}
	if t["metadata"], err = json.Marshal(m); err != nil {
		return nil, err
	}
	return json.Marshal(t)
}

// tree decodes JSON with its numbers as they are written.
func tree(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// guard is what a plan holds on to: spec less replicas, annotations less those
// of the Deployment controller. Status and the number of replicas move all the
// time, and do not age a plan.
func (o *object) guard() (string, error) {
	spec := map[string]any{}
	for k, raw := range o.Spec {
		if k == "replicas" {
			continue
		}
		v, err := tree(raw)
		if err != nil {
			return "", fmt.Errorf("spec.%s cannot be read: %w", k, err)
		}
		spec[k] = v
	}
	return model.Digest(spec, withoutController(o.Metadata.Annotations)), nil
}

func withoutController(annotations map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range annotations {
		if !strings.HasPrefix(k, "deployment.kubernetes.io/") {
			out[k] = v
		}
	}
	return out
}

// hashOf is templateHash of a raw template, the same that the board has.
func hashOf(raw json.RawMessage) (string, error) {
	t, err := typed(raw)
	if err != nil {
		return "", err
	}
	return templateHash(t), nil
}

// kindOf are the kinds of the resources of the group apps that are read.
var kindOf = map[string]string{"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet",
	"replicasets": "ReplicaSet", "controllerrevisions": "ControllerRevision"}

// get reads one object of the group apps.
func (c *Client) get(ctx context.Context, namespace, resource, name string) (*object, error) {
	body, err := c.do(ctx, call{method: http.MethodGet, path: appsPath(namespace, resource, name), want: kindOf[resource]})
	if err != nil {
		return nil, err
	}
	o := &object{}
	if err := json.Unmarshal(body, o); err != nil {
		return nil, fmt.Errorf("%s %s/%s cannot be read: %w", resource, namespace, name, err)
	}
	if m := &o.Metadata; m.Name != name || m.Namespace != namespace || m.UID == "" {
		return nil, &unreached{err: errForeign, text: fmt.Sprintf("the answer is not %s %s/%s, but %q", resource, namespace, name, text.Line(m.Namespace+"/"+m.Name))}
	}
	return o, nil
}

// read reads a workload and its revisions, oldest first: at the same time, where the
// workload's selector is known from an earlier read.
func (c *Client) read(ctx context.Context, w model.Workload) (o *object, revs []*object, err error) {
	k := kinds[w.Kind]
	known, _ := c.selectors.Load(w)
	guess, _ := known.(string)
	var errRevs error
	several(
		func() { o, err = c.get(ctx, w.Namespace, w.Kind.Resource(), w.Name) },
		func() {
			if guess != "" {
				revs, errRevs = c.list(ctx, w.Namespace, k.revisions, guess)
			}
		})
	if err != nil {
		return nil, nil, err
	}
	selector, err := o.selector()
	if err != nil {
		return nil, nil, err
	}
	c.selectors.Store(w, selector)
	if selector != guess {
		revs, errRevs = c.list(ctx, w.Namespace, k.revisions, selector)
	}
	if errRevs != nil {
		return nil, nil, errRevs
	}
	revs, err = o.owned(revs)
	return o, revs, err
}

// selector returns a workload's selector as it stands in a query.
func (o *object) selector() (string, error) {
	var ls metav1.LabelSelector
	if err := json.Unmarshal(o.Spec["selector"], &ls); err != nil {
		return "", fmt.Errorf("the selector of %s cannot be read: %w", o.Metadata.Name, err)
	}
	sel, err := metav1.LabelSelectorAsSelector(&ls)
	if err != nil {
		return "", fmt.Errorf("the selector of %s cannot be read: %w", o.Metadata.Name, err)
	}
	return sel.String(), nil
}

// list lists the objects of a kind by a selector.
func (c *Client) list(ctx context.Context, namespace, resource, selector string) ([]*object, error) {
	body, err := c.do(ctx, call{method: http.MethodGet, path: appsPath(namespace, resource, ""),
		query: url.Values{"labelSelector": {selector}}, want: kindOf[resource] + "List"})
	if err != nil {
		return nil, err
	}
	var all struct{ Items []*object }
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("%s in %s cannot be read: %w", resource, namespace, err)
	}
	return all.Items, nil
}

// owned returns those of some objects that a workload controls, oldest first, as
// kubectl does.
func (o *object) owned(all []*object) ([]*object, error) {
	var out []*object
	for _, x := range all {
		if ref := metav1.GetControllerOfNoCopy(&x.Metadata); ref != nil && ref.UID == o.Metadata.UID {
			out = append(out, x)
		}
	}
	for _, x := range out {
		if err := x.unpackTemplate(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b *object) int {
		if d := a.Metadata.CreationTimestamp.Compare(b.Metadata.CreationTimestamp.Time); d != 0 {
			return d
		}
		return strings.Compare(a.Metadata.Name, b.Metadata.Name)
	})
	return out, nil
}

// unpackTemplate gives a ControllerRevision, whose data is a patch that holds the
// whole template, its template where a ReplicaSet has it.
func (o *object) unpackTemplate() error {
	if len(o.Data) == 0 {
		return nil
	}
	var data struct {
		Spec struct{ Template json.RawMessage }
	}
	if err := json.Unmarshal(o.Data, &data); err != nil || len(data.Spec.Template) == 0 {
		return fmt.Errorf("controllerrevision %s holds no pod template", o.Metadata.Name)
	}
	var t map[string]json.RawMessage
	if err := json.Unmarshal(data.Spec.Template, &t); err != nil {
		return fmt.Errorf("controllerrevision %s holds no pod template: %w", o.Metadata.Name, err)
	}
	delete(t, "$patch")
	raw, err := json.Marshal(t)
	if err != nil {
		return err
	}
	o.Spec = map[string]json.RawMessage{"template": raw}
	return nil
}

// revision reads one revision of a workload by its name.
func (c *Client) revision(ctx context.Context, k kind, namespace, name string) (*object, error) {
	o, err := c.get(ctx, namespace, k.revisions, name)
	if err != nil {
		return nil, err
	}
	return o, o.unpackTemplate()
}

// progressing is the time of the Progressing condition's last update.
func (o *object) progressing() time.Time {
	var st struct {
		Conditions []struct {
			Type           string
			LastUpdateTime metav1.Time
		}
	}
	_ = json.Unmarshal(o.Status, &st) // without a status there is no condition
	for _, c := range st.Conditions {
		if c.Type == "Progressing" {
			return c.LastUpdateTime.Time
		}
	}
	return time.Time{}
}

func workloadPath(w model.Workload) string { return appsPath(w.Namespace, w.Kind.Resource(), w.Name) }
