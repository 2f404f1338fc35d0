package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// having returns a client of an API server that has these objects, by their paths, and
// no others; a path that ends in ! is forbidden.
func having(t *testing.T, objects map[string]string) *Client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		body, ok := objects[r.URL.Path]
		switch _, forbidden := objects[r.URL.Path+"!"]; {
		case forbidden:
			w.WriteHeader(http.StatusForbidden)
			body = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","message":"you may not","code":403}`
		case !ok:
			w.WriteHeader(http.StatusNotFound)
			body = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"not found","code":404}`
		}
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(srv.Close)
	c, err := Connect(flagsFor(t, strings.Replace(sample, "https://10.0.0.1:6443", srv.URL, 1)), Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// plannedFor is a plan for a workload with this spec and metadata, back to this template.
func plannedFor(t *testing.T, metadata, spec, template string) *planned {
	t.Helper()
	p := &planned{kind: kinds[model.Deployment], workload: &object{}, template: json.RawMessage(template)}
	p.Workload = model.Workload{Kind: model.Deployment, Namespace: "shop", Name: "edge"}
	if err := json.Unmarshal([]byte(`{"metadata":`+metadata+`,"spec":`+spec+`}`), p.workload); err != nil {
		t.Fatal(err)
	}
	return p
}

func said(checks []model.Check) string {
	var out []string
	for _, k := range checks {
		out = append(out, k.State.String()+" "+k.ID+": "+k.Text)
	}
	return strings.Join(out, "\n")
}

// What a new pod cannot have while the old one has it is told where no old pod may go
// first.
func TestSurgeThatCannotBePlaced(t *testing.T) {
	c := having(t, map[string]string{
		"/api/v1/namespaces/shop/persistentvolumeclaims/once":    `{"kind":"PersistentVolumeClaim","spec":{"accessModes":["ReadWriteOnce"]}}`,
		"/api/v1/namespaces/shop/persistentvolumeclaims/many":    `{"kind":"PersistentVolumeClaim","spec":{"accessModes":["ReadWriteOnce","ReadWriteMany"]}}`,
		"/api/v1/namespaces/shop/persistentvolumeclaims/read":    `{"kind":"PersistentVolumeClaim","spec":{"accessModes":["ReadOnlyMany"]}}`,
		"/api/v1/namespaces/shop/persistentvolumeclaims/hidden!": "",
	})
	port := `{"spec":{"containers":[{"name":"a","ports":[{"containerPort":8080,"hostPort":18080}]}]}}`
	claim := func(name string) string {
		return `{"spec":{"containers":[{"name":"a"}],"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"` + name + `"}}]}}`
	}
	none := `{"replicas":2,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":0,"maxSurge":1}}}`
	for _, x := range []struct{ name, spec, template, want string }{
		{"a host port", none, port, "warning surge.hostport: host port 18080"},
		{"the defaults, of two pods", `{"replicas":2}`, port, "warning surge.hostport"},
		{"the defaults, of four pods", `{"replicas":4}`, port, ""},
		{"an old one goes first", `{"replicas":2,"strategy":{"rollingUpdate":{"maxUnavailable":1,"maxSurge":1}}}`, port, ""},
		{"all old ones go first", `{"replicas":2,"strategy":{"type":"Recreate"}}`, port, ""},
		{"the node's network", none, `{"spec":{"hostNetwork":true,"containers":[{"name":"a","ports":[{"containerPort":9100}]}]}}`, "host port 9100"},
		{"no port", none, `{"spec":{"containers":[{"name":"a","ports":[{"containerPort":8080}]}]}}`, ""},
		{"a volume of one node", none, claim("once"), "warning surge.volume:once"},
		{"a volume of many", none, claim("many"), ""},
		{"a volume that many read", none, claim("read"), ""},
		{"a volume that is no claim, then one", none, `{"spec":{"volumes":[{"name":"e","emptyDir":{}},{"name":"v","persistentVolumeClaim":{"claimName":"once"}}]}}`, "warning surge.volume:once: volume claim once mounts on one node at a time"},
		{"a port of an init container", none, `{"spec":{"initContainers":[{"name":"i","ports":[{"hostPort":53}]}],"containers":[{"name":"a"}]}}`, "host port 53,"},
		{"a port of the node beside another", none, `{"spec":{"hostNetwork":true,"containers":[{"name":"a","ports":[{"containerPort":9100,"hostPort":9101}]}]}}`, "host port 9101,"},
		{"an amount that is none", `{"replicas":2,"strategy":{"rollingUpdate":{"maxUnavailable":"some"}}}`, port, "warning surge.hostport"},
		{"a volume that may not be seen", none, claim("hidden"), "unknown surge.volume:hidden"},
		{"a volume that is gone", none, claim("gone"), ""},
	} {
		checks := c.checkSurge(context.Background(), &model.Component{Desired: 2}, plannedFor(t, `{}`, x.spec, x.template))
		got := said(checks)
		if x.want == "" && got != "" || !strings.Contains(got, x.want) {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
		for _, k := range checks {
			if k.State == model.CheckWarning && !strings.HasSuffix(k.Do, ` -n shop patch deployment/edge -p '{"spec":{"strategy":{"rollingUpdate":{"maxUnavailable":1}}}}'`) {
				t.Errorf("%s: what to do: %q", x.name, k.Do)
			}
		}
	}
}

// Each owner is asked what it will do about an undo, where it has an object to ask.
func TestWhatOwnersWillDo(t *testing.T) {
	groups := `{"kind":"APIGroupList","groups":[{"name":"flagger.app"},{"name":"argoproj.io"}]}`
	for _, x := range []struct {
		name, metadata string
		objects        map[string]string
		want           string
	}{
		{"nobody", `{}`, map[string]string{"/apis": `{"kind":"APIGroupList"}`}, "ok owner: no GitOps controller"},
		{"argo by its label, self-heal", `{"namespace":"shop","name":"edge","labels":{"app.kubernetes.io/instance":"shop-prod"},"managedFields":[{"manager":"argocd-controller","fieldsV1":{"f:spec":{"f:template":{}}}}]}`,
			map[string]string{"/apis": `{"kind":"APIGroupList"}`, "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/shop-prod": `{"kind":"Application","metadata":{"annotations":{"argocd-image-updater.argoproj.io/image-list":"x"}},"spec":{"syncPolicy":{"automated":{"selfHeal":true}}}}`},
			"blocked owner.argocd: Argo CD owns it (application shop-prod), and its Image Updater sets the newest tag again, with self-heal"},
		{"argo by its label, no application", `{"namespace":"shop","name":"edge","labels":{"app.kubernetes.io/instance":"shop-prod"},"managedFields":[{"manager":"argocd-controller","fieldsV1":{"f:spec":{"f:template":{}}}}]}`,
			map[string]string{"/apis": `{"kind":"APIGroupList"}`}, "whether it undoes this undo by itself is not known"},
		{"flux, suspended", `{"labels":{"kustomize.toolkit.fluxcd.io/name":"apps","kustomize.toolkit.fluxcd.io/namespace":"f"}}`,
			map[string]string{"/apis": `{"kind":"APIGroupList"}`, "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/f/kustomizations/apps": `{"spec":{"suspend":true}}`}, "note owner.flux"},
		{"flux, not suspended", `{"labels":{"kustomize.toolkit.fluxcd.io/name":"apps","kustomize.toolkit.fluxcd.io/namespace":"f"}}`,
			map[string]string{"/apis": `{"kind":"APIGroupList"}`, "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/f/kustomizations/apps": `{"spec":{}}`}, "blocked owner.flux"},
		{"a helm release that drifts back", `{"labels":{"helm.toolkit.fluxcd.io/name":"r","helm.toolkit.fluxcd.io/namespace":"f"}}`,
			map[string]string{"/apis": `{"kind":"APIGroupList"}`, "/apis/helm.toolkit.fluxcd.io/v2/namespaces/f/helmreleases/r": `{"spec":{"driftDetection":{"mode":"enabled"}}}`}, "blocked owner.flux"},
		{"helm, in the middle of an upgrade", `{"annotations":{"meta.helm.sh/release-name":"r","meta.helm.sh/release-namespace":"shop"}}`,
			map[string]string{"/apis": `{"kind":"APIGroupList"}`, "/api/v1/namespaces/shop/secrets": `{"items":[{"metadata":{"labels":{"version":"9","status":"deployed"}}},{"metadata":{"labels":{"version":"10","status":"pending-upgrade"}}}]}`},
			"blocked owner.helm: Helm owns it (release r in shop), and its newest revision is pending-upgrade"},
		{"a canary", `{}`, map[string]string{"/apis": groups, "/apis/flagger.app/v1beta1/namespaces/shop/canaries": `{"items":[{"metadata":{"name":"c"},"spec":{"targetRef":{"kind":"Deployment","name":"edge"}}}]}`},
			"blocked owner.flagger: Flagger releases it (canary c)"},
		{"a canary of another", `{}`, map[string]string{"/apis": groups, "/apis/flagger.app/v1beta1/namespaces/shop/canaries": `{"items":[{"metadata":{"name":"c"},"spec":{"targetRef":{"kind":"Deployment","name":"web"}}}]}`},
			"ok owner"},
		{"canaries that may not be seen", `{}`, map[string]string{"/apis": groups, "/apis/flagger.app/v1beta1/namespaces/shop/canaries!": ""}, "unknown owner.flagger"},
		{"a Rollout", `{}`, map[string]string{"/apis": groups, "/apis/flagger.app/v1beta1/namespaces/shop/canaries": `{}`, "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts": `{"items":[{"metadata":{"name":"r"},"spec":{"workloadRef":{"kind":"Deployment","name":"edge"}}}]}`},
			"blocked owner.argorollouts"},
		{"an operator that is not known", `{"managedFields":[{"manager":"shop-operator","fieldsV1":{"f:spec":{"f:template":{}}}}]}`, map[string]string{"/apis": `{"kind":"APIGroupList"}`},
			"unknown owner.acontroller: its template was written by shop-operator"},
	} {
		got := said(having(t, x.objects).checkOwners(context.Background(), plannedFor(t, x.metadata, `{}`, `{}`)))
		if !strings.Contains(got, x.want) || strings.Contains(x.want, "ok owner") != strings.Contains(got, "ok owner") {
			t.Errorf("%s:\n%s\nwant %s", x.name, got, x.want)
		}
	}
}

// What an owner will do is told in whole, with what to do about it.
func TestWhatOwnersWillDoInWords(t *testing.T) {
	const flux = `{"labels":{"kustomize.toolkit.fluxcd.io/name":"apps","kustomize.toolkit.fluxcd.io/namespace":"f"}}`
	const leftAlone = `{"annotations":{"kustomize.toolkit.fluxcd.io/reconcile":"disabled"},"labels":{"kustomize.toolkit.fluxcd.io/name":"apps","kustomize.toolkit.fluxcd.io/namespace":"f"}}`
	const release = `{"labels":{"helm.toolkit.fluxcd.io/name":"r","helm.toolkit.fluxcd.io/namespace":"f"}}`
	const noDrift = `{"annotations":{"helm.toolkit.fluxcd.io/driftDetection":"disabled"},"labels":{"helm.toolkit.fluxcd.io/name":"r","helm.toolkit.fluxcd.io/namespace":"f"}}`
	const argo = `{"namespace":"shop","name":"edge","annotations":{"argocd.argoproj.io/tracking-id":"team_shop:apps/Deployment:shop/edge"}}`
	const helm = `{"annotations":{"meta.helm.sh/release-name":"r","meta.helm.sh/release-namespace":"other"}}`
	const (
		kustomization = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/f/kustomizations/apps"
		helmRelease   = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/f/helmreleases/r"
		application   = "/apis/argoproj.io/v1alpha1/namespaces/team/applications/shop"
		secrets       = "/api/v1/namespaces/other/secrets"
		off           = " → argocd app set team/shop --sync-policy none"
		byHelm        = " → tell whoever runs helm upgrade: the next one sets its own version again"
		ownHelm       = "warning owner.helm: Helm owns it (release r in other): its next release puts its own version back" + byHelm
		suspend       = " → flux suspend helmrelease r -n f (it reverts where driftDetection is enabled, and at its next release)"
	)
	const (
		kapp   = `{"labels":{"kapp.k14s.io/app":"7"}}`
		all    = "/apis/kappctrl.k14s.io/v1alpha1/apps"
		here   = "/apis/kappctrl.k14s.io/v1alpha1/namespaces/shop/apps"
		deploy = " → the next kapp deploy sets its own version again"
	)
	app := func(metadata, spec, label string) string {
		return `{"metadata":{` + metadata + `},"spec":` + spec + `,"status":{"deploy":{"kapp":{"associatedResources":{"label":"kapp.k14s.io/app=` + label + `"}}}}}`
	}
	apps := func(of ...string) map[string]string {
		return map[string]string{all: `{"items":[` + strings.Join(of, ",") + `]}`}
	}
	automated := func(policy, annotations string) map[string]string {
		return map[string]string{application: `{"metadata":{` + annotations + `},"spec":{"syncPolicy":{` + policy + `}}}`}
	}
	versions := func(all string) map[string]string { return map[string]string{secrets: `{"items":[` + all + `]}`} }
	version := func(n, status string) string {
		return `{"metadata":{"labels":{"version":"` + n + `","status":"` + status + `"}}}`
	}
	for _, x := range []struct {
		name, metadata string
		objects        map[string]string
		want           string
	}{
		{"flux", flux, map[string]string{kustomization: `{"spec":{}}`}, "blocked owner.flux: Flux owns it (kustomization f/apps): it will undo this undo by itself → flux suspend kustomization apps -n f"},
		{"flux, suspended", flux, map[string]string{kustomization: `{"spec":{"suspend":true}}`}, "note owner.flux: Flux owns it (kustomization f/apps), suspended: resuming it puts its own version back"},
		{"flux, told to leave it alone", leftAlone, map[string]string{kustomization: `{"spec":{}}`}, "warning owner.flux: Flux owns it (kustomization f/apps): its next release puts its own version back → flux suspend kustomization apps -n f"},
		{"flux, not to be seen", flux, map[string]string{kustomization + "!": ""}, "blocked owner.flux: Flux owns it (kustomization f/apps): it will undo this undo by itself, if it is not suspended, which is not known: forbidden: you may not → flux suspend kustomization apps -n f"},
		{"flux, not to be read", flux, map[string]string{kustomization: `{"spec":7}`}, "blocked owner.flux: Flux owns it (kustomization f/apps): it will undo this undo by itself, if it is not suspended, which is not known: "},
		{"a release, not to be seen", release, map[string]string{helmRelease + "!": ""}, "warning owner.flux: Flux owns it (helmrelease f/r): its next release puts its own version back; whether it does so by itself is not known: forbidden: you may not" + suspend},
		{"a release that drifts", release, map[string]string{helmRelease: `{"spec":{"driftDetection":{"mode":"warn"}}}`}, "warning owner.flux: Flux owns it (helmrelease f/r): its next release puts its own version back" + suspend},
		{"a release that is put back", release, map[string]string{helmRelease: `{"spec":{"driftDetection":{"mode":"enabled"}}}`}, "blocked owner.flux: Flux owns it (helmrelease f/r): it will undo this undo by itself" + suspend},
		{"a release that is put back, but for this", noDrift, map[string]string{helmRelease: `{"spec":{"driftDetection":{"mode":"enabled"}}}`}, "warning owner.flux: Flux owns it (helmrelease f/r): its next release puts its own version back" + suspend},
		{"flux by its writing alone", `{"managedFields":[{"manager":"kustomize-controller","fieldsV1":{"f:spec":{"f:template":{}}}}]}`, nil,
			"unknown owner.flux: Flux owns it (written by kustomize-controller), by which application is not known, nor whether it undoes this undo by itself → flux get kustomizations -A, then suspend the one that applies it"},
		{"argo by its writing alone", `{"managedFields":[{"manager":"argocd-controller","fieldsV1":{"f:spec":{"f:template":{}}}}]}`, nil,
			"unknown owner.argocd: Argo CD owns it (written by argocd-controller), by which application is not known, nor whether it undoes this undo by itself"},

		{"argo, by hand", argo, automated(``, ``), "note owner.argocd: Argo CD owns it (application team/shop), without automatic sync: the next sync by hand puts its own version back"},
		{"argo, turned off", argo, automated(`"automated":{"enabled":false,"selfHeal":true}`, ``), "note owner.argocd: Argo CD owns it (application team/shop), without automatic sync: the next sync by hand puts its own version back"},
		{"argo, turned on", argo, automated(`"automated":{"enabled":true}`, ``), "warning owner.argocd: Argo CD owns it (application team/shop) with automatic sync: the next commit undoes this undo" + off},
		{"argo, automatic", argo, automated(`"automated":{}`, ``), "warning owner.argocd: Argo CD owns it (application team/shop) with automatic sync: the next commit undoes this undo" + off},
		{"argo, heals itself", argo, automated(`"automated":{"selfHeal":true}`, ``), "blocked owner.argocd: Argo CD owns it (application team/shop) with self-heal: it will undo this undo" + off},
		{"argo, of an application of applications", argo, automated(`"automated":{"selfHeal":true}`, `"annotations":{"argocd.argoproj.io/tracking-id":"root:argoproj.io/Application:team/shop"}`),
			"blocked owner.argocd: Argo CD owns it (application team/shop) with self-heal: it will undo this undo → turn off the sync of application root too: it would put the application's own sync back"},
		{"argo, of a set of applications", argo, automated(`"automated":{"selfHeal":true}`, `"ownerReferences":[{"kind":"ApplicationSet","name":"all"}]`),
			"blocked owner.argocd: Argo CD owns it (application team/shop) with self-heal: it will undo this undo → turn off its sync in applicationset all: it would put the application back"},
		{"argo, not there", argo, nil, "warning owner.argocd: Argo CD owns it (application team/shop); whether it undoes this undo by itself is not known: there is no application team/shop in this cluster" + off},
		{"argo, not to be seen", argo, map[string]string{application + "!": ""}, "warning owner.argocd: Argo CD owns it (application team/shop); whether it undoes this undo by itself is not known: forbidden: you may not" + off},
		{"argo, not to be read", argo, map[string]string{application: `{"spec":7}`}, "warning owner.argocd: Argo CD owns it (application team/shop); its application cannot be read: "},

		{"helm", helm, versions(version("9", "pending-upgrade") + "," + version("10", "deployed")), ownHelm},
		{"helm, under way", helm, versions(version("9", "deployed") + "," + version("10", "pending-rollback") + "," + version("x", "pending-install")),
			"blocked owner.helm: Helm owns it (release r in other), and its newest revision is pending-rollback: what runs is being changed right now → wait for the helm upgrade to end, or find out who runs it"},
		{"helm, no release to be seen", helm, versions(""), ownHelm},
		{"helm, may not be seen", helm, map[string]string{secrets + "!": ""}, ownHelm},
		{"helm, by its label alone", `{"labels":{"app.kubernetes.io/managed-by":"Helm","app.kubernetes.io/instance":"r"}}`, nil, "warning owner.helm: Helm owns it (release r): its next release puts its own version back"},
		{"one that reverts", `{"labels":{"olm.owner":"op.v1","olm.owner.kind":"ClusterServiceVersion"}}`, nil,
			"blocked owner.olm: OLM owns it (ClusterServiceVersion op.v1): it will undo this undo by itself → change the operator's ClusterServiceVersion or subscription instead"},
		{"kapp, by hand", kapp, nil, "warning owner.kapp: kapp owns it (app 7): its next release puts its own version back" + deploy},
		{"kapp, by kapp-controller", kapp, apps(app(`"namespace":"ops","name":"other"`, `{}`, "8"), app(`"namespace":"ops","name":"shop"`, `{}`, "7")), "blocked owner.kapp: kapp-controller owns it (app ops/shop): it will undo this undo by itself → kctrl app pause -a shop -n ops"},
		{"kapp, of a package", kapp, apps(app(`"namespace":"ops","name":"shop","ownerReferences":[{"kind":"PackageInstall","name":"shop-pkg"}]`, `{}`, "7")),
			"blocked owner.kapp: kapp-controller owns it (app ops/shop): it will undo this undo by itself → kctrl package installed pause -i shop-pkg -n ops"},
		{"kapp, paused", kapp, apps(app(`"namespace":"ops","name":"shop"`, `{"paused":true}`, "7")), "note owner.kapp: kapp-controller owns it (app ops/shop), paused: resuming it puts its own version back"},
		{"kapp, cancelled", kapp, apps(app(`"namespace":"ops","name":"shop"`, `{"canceled":true}`, "7")), "note owner.kapp: kapp-controller owns it (app ops/shop), paused: resuming it puts its own version back"},
		{"kapp, of nobody's app", kapp, apps(app(`"namespace":"ops","name":"other"`, `{}`, "8")), "warning owner.kapp: kapp owns it (app 7): its next release puts its own version back" + deploy},
		{"kapp, one namespace to be seen", kapp, map[string]string{all + "!": "", here: `{"items":[` + app(`"namespace":"shop","name":"shop"`, `{}`, "7") + `]}`}, "blocked owner.kapp: kapp-controller owns it (app shop/shop): it will undo this undo by itself → kctrl app pause -a shop -n shop"},
		{"kapp, one namespace to be seen, not there", kapp, map[string]string{all + "!": "", here: `{"items":[]}`}, "warning owner.kapp: kapp owns it (app 7): its next release puts its own version back; whether it does so by itself is not known: you may read the apps of shop only" + deploy},
		{"kapp, nothing to be seen", kapp, map[string]string{all + "!": "", here + "!": ""}, "warning owner.kapp: kapp owns it (app 7): its next release puts its own version back; whether it does so by itself is not known: forbidden: you may not" + deploy},
		{"kapp, by its writing alone", `{"managedFields":[{"manager":"kapp-server-side-apply","fieldsV1":{"f:spec":{"f:template":{}}}}]}`, nil,
			"warning owner.kapp: kapp owns it (written by kapp-server-side-apply): its next release puts its own version back" + deploy},
		{"two", `{"labels":{"kapp.k14s.io/app":"7","olm.owner":"op.v1","olm.owner.kind":"K"}}`, nil, "warning owner.kapp: kapp owns it (app 7): its next release puts its own version back → the next kapp deploy sets its own version again\n" +
			"blocked owner.olm: OLM owns it (K op.v1): it will undo this undo by itself → change the operator's ClusterServiceVersion or subscription instead"},
	} {
		objects := map[string]string{"/apis": `{"kind":"APIGroupList"}`}
		for k, v := range x.objects {
			objects[k] = v
		}
		got := lines(having(t, objects).checkOwners(context.Background(), plannedFor(t, x.metadata, `{}`, `{}`)))
		if got != x.want && !(strings.HasSuffix(x.want, ": ") && strings.HasPrefix(got, x.want)) {
			t.Errorf("%s:\n%s\nwant\n%s", x.name, got, x.want)
		}
	}
	var asked string
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query().Get("labelSelector")
		_, _ = w.Write([]byte(`{}`))
	})
	if got := c.helmPending(context.Background(), plannedFor(t, helm, `{}`, `{}`)); got != "" || asked != "owner=helm,name=r" {
		t.Errorf("%q, asked for %q", got, asked)
	}
}

