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
		{"a volume that may not be seen", none, claim("hidden"), "unknown surge.volume:hidden"},
		{"a volume that is gone", none, claim("gone"), ""},
	} {
		got := said(c.checkSurge(context.Background(), &model.Component{Desired: 2}, plannedFor(t, `{}`, x.spec, x.template)))
		if x.want == "" && got != "" || !strings.Contains(got, x.want) {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
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
