package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
	"rollbook/text"
)

// ref is an object that a pod template names and its pods cannot start without.
type ref struct{ resource, kind, name string }

// refs are the ConfigMaps, Secrets, claims and the ServiceAccount that a
// template names; optional ones are left out.
func refs(t *corev1.PodTemplateSpec) []ref {
	var out []ref
	add := func(resource, kind, name string, optional *bool) {
		r := ref{resource, kind, name}
		if name != "" && (optional == nil || !*optional) && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	config := func(name string, optional *bool) { add("configmaps", "configmap", name, optional) }
	secret := func(name string, optional *bool) { add("secrets", "secret", name, optional) }
	for _, list := range [][]corev1.Container{t.Spec.InitContainers, t.Spec.Containers} {
		for i := range list {
			for _, e := range list[i].EnvFrom {
				if e.ConfigMapRef != nil {
					config(e.ConfigMapRef.Name, e.ConfigMapRef.Optional)
				}
				if e.SecretRef != nil {
					secret(e.SecretRef.Name, e.SecretRef.Optional)
				}
			}
			for _, e := range list[i].Env {
				if e.ValueFrom == nil {
					continue
				}
				if k := e.ValueFrom.ConfigMapKeyRef; k != nil {
					config(k.Name, k.Optional)
				}
				if k := e.ValueFrom.SecretKeyRef; k != nil {
					secret(k.Name, k.Optional)
				}
			}
		}
	}
	for i := range t.Spec.Volumes {
		v := &t.Spec.Volumes[i]
		if v.ConfigMap != nil {
			config(v.ConfigMap.Name, v.ConfigMap.Optional)
		}
		if v.Secret != nil {
			secret(v.Secret.SecretName, v.Secret.Optional)
		}
		if v.PersistentVolumeClaim != nil {
			add("persistentvolumeclaims", "claim", v.PersistentVolumeClaim.ClaimName, nil)
		}
		if v.Projected != nil {
			for _, s := range v.Projected.Sources {
				if s.ConfigMap != nil {
					config(s.ConfigMap.Name, s.ConfigMap.Optional)
				}
				if s.Secret != nil {
					secret(s.Secret.Name, s.Secret.Optional)
				}
			}
		}
	}
	if n := t.Spec.ServiceAccountName; n != "default" {
		add("serviceaccounts", "serviceaccount", n, nil)
	}
	return out
}

// refsAtATime is how many are asked for at the same time.
const refsAtATime = 8

// checkRefs looks for everything that the target template needs: what is gone
// blocks, what changed since the target served is not rolled back.
func (c *Client) checkRefs(ctx context.Context, p *planned, sets []*object) []model.Check {
	t, err := typed(p.template)
	if err != nil {
		return unknown("refs", "what it needs", err)
	}
	all := refs(t)
	if len(all) == 0 {
		return []model.Check{{ID: "refs", State: model.CheckOK, Text: p.To.Label + " needs no configmap, secret or claim"}}
	}
	end := servedUntil(p, sets)
	results := make([]model.Check, len(all))
	turn := make(chan struct{}, refsAtATime)
	fs := make([]func(), 0, len(all))
	for i, r := range all {
		fs = append(fs, func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			results[i] = c.checkRef(ctx, p, r, end)
		})
	}
	several(fs...)
	var there []string
	var out []model.Check
	for i, ch := range results {
		if ch.State == model.CheckOK {
			there = append(there, all[i].kind+" "+text.Line(all[i].name))
			continue
		}
		out = append(out, ch)
	}
	if len(there) > 0 {
		out = append([]model.Check{{ID: "refs", State: model.CheckOK, Text: "still there: " + clip(strings.Join(there, ", "), 200)}}, out...)
	}
	return out
}

// withRelease is how long before a workload its pipeline may write what the workload reads:
// what is changed that shortly before the target was replaced is of the release that came.
const withRelease = time.Minute

// wroteSince reports whether what was written at a time may be other than what a version
// read that began and ended then: written after its end, or with the release that ended it,
// and not before its own begin. An end of zero means that it runs, or that nothing tells.
func wroteSince(at, began, end time.Time) bool {
	return !end.IsZero() && at.After(end.Add(-withRelease)) && at.After(began)
}