// What releases a workload from outside is found by what it names.
func TestReleasersInWords(t *testing.T) {
	const canaries, rollouts = "/apis/flagger.app/v1beta1/namespaces/shop/canaries", "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts"
	const byFlagger = "blocked owner.flagger: Flagger releases it (canary c): it takes the undo for a new release and analyses it; its primary is overwritten at the next promotion → go back by Flagger instead"
	const byRollout = "blocked owner.argorollouts: Argo Rollouts releases it (rollout r): its Rollout decides what runs, and this workload may not serve at all → go back by Argo Rollouts instead"
	ref := func(name, field, kind, to string) string {
		return `{"items":[{"metadata":{"name":"` + name + `"},"spec":{"` + field + `":{"kind":"` + kind + `","name":"` + to + `"}}}]}`
	}
	both := `{"kind":"APIGroupList","groups":[{"name":"argoproj.io"},{"name":"flagger.app"}]}`
	for _, x := range []struct {
		name, groups string
		objects      map[string]string
		want         string
	}{
		{"a canary", both, map[string]string{canaries: ref("c", "targetRef", "Deployment", "edge")}, byFlagger},
		{"a canary's primary", both, map[string]string{canaries: ref("c", "targetRef", "Deployment", "edg")}, ""},
		{"a canary of its primary", both, map[string]string{canaries: ref("c", "targetRef", "Deployment", "edge-primary")}, ""},
		{"a canary of another kind", both, map[string]string{canaries: ref("c", "targetRef", "DaemonSet", "edge")}, ""},
		{"a rollout", both, map[string]string{rollouts: ref("r", "workloadRef", "Deployment", "edge")}, byRollout},
		{"both", both, map[string]string{canaries: ref("c", "targetRef", "Deployment", "edge"), rollouts: ref("r", "workloadRef", "Deployment", "edge")}, byFlagger + "\n" + byRollout},
		{"rollouts alone", `{"kind":"APIGroupList","groups":[{"name":"argoproj.io"}]}`, map[string]string{canaries: ref("c", "targetRef", "Deployment", "edge"), rollouts: ref("r", "workloadRef", "Deployment", "edge")}, byRollout},
		{"neither kind", `{"kind":"APIGroupList","groups":[{"name":"apps"}]}`, map[string]string{canaries: ref("c", "targetRef", "Deployment", "edge")}, ""},
		{"canaries may not be seen", both, map[string]string{canaries + "!": "", rollouts: ref("r", "workloadRef", "Deployment", "edge")},
			"unknown owner.flagger: whether Flagger releases it: forbidden: you may not → ask for the right to read it, or look yourself\n" + byRollout},
		{"groups that cannot be read", `{"groups":7}`, nil, "unknown owner.releaser: whether Flagger or Argo Rollouts releases it: "},
	} {
		objects := map[string]string{"/apis": x.groups}
		for k, v := range x.objects {
			objects[k] = v
		}
		if got := lines(having(t, objects).checkReleasers(context.Background(), plannedFor(t, `{}`, `{}`, `{}`))); got != x.want && !(strings.HasSuffix(x.want, ": ") && strings.HasPrefix(got, x.want)) {
			t.Errorf("%s:\n%s\nwant\n%s", x.name, got, x.want)
		}
	}
	p := plannedFor(t, `{}`, `{}`, `{}`)
	p.Workload.Name = "edge-primary"
	if got := lines(having(t, map[string]string{"/apis": both, canaries: ref("c", "targetRef", "Deployment", "edge"), rollouts: ref("r", "workloadRef", "Deployment", "edge")}).checkReleasers(context.Background(), p)); got != byFlagger {
		t.Errorf("the primary of a canary:\n%s", got)
	}
}
