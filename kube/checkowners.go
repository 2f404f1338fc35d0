package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rollbook/model"
	"rollbook/text"
)

// checkOwners names who will undo the undo.
func (c *Client) checkOwners(ctx context.Context, p *planned) []model.Check {
	var out []model.Check
	for _, o := range owners(p.Workload.Kind, &p.workload.Metadata) {
		id := "owner." + strings.ToLower(strings.ReplaceAll(o.Manager, " ", ""))
		if o.Manager == "Argo CD" {
			out = append(out, c.argo(ctx, id, o))
			continue
		}
		ch := model.Check{ID: id, State: model.CheckWarning, Do: o.Do,
			Text: o.Manager + " owns it (" + o.Name + "): its next release puts its own version back"}
		if o.Reverts {
			ch.State, ch.Text = model.CheckBlocked, o.Manager+" owns it ("+o.Name+"): it will undo this undo by itself"
		}
		out = append(out, ch)
	}
	if len(out) == 0 {
		out = append(out, model.Check{ID: "owner", State: model.CheckOK, Text: "no GitOps controller, package manager or operator owns it"})
	}
	return out
}

// argo asks Argo CD's Application whether it heals itself. Where that cannot be
// read it is unknown, not harmless.
func (c *Client) argo(ctx context.Context, id string, o model.Owner) model.Check {
	name, ns := strings.TrimPrefix(o.Name, "application "), "argocd"
	if a, b, ok := strings.Cut(name, "/"); ok {
		ns, name = a, b
	}
	own := "Argo CD owns it (" + o.Name + ")"
	body, err := c.do(ctx, call{method: http.MethodGet, path: objectPath("/apis/argoproj.io/v1alpha1", ns, "applications", name)})
	if err != nil {
		why := because(err)
		if apierrors.IsNotFound(err) {
			why = "there is no application " + ns + "/" + name + " in this cluster"
		}
		return model.Check{ID: id, State: model.CheckWarning, Do: o.Do,
			Text: own + "; whether it undoes this undo by itself is not known: " + why}
	}
	var app struct {
		Metadata struct{ OwnerReferences []struct{ Kind, Name string } }
		Spec     struct {
			SyncPolicy struct {
				Automated *struct {
					Enabled  *bool
					SelfHeal bool
				}
			}
		}
	}
	if err := json.Unmarshal(body, &app); err != nil {
		return model.Check{ID: id, State: model.CheckWarning, Do: o.Do, Text: own + "; its application cannot be read: " + words(err)}
	}
	do := o.Do
	for _, r := range app.Metadata.OwnerReferences {
		if r.Kind == "ApplicationSet" {
			do = "turn off its sync in applicationset " + text.Line(r.Name) + ": it would put the application back"
		}
	}
	switch auto := app.Spec.SyncPolicy.Automated; {
	case auto == nil || (auto.Enabled != nil && !*auto.Enabled):
		return model.Check{ID: id, State: model.CheckNote, Text: own + ", without automatic sync: the next sync by hand puts its own version back"}
	case auto.SelfHeal:
		return model.Check{ID: id, State: model.CheckBlocked, Do: do, Text: own + " with self-heal: it will undo this undo"}
	}
	return model.Check{ID: id, State: model.CheckWarning, Do: do, Text: own + " with automatic sync: the next commit undoes this undo"}
}
