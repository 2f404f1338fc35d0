package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rollbook/model"
	"rollbook/text"
)

// checkOwners names who will undo the undo.
func (c *Client) checkOwners(ctx context.Context, p *planned) []model.Check {
	all := owners(p.Workload.Kind, &p.workload.Metadata)
	lines := make([][]model.Check, len(all)+1)
	var asks []func()
	for n, o := range all {
		id := "owner." + strings.ToLower(strings.ReplaceAll(o.Manager, " ", ""))
		asks = append(asks, func() { lines[n] = c.checkOwner(ctx, id, o, p) })
	}
	asks = append(asks, func() { lines[len(all)] = c.checkReleasers(ctx, p) })
	several(asks...)
	out := slices.Concat(lines...)
	if len(out) == 0 {
		out = append(out, model.Check{ID: "owner", State: model.CheckOK, Text: "no GitOps controller, package manager or operator owns it"})
	}
	return out
}

// checkOwner tells what one owner will do about the undo.
func (c *Client) checkOwner(ctx context.Context, id string, o model.Owner, p *planned) []model.Check {
	own := func(state model.CheckState, does, more string) []model.Check {
		return []model.Check{model.OwnerCheck(id, state, o.Manager, o.Name, does, more, o.Do)}
	}
	switch {
	case o.Manager == ownerArgo && strings.HasPrefix(o.Name, "application "):
		return []model.Check{c.argo(ctx, id, o)}
	case o.Manager == ownerFlux && strings.Contains(o.Name, "/"):
		return []model.Check{c.flux(ctx, id, o, p)}
	case o.Manager == ownerHelm:
		if pending := c.helmPending(ctx, p); pending != "" {
			return []model.Check{model.OwnerCheck(id, model.CheckBlocked, o.Manager, o.Name, ", and its newest revision is "+pending+": what runs is being changed right now", "",
				"wait for the helm upgrade to end, or find out who runs it")}
		}
	case o.Manager == ownerKapp && p.workload.Metadata.Labels[kappApp] != "":
		return []model.Check{c.kapp(ctx, id, o, p)}
	case o.Manager == ownerController:
		return []model.Check{{ID: id, Do: "find out what it is, and whether it sets its own version again",
			Text: "its template was " + o.Name + ": whether that is a controller which undoes this undo is not known"}}
	case o.Manager == ownerArgo || o.Manager == ownerFlux:
		return own(model.CheckUnknown, ", by which application is not known, nor whether it undoes this undo by itself", "")
	}
	if o.Reverts {
		return own(model.CheckBlocked, undoesItself, "")
	}
	return own(model.CheckWarning, nextRelease, "")
}

// What owners do about an undo.
const (
	undoesItself = ": it will undo this undo by itself"
	nextRelease  = ": its next release puts its own version back"
	notKnown     = "; whether it does so by itself is not known: "
)

// fluxPaths are where Flux's objects are read.
var fluxPaths = map[string]string{"kustomization": "/apis/kustomize.toolkit.fluxcd.io/v1", "helmrelease": "/apis/helm.toolkit.fluxcd.io/v2"}

// flux asks Flux's object whether it puts its version back by itself. Where it cannot
// be read, what the marks say counts.
func (c *Client) flux(ctx context.Context, id string, o model.Owner, p *planned) model.Check {
	kind, name, _ := strings.Cut(o.Name, " ")
	ns, name, _ := strings.Cut(name, "/")
	own := func(state model.CheckState, does, more, do string) model.Check {
		return model.OwnerCheck(id, state, ownerFlux, o.Name, does, more, do)
	}
	body, err := c.do(ctx, call{method: http.MethodGet, path: objectPath(fluxPaths[kind], ns, kind+"s", name)})
	var x struct {
		Spec struct {
			Suspend        bool
			DriftDetection struct{ Mode string }
		}
	}
	if err == nil {
		err = json.Unmarshal(body, &x)
	}
	drift := x.Spec.DriftDetection.Mode == "enabled" && p.workload.Metadata.Annotations["helm.toolkit.fluxcd.io/driftDetection"] != "disabled"
	switch {
	case err != nil && o.Reverts:
		return own(model.CheckBlocked, undoesItself, ", if it is not suspended, which is not known: "+because(err), o.Do)
	case err != nil:
		return own(model.CheckWarning, nextRelease, notKnown+because(err), o.Do)
	case x.Spec.Suspend:
		return own(model.CheckNote, ", suspended: resuming it puts its own version back", "", "")
	case o.Reverts || drift:
		return own(model.CheckBlocked, undoesItself, "", o.Do)
	}
	return own(model.CheckWarning, nextRelease, "", o.Do)
}