// lastWritten returns when an object was written last, and by whom, where that is known.
func (c *Client) lastWritten(ctx context.Context, namespace string, r ref) (by string, at time.Time, err error) {
	body, err := c.do(ctx, call{method: http.MethodGet, path: corePath(namespace, r.resource, r.name), accept: partial})
	if err != nil {
		return "", time.Time{}, err
	}
	var o struct{ Metadata metav1.ObjectMeta }
	if err := json.Unmarshal(body, &o); err != nil {
		return "", time.Time{}, err
	}
	if by, at = lastWrite(o.Metadata.ManagedFields); at.IsZero() {
		at = o.Metadata.CreationTimestamp.Time
	}
	return by, at, nil
}

func (c *Client) checkRef(ctx context.Context, p *planned, r ref, end time.Time) model.Check {
	name := text.Line(r.name)
	by, at, err := c.lastWritten(ctx, p.Workload.Namespace, r)
	switch {
	case apierrors.IsNotFound(err):
		return model.Check{ID: r.kind + ".gone:" + name, State: model.CheckBlocked,
			Text: fmt.Sprintf("%s %s is gone: pods of %s cannot start without it", r.kind, name, p.To),
			Do:   fmt.Sprintf("make %s %s again, or choose another revision", r.kind, name)}
	case err != nil:
		return unknown(r.kind+":"+name, fmt.Sprintf("whether %s %s is still there", r.kind, name), err)[0]
	}
	ok := model.Check{ID: "refs", State: model.CheckOK}
	if r.kind != "configmap" && r.kind != "secret" {
		return ok
	}
	if !wroteSince(at, p.target.Metadata.CreationTimestamp.Time, end) {
		return ok
	}
	who := ""
	if by != "" {
		who = " by " + by
	}
	return model.Check{ID: r.kind + ".changed:" + name, State: model.CheckWarning,
		Text: fmt.Sprintf("%s %s changed %s ago%s: %s will read the new one", r.kind, name, model.Age(c.now(), at), who, p.To)}
}

// servedUntil is when the target stopped being the running revision: when the
// next one began. Zero when nothing tells, or when it is running.
func servedUntil(p *planned, sets []*object) time.Time {
	_, at := templateOwner(p.workload.Metadata.ManagedFields)
	running := runningOf(p.workload, sets)
	var end time.Time
	for _, s := range sets {
		n, ok := s.number()
		if !ok || n <= p.ToNumber {
			continue
		}
		start, back := s.Metadata.CreationTimestamp.Time, s.Metadata.Annotations[annHistory] != ""
		switch {
		case (back || len(s.Data) > 0) && s == running && !at.IsZero():
			start = at
		case back, start.Before(p.target.Metadata.CreationTimestamp.Time): // a ControllerRevision does not say that it came back
			continue // at a time that nothing tells
		}
		if end.IsZero() || start.Before(end) {
			end = start
		}
	}
	return end
}

// stays is what a rollback does not bring back.
func stays(p *planned, comp *model.Component, lines []model.Check) []string {
	var out []string
	if p.kind.scaled {
		want := comp.Desired
		_ = json.Unmarshal(p.workload.Spec["replicas"], &want)
		out = append(out, fmt.Sprintf("replicas %d", want))
	}
	said := map[string]bool{}
	for _, ch := range lines {
		if kind, name, gone := strings.Cut(ch.ID, ".gone:"); gone {
			said[kind+" "+name] = true
		}
		if kind, name, ok := strings.Cut(ch.ID, ".changed:"); ok {
			said[kind+" "+name] = true
			_, when, _ := strings.Cut(ch.Text, " changed ")
			when, _, _ = strings.Cut(when, ":")
			out = append(out, fmt.Sprintf("%s %s (changed %s)", kind, name, when))
		}
	}
	if t, err := typed(p.template); err == nil {
		for _, r := range refs(t) {
			if s := r.kind + " " + text.Line(r.name); (r.kind == "configmap" || r.kind == "secret") && !said[s] {
				out = append(out, s)
			}
		}
	}
	return append(out, "schema")
}
