package kube

import (
	"cmp"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
	"rollbook/text"
)

// owners names who else writes a workload, by the marks that they leave on it and by
// the names under which they write its template.
// A mark that was copied from another object (Argo CD's tracking id names its
// own) does not count.
func owners(kind model.Kind, m *metav1.ObjectMeta) []model.Owner {
	var out []model.Owner
	add := func(manager, name string, reverts bool, do string) {
		out = append(out, model.Owner{Manager: manager, Name: text.Line(name), Reverts: reverts, Do: text.Line(do)})
	}
	ann, lab := m.Annotations, m.Labels

	if id := ann["argocd.argoproj.io/tracking-id"]; id != "" {
		app, rest, ok := strings.Cut(id, ":")
		if ok && rest == fmt.Sprintf("apps/%s:%s/%s", kind, m.Namespace, m.Name) {
			app = strings.ReplaceAll(app, "_", "/") // namespace_name of an application outside Argo CD's own namespace
			// Whether it heals itself, its application tells.
			add(ownerArgo, "application "+app, false, "argocd app set "+app+" --sync-policy none")
		}
	} else if app := lab["argocd.argoproj.io/instance"]; app != "" {
		add(ownerArgo, "application "+app, false, "argocd app set "+app+" --sync-policy none")
	}
	if name := lab["kustomize.toolkit.fluxcd.io/name"]; name != "" {
		ns := lab["kustomize.toolkit.fluxcd.io/namespace"]
		off := ann["kustomize.toolkit.fluxcd.io/reconcile"] == "disabled" || ann["kustomize.toolkit.fluxcd.io/ssa"] == "Ignore" || ann["kustomize.toolkit.fluxcd.io/ssa"] == "IfNotPresent"
		add(ownerFlux, "kustomization "+ns+"/"+name, !off, "flux suspend kustomization "+name+" -n "+ns)
	}
	helm := ""
	if name := lab["helm.toolkit.fluxcd.io/name"]; name != "" {
		ns := lab["helm.toolkit.fluxcd.io/namespace"]
		add(ownerFlux, "helmrelease "+ns+"/"+name, false,
			"flux suspend helmrelease "+name+" -n "+ns+" (it reverts where driftDetection is enabled, and at its next release)")
		helm = name
	}
	if name := ann["meta.helm.sh/release-name"]; name != "" && helm == "" {
		ns := ann["meta.helm.sh/release-namespace"]
		add(ownerHelm, "release "+name+" in "+ns, false,
			"tell whoever runs helm upgrade: the next one sets its own version again")
	} else if lab["app.kubernetes.io/managed-by"] == "Helm" && helm == "" && name == "" {
		add(ownerHelm, "release "+lab["app.kubernetes.io/instance"], false, "")
	}
	if app := lab[kappApp]; app != "" {
		// Whether kapp-controller deploys it again by itself, its App tells.
		add(ownerKapp, "app "+app, false, "the next kapp deploy sets its own version again")
	}
	if id := ann["objectset.rio.cattle.io/id"]; id != "" {
		add("Fleet", "bundle "+ann["objectset.rio.cattle.io/owner-name"], false,
			"it reverts where the bundle has correctDrift enabled")
	}
	if name := lab["olm.owner"]; name != "" {
		add("OLM", lab["olm.owner.kind"]+" "+name, true, "change the operator's ClusterServiceVersion or subscription instead")
	}
	keel := func(key string) string { return cmp.Or(ann["keel.sh/"+key], lab["keel.sh/"+key]) }
	if policy := keel("policy"); policy != "" && policy != "never" {
		// It polls where it is told to, else it waits for the registry's next word; and
		// where somebody has to approve, it asks first.
		asks := cmp.Or(keel("approvals"), "0") != "0"
		add("keel", "policy "+policy, keel("trigger") == "poll" && !asks, "it sets the newest tag again: set keel.sh/policy to never")
	}
	for i := range m.OwnerReferences {
		if o := &m.OwnerReferences[i]; o.Controller != nil && *o.Controller {
			add("operator", strings.ToLower(o.Kind)+"/"+o.Name, true,
				"its controller sets its own version again: change "+strings.ToLower(o.Kind)+"/"+o.Name+" instead, or stop its operator")
		}
	}
	for _, o := range append(imageTriggers(kind, m), writersOf(m, out)...) {
		add(o.Manager, o.Name, o.Reverts, o.Do)
	}
	return out
}