// kappApp is the label that kapp leaves on all that belongs to one app of its.
const kappApp = "kapp.k14s.io/app"

// kapp asks whether kapp-controller deploys the app again by itself: its App names
// the label. In a cluster without kapp-controller somebody runs kapp by hand.
func (c *Client) kapp(ctx context.Context, id string, o model.Owner, p *planned) model.Check {
	own := func(more string) model.Check {
		return model.OwnerCheck(id, model.CheckWarning, ownerKapp, o.Name, nextRelease, more, o.Do)
	}
	const apps = "/apis/kappctrl.k14s.io/v1alpha1"
	var list struct {
		Items []struct {
			Metadata struct {
				Namespace, Name string
				OwnerReferences []struct{ Kind, Name string }
			}
			Spec   struct{ Paused, Canceled bool }
			Status struct {
				Deploy struct {
					Kapp struct {
						AssociatedResources struct{ Label string }
					}
				}
			}
		}
	}
	err := c.listInto(ctx, objectPath(apps, "", "apps", ""), nil, &list)
	hidden := apierrors.IsForbidden(err) // in the other namespaces
	if hidden {
		err = c.listInto(ctx, objectPath(apps, p.Workload.Namespace, "apps", ""), nil, &list)
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return own(notKnown + because(err))
	}
	for _, x := range list.Items {
		if x.Status.Deploy.Kapp.AssociatedResources.Label != kappApp+"="+p.workload.Metadata.Labels[kappApp] {
			continue
		}
		ns, name := text.Line(x.Metadata.Namespace), text.Line(x.Metadata.Name)
		app, pause := "app "+ns+"/"+name, "kctrl app pause -a "+name+" -n "+ns
		for _, r := range x.Metadata.OwnerReferences {
			if r.Kind == "PackageInstall" { // it sets what its App says
				pause = "kctrl package installed pause -i " + text.Line(r.Name) + " -n " + ns
			}
		}
		if x.Spec.Paused || x.Spec.Canceled {
			return model.OwnerCheck(id, model.CheckNote, "kapp-controller", app, ", paused: resuming it puts its own version back", "", "")
		}
		return model.OwnerCheck(id, model.CheckBlocked, "kapp-controller", app, undoesItself, "", pause)
	}
	if hidden {
		return own(notKnown + "you may read the apps of " + p.Workload.Namespace + " only")
	}
	return own("")
}

