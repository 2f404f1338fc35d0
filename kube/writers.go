package kube

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
)

// Managers of owners that checks ask more about, or that are told in another way.
const (
	ownerArgo       = "Argo CD"
	ownerFlux       = "Flux"
	ownerHelm       = "Helm"
	ownerKapp       = "kapp"
	ownerController = "a controller" // one that is not known
)

// writer is a controller that is known by the field manager under which it writes a
// pod template: some leave no other mark.
type writer struct {
	is      func(manager string) bool
	manager string // of the owner
	reverts bool
	do      string
}

func exactly(names ...string) func(string) bool {
	return func(m string) bool { return slices.Contains(names, m) }
}

func begins(prefixes ...string) func(string) bool {
	return func(m string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(m, p) })
	}
}

// writers are looked through in their order.
var writers = []writer{
	{is: exactly("rollbook", "kube-controller-manager")}, // no owners
	{is: begins("kubectl")},
	{is: exactly("argocd-controller", "argocd-application-controller"), manager: ownerArgo},
	{is: exactly("kustomize-controller"), manager: ownerFlux, do: "flux get kustomizations -A, then suspend the one that applies it"},
	{is: exactly("helm-controller"), manager: ownerFlux, do: "flux get helmreleases -A, then suspend the one that applies it"},
	{is: begins("fleetagent", "fleet-agent"), manager: "Fleet", do: "it reverts where the bundle has correctDrift enabled"},
	{is: begins("rollouts-controller", "argo-rollouts"), manager: "Argo Rollouts", reverts: true, do: "undo the Rollout instead: kubectl argo rollouts undo"},
	{is: begins("flagger"), manager: "Flagger", reverts: true, do: "change the Canary's target instead"},
	{is: begins("keel"), manager: "keel", do: "it sets the newest tag again: set keel.sh/policy to never"},
	{is: begins("argocd-image-updater"), manager: "Argo CD Image Updater", do: "it sets the newest tag again: take the image off its list"},
	{is: begins("kapp"), manager: ownerKapp, do: "the next kapp deploy sets its own version again"},
	{is: begins("Terraform", "terraform", "HashiCorp", "OpenTofu", "opentofu"), manager: "Terraform", do: "tell whoever runs terraform apply: the next one sets its own version again"},
	{is: begins("pulumi"), manager: "Pulumi", do: "tell whoever runs pulumi up: the next one sets its own version again"},
	{is: begins("crossplane", "provider-kubernetes"), manager: "Crossplane", reverts: true, do: "change its composition or claim instead"},
	{is: begins("openshift-controller-manager", "image-trigger"), manager: "OpenShift", do: "oc set triggers --manual on the workload"},
	{is: begins("cnrm", "config-connector", "configsync", "reconciler-manager"), manager: "Config Sync", reverts: true, do: "stop its sync, or change its source"},
	{is: func(m string) bool {
		m = strings.ToLower(m)
		return m == "manager" || strings.Contains(m, "controller") || strings.Contains(m, "operator") || strings.Contains(m, "reconciler") || strings.HasSuffix(m, "-agent")
	}, manager: ownerController},
}

// writersOf returns the controllers among those who own fields of the pod template,
// but for those that are known by a mark of theirs.
func writersOf(m *metav1.ObjectMeta, marked []model.Owner) (out []model.Owner) {
	for i := range m.ManagedFields {
		e := &m.ManagedFields[i]
		at := slices.IndexFunc(writers, func(w writer) bool { return w.is(e.Manager) })
		if at < 0 || writers[at].manager == "" || e.Subresource != "" || e.FieldsV1 == nil || !ownsTemplate(e.FieldsV1.GetRawBytes()) {
			continue
		}
		w := writers[at]
		o := model.Owner{Manager: w.manager, Name: "written by " + e.Manager, Reverts: w.reverts, Do: w.do}
		if app := m.Labels["app.kubernetes.io/instance"]; w.manager == ownerArgo && app != "" {
			o.Name, o.Do = "application "+app, "argocd app set "+app+" --sync-policy none"
		}
		has := func(x model.Owner) bool {
			return x.Manager == o.Manager && (x.Name == o.Name || w.manager != ownerController)
		}
		if !slices.ContainsFunc(marked, has) && !slices.ContainsFunc(out, has) {
			out = append(out, o)
		}
	}
	return out
}

// imageTriggers returns OpenShift's triggers that set an image of the workload
// whenever a tag moves; those that are paused do not.
func imageTriggers(kind model.Kind, m *metav1.ObjectMeta) []model.Owner {
	text := m.Annotations["image.openshift.io/triggers"]
	if text == "" {
		return nil
	}
	do := fmt.Sprintf("oc -n %s set triggers %s/%s --manual", m.Namespace, strings.ToLower(string(kind)), m.Name)
	var triggers []struct {
		From   struct{ Name string }
		Paused any // a boolean, or one in quotes
	}
	if err := json.Unmarshal([]byte(text), &triggers); err != nil {
		return []model.Owner{{Manager: "OpenShift", Name: "image triggers that cannot be read", Do: do}}
	}
	var names []string
	for _, t := range triggers {
		if p := fmt.Sprint(t.Paused); p != "true" {
			names = append(names, t.From.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []model.Owner{{Manager: "OpenShift", Name: "image trigger " + strings.Join(names, ", "), Reverts: true, Do: do}}
}
