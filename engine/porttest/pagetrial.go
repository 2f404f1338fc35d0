package porttest

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollbook/engine"
	"rollbook/model"
)

// pageManifest makes a ConfigMap and a Deployment, and points a Service that is there
// elsewhere.
const pageManifest = `apiVersion: v1
kind: ConfigMap
metadata: {name: page}
data: {index.html: back soon}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: page}
spec:
  replicas: 1
  selector: {matchLabels: {app: page}}
  template:
    metadata: {labels: {app: page}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: page, image: "contract/page:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, annotations: {team/page: "yes"}}
spec: {selector: {app: page}}
`

const serviceJSON = `{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{"selector":{"app":"api"},"ports":[{"port":80}]}}`

// paged is a bed with api and a Service before it.
func (b *Bed) paged(t *testing.T) (w model.Workload, seen *board, file string, state func(t *testing.T) string) {
	t.Helper()
	w, seen = b.made(t, model.Deployment)
	core := "/api/v1/namespaces/" + w.Namespace
	b.ask(t, http.MethodPost, core+"/services?fieldManager="+someone, "application/json", serviceJSON, nil)
	file = filepath.Join(t.TempDir(), "page.yaml")
	if err := os.WriteFile(file, []byte(pageManifest), 0o600); err != nil {
		t.Fatal(err)
	}
	return w, seen, file, func(t *testing.T) string {
		t.Helper()
		out := b.asIs(t, path(w.Namespace, "deployments", "api")) + b.asIs(t, core+"/services/web")
		for _, at := range []string{core + "/configmaps/page", path(w.Namespace, "deployments", "page")} {
			if _, err := b.try(t, http.MethodGet, at, "", ""); err == nil {
				out += " " + at
			}
		}
		return out
	}
}

func pageTrial(t *testing.T, b *Bed) *Trial {
	t.Helper()
	w, seen, file, state := b.paged(t)
	x := b.trialAs(t, w.Namespace, model.MethodMaintenance, Login{Page: file})
	x.Component = func() *model.Component { return seen.get("api") }
	x.To = model.MaintenancePage(true)
	x.State = state
	x.Change = func(t *testing.T) {
		t.Helper()
		b.ask(t, http.MethodPatch, "/api/v1/namespaces/"+w.Namespace+"/services/web?fieldManager="+someone, merge, `{"spec":{"selector":{"app":"other"}}}`, nil)
	}
	x.Changed = model.SettledForeign
	x.Sends = 4
	x.lacks(map[string]string{"viewer": "", "nobody": ""})
	return x
}

// pageOnAndOff shows the page and takes it away: afterwards all is field by field what it
// was, also where what takes it away knows no manifest.
func pageOnAndOff(t *testing.T, b *Bed) {
	w, seen, file, state := b.paged(t)
	before := state(t)
	x := b.trialAs(t, w.Namespace, model.MethodMaintenance, Login{Page: file})
	p, r := x.does(t, seen, model.MaintenancePage(true))
	if p.Owes == "" || p.From != model.MaintenancePage(false) || p.Role != model.RoleMaintenance {
		t.Errorf("%+v", p)
	}
	x.followed(t, follower(t, x.Method), p, r)
	seen.until(time.Minute, "api", "is marked", func(c *model.Component) bool { return len(c.Marks) == 1 })
	if k := seen.get("api").Marks[0]; k.Method != model.MethodMaintenance || k.To != model.MaintenancePage(false) || k.Plan != p.ID || k.What != p.Owes {
		t.Errorf("%+v", k)
	}
	var web struct {
		Spec struct{ Selector map[string]string }
	}
	b.ask(t, http.MethodGet, "/api/v1/namespaces/"+w.Namespace+"/services/web", "", "", &web)
	if web.Spec.Selector["app"] != "page" {
		t.Errorf("%+v", web)
	}
	if again := x.preflightTo(t, x.Again(t), seen, model.MaintenancePage(true)); len(again.Plans) != 1 || !again.Plans[0].Same {
		t.Errorf("%+v", again)
	}
	off := b.trialAs(t, w.Namespace, model.MethodMaintenance, Login{}) // on another machine
	p, r = off.does(t, seen, model.MaintenancePage(false))
	if p.Owes != "" {
		t.Errorf("%+v", p)
	}
	off.followed(t, follower(t, off.Method), p, r)
	eventually(t, time.Minute, "all is as it was", func() string {
		if after := state(t); after != before {
			return after + ", before " + before
		}
		return ""
	})
	seen.until(time.Minute, "api", "is marked no more", func(c *model.Component) bool { return len(c.Marks) == 0 })

	// What somebody changes meanwhile is told before it is overwritten.
	x.does(t, seen, model.MaintenancePage(true))
	x.Change = func(t *testing.T) {
		t.Helper()
		b.ask(t, http.MethodPatch, "/api/v1/namespaces/"+w.Namespace+"/services/web?fieldManager="+someone, merge, `{"spec":{"selector":{"app":"other"}}}`, nil)
	}
	x.Change(t)
	if ch := check(t, x.preflightTo(t, x.Method, seen, model.MaintenancePage(false)), "changed:service/web"); ch.State != model.CheckBlocked || ch.Hard {
		t.Errorf("%+v", ch)
	}

	// What cannot be put back is not taken over, and what is not of the namespace neither.
	for manifest, want := range map[string]string{
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: 7}": "there already",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: page, namespace: kube-system}":   "namespace kube-system",
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: page}":                           "in no namespace",
		"apiVersion: v1\nkind: Nonsense\nmetadata: {name: page}":                            "Nonsense",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Page_1}":                         "Invalid value",
		"kind: ConfigMap\nmetadata: {name: page}":                                           "apiVersion",
		"a: [": "YAML",
		"":     "no object",
	} {
		if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
			t.Fatal(err)
		}
		if pf := x.preflightTo(t, x.Again(t), seen, model.MaintenancePage(true)); len(pf.Plans) != 0 || !strings.Contains(pf.Err, want) {
			t.Errorf("%q: %+v, want %q", manifest, pf, want)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if pf := x.preflightTo(t, x.Method, seen, model.MaintenancePage(true)); len(pf.Plans) != 0 || !strings.Contains(pf.Err, "no such file") {
		t.Errorf("%+v", pf)
	}
}

func follower(t *testing.T, m engine.Method) engine.Follower {
	t.Helper()
	f, ok := m.(engine.Follower)
	if !ok {
		t.Fatalf("%s is no Follower", m.Name())
	}
	return f
}

func (x *Trial) preflightTo(t *testing.T, m engine.Method, seen *board, to model.Version) (last model.Preflight) {
	t.Helper()
	m.Plan(limited(t), seen.get("api"), to, func(p model.Preflight) { last = p })
	return last
}

// does writes a plan that nothing hard stands against.
func (x *Trial) does(t *testing.T, seen *board, to model.Version) (model.Plan, model.Receipt) {
	t.Helper()
	p := planIn(t, x.preflightTo(t, x.Method, seen, to))
	r, err := x.Method.Do(limited(t), *p, nothingTold)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := x.Method.Look(limited(t), *p); err != nil || got.State != model.SettledDone {
		t.Errorf("Look: %+v (%v)", got, err)
	}
	return *p, r
}