// helmPending returns the status of a Helm release's newest revision when an upgrade
// is under way; "" when none is, or that may not be read.
func (c *Client) helmPending(ctx context.Context, p *planned) string {
	m := &p.workload.Metadata
	name, ns := m.Annotations["meta.helm.sh/release-name"], m.Annotations["meta.helm.sh/release-namespace"]
	if name == "" || ns == "" {
		return ""
	}
	body, err := c.do(ctx, call{method: http.MethodGet, path: corePath(ns, "secrets", ""), query: url.Values{"labelSelector": {"owner=helm,name=" + name}},
		accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"})
	var list struct {
		Items []struct {
			Metadata struct{ Labels map[string]string }
		}
	}
	if err != nil || json.Unmarshal(body, &list) != nil {
		return ""
	}
	status, newest := "", 0
	for _, x := range list.Items {
		if n, err := strconv.Atoi(x.Metadata.Labels["version"]); err == nil && n > newest {
			newest, status = n, x.Metadata.Labels["status"]
		}
	}
	if strings.HasPrefix(status, "pending-") {
		return text.Line(status)
	}
	return ""
}

// checkReleasers looks for the objects that release a workload from outside: Flagger's
// Canaries and Argo Rollouts' Rollouts name it, it does not name them. Of a cluster
// that has no such kind nothing is said.
func (c *Client) checkReleasers(ctx context.Context, p *planned) (out []model.Check) {
	body, err := c.do(ctx, call{method: http.MethodGet, path: "/apis"})
	var groups struct{ Groups []struct{ Name string } }
	if err == nil {
		err = json.Unmarshal(body, &groups)
	}
	if err != nil {
		return unknown("owner.releaser", "whether Flagger or Argo Rollouts releases it", err)
	}
	type ref struct{ Kind, Name string }
	for _, r := range []struct {
		group, path, resource, kind, manager, does string
	}{
		{"flagger.app", "/apis/flagger.app/v1beta1", "canaries", "canary", "Flagger", "it takes the undo for a new release and analyses it; its primary is overwritten at the next promotion"},
		{"argoproj.io", "/apis/argoproj.io/v1alpha1", "rollouts", "rollout", "Argo Rollouts", "its Rollout decides what runs, and this workload may not serve at all"},
	} {
		if !slices.ContainsFunc(groups.Groups, func(g struct{ Name string }) bool { return g.Name == r.group }) {
			continue
		}
		var list struct {
			Items []struct {
				Metadata struct{ Name string }
				Spec     struct{ TargetRef, WorkloadRef ref }
			}
		}
		err := c.listInto(ctx, objectPath(r.path, p.Workload.Namespace, r.resource, ""), nil, &list)
		if apierrors.IsNotFound(err) {
			continue // Argo CD shares the group
		}
		id := "owner." + strings.ToLower(strings.ReplaceAll(r.manager, " ", ""))
		if err != nil {
			out = append(out, unknown(id, "whether "+r.manager+" releases it", err)...)
			continue
		}
		for _, x := range list.Items {
			for _, to := range []ref{x.Spec.TargetRef, x.Spec.WorkloadRef} {
				if to.Kind == string(p.Workload.Kind) && (to.Name == p.Workload.Name || r.group == "flagger.app" && to.Name+"-primary" == p.Workload.Name) {
					out = append(out, model.Check{ID: id, State: model.CheckBlocked, Do: "go back by " + r.manager + " instead",
						Text: r.manager + " releases it (" + r.kind + " " + text.Line(x.Metadata.Name) + "): " + r.does})
				}
			}
		}
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
	updater := ""
	own := func(state model.CheckState, does, more, do string) model.Check {
		return model.OwnerCheck(id, state, ownerArgo, o.Name, updater+does, more, do)
	}
	body, err := c.do(ctx, call{method: http.MethodGet, path: objectPath("/apis/argoproj.io/v1alpha1", ns, "applications", name)})
	if err != nil {
		why := because(err)
		if apierrors.IsNotFound(err) {
			why = "there is no application " + ns + "/" + name + " in this cluster"
		}
		return own(model.CheckWarning, "", "; whether it undoes this undo by itself is not known: "+why, o.Do)
	}
	var app struct {
		Metadata struct {
			Annotations     map[string]string
			OwnerReferences []struct{ Kind, Name string }
		}
		Spec struct {
			SyncPolicy struct {
				Automated *struct {
					Enabled  *bool
					SelfHeal bool
				}
			}
		}
	}
	if err := json.Unmarshal(body, &app); err != nil {
		return own(model.CheckWarning, "", "; its application cannot be read: "+words(err), o.Do)
	}
	do := o.Do
	for _, r := range app.Metadata.OwnerReferences {
		if r.Kind == "ApplicationSet" {
			do = "turn off its sync in applicationset " + text.Line(r.Name) + ": it would put the application back"
		}
	}
	if id := app.Metadata.Annotations["argocd.argoproj.io/tracking-id"]; id != "" {
		parent, _, _ := strings.Cut(id, ":")
		do = "turn off the sync of application " + text.Line(parent) + " too: it would put the application's own sync back"
	}
	if list := app.Metadata.Annotations["argocd-image-updater.argoproj.io/image-list"]; list != "" {
		updater = ", and its Image Updater sets the newest tag again,"
	}
	switch auto := app.Spec.SyncPolicy.Automated; {
	case auto == nil || (auto.Enabled != nil && !*auto.Enabled):
		return own(model.CheckNote, ", without automatic sync: the next sync by hand puts its own version back", "", "")
	case auto.SelfHeal:
		return own(model.CheckBlocked, " with self-heal: it will undo this undo", "", do)
	}
	return own(model.CheckWarning, " with automatic sync: the next commit undoes this undo", "", do)
}
