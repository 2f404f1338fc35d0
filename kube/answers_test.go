package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
)

// answering is a client whose API server is a handler of the test's.
func answering(t *testing.T, handle http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(handle)
	t.Cleanup(srv.Close)
	flags := &Flags{}
	flags.ClusterInfo.Server, flags.AuthInfo.Token, flags.Context.Namespace = srv.URL, "the-token-of-the-test", "production"
	c, err := Connect(flags, Options{Version: "test", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Whatever answers with a redirect, the credentials go nowhere but to the API server.
func TestNoRedirectIsFollowed(t *testing.T) {
	var mu sync.Mutex
	var elsewhere []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		elsewhere = append(elsewhere, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	for _, code := range []int{301, 302, 303, 307, 308} {
		c := answering(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", other.URL+"/login")
			w.WriteHeader(code)
		})
		ctx := context.Background()
		if _, err := c.get(ctx, "production", "deployments", "api"); err == nil || !strings.Contains(err.Error(), "not followed") {
			t.Errorf("%d to a read: %v", code, err)
		}
		_, err := c.sendWrite(ctx, call{method: http.MethodPatch, path: "/apis/apps/v1/namespaces/production/deployments/api", body: []byte("[]"), want: "Deployment"})
		if err := c.refusal("deployment/api", "rolled back", err); !errors.Is(err, model.ErrLost) {
			t.Errorf("%d to a write: %v", code, err)
		}
		if err := c.PostEvent(ctx, model.Workload{Kind: model.Deployment, Namespace: "production", Name: "api"}, "u", "x"); err == nil {
			t.Errorf("%d to an event is a success", code)
		}
		if _, err := c.Lease(ctx, model.LeaseAsk{Workload: apiWorkload, Holder: "maria"}); err == nil {
			t.Errorf("%d to a lease is a success", code)
		}
		if _, err := c.review(ctx, "production", "patch", "apps", "deployments", "api"); err == nil {
			t.Errorf("%d to a review is an answer", code)
		}
		if _, err := (&source{api: c.apps, resource: "deployments", namespace: "production", empty: empty[appsv1.DeploymentList]}).list(ctx, metav1.ListOptions{}); err == nil {
			t.Errorf("%d to a list is an answer", code)
		}
		if _, err := c.ready(ctx); err == nil {
			t.Errorf("%d is a sign of life", code)
		}
		// A client that brings its own rules goes no further either.
		if resp, err := (&http.Client{Transport: c.ProxyRoundTripper()}).Get(c.Server() + "/api/v1/namespaces/m/services/p:9090/proxy/api/v1/query"); err == nil {
			resp.Body.Close()
			t.Errorf("%d was followed by a client of its own", code)
		}
	}
	if len(elsewhere) > 0 {
		t.Errorf("sent elsewhere: %q", elsewhere)
	}
}

// A clear no is one, and an error of the server is none: it may have written.
func TestRefusal(t *testing.T) {
	for _, tt := range []struct {
		code int
		body string
		want error
	}{
		{403, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"Forbidden","code":403}`, model.ErrRefused},
		{404, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"NotFound","code":404}`, model.ErrRefused},
		{409, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"Conflict","code":409}`, model.ErrRefused},
		{422, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"Invalid","code":422}`, model.ErrRefused},
		{429, `slow down`, model.ErrRefused},
		{500, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"etcdserver: request timed out","code":500}`, model.ErrLost},
		{500, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Internal error occurred: failed calling webhook \"x\"","code":500}`, model.ErrRefused},
		{502, `<html>Bad Gateway</html>`, model.ErrLost},
		{503, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"shutting down","reason":"ServiceUnavailable","code":503}`, model.ErrLost},
		{504, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"timeout","reason":"Timeout","code":504}`, model.ErrLost},
		{302, ``, model.ErrLost},
		{200, `{}`, model.ErrLost},
		{200, `<html>Log in</html>`, model.ErrLost},
		{200, `{"kind":"Pod","metadata":{"name":"api"}}`, model.ErrLost},
	} {
		c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.code)
			_, _ = io.WriteString(w, tt.body)
		})
		_, err := c.sendWrite(context.Background(), call{method: http.MethodPatch, path: "/apis/apps/v1/namespaces/production/deployments/api", body: []byte("[]"), want: "Deployment"})
		if got := c.refusal("deployment/api", "rolled back", err); !errors.Is(got, tt.want) {
			t.Errorf("%d %s: %v, want %v", tt.code, tt.body, got, tt.want)
		}
	}
	c := answering(t, nil)
	c.dialer.CloseAll()
	c.http.Transport = failing{errors.New("connection refused")}
	_, err := c.sendWrite(context.Background(), call{method: http.MethodPatch, path: "/x"})
	if got := c.refusal("deployment/api", "rolled back", err); !errors.Is(got, model.ErrRefused) || !strings.Contains(got.Error(), "never left") {
		t.Errorf("no connection: %v", got)
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// answer is a Deployment as a read or a write answers.
func answer(t *testing.T, change func(map[string]any)) *object {
	t.Helper()
	o := map[string]any{"kind": "Deployment", "apiVersion": "apps/v1",
		"metadata": map[string]any{"name": "api", "namespace": "production", "uid": "uid-1", "resourceVersion": "8", "generation": 3},
		"spec":     map[string]any{"replicas": 2, "strategy": map[string]any{"type": "Recreate"}, "selector": map[string]any{"matchLabels": map[string]any{"app": "api"}}, "template": template("api:2")}}
	if change != nil {
		change(o)
	}
	out := &object{}
	if err := json.Unmarshal(rawJSON(t, o), out); err != nil {
		t.Fatal(err)
	}
	return out
}

func template(image string) map[string]any {
	return map[string]any{"metadata": map[string]any{"labels": map[string]any{"app": "api"}},
		"spec": map[string]any{"containers": []any{map[string]any{"name": "api", "image": image}}}}
}

// revisionOf is a ReplicaSet of that Deployment.
func revisionOf(t *testing.T, name, number, image string, annotations map[string]any) *object {
	t.Helper()
	all := map[string]any{annRevision: number}
	for k, v := range annotations {
		all[k] = v
	}
	return answer(t, func(o map[string]any) {
		o["metadata"] = map[string]any{"name": name, "namespace": "production", "uid": name, "annotations": all}
		o["spec"] = map[string]any{"template": template(image)}
	})
}

// Only the workload as it was written is an answer to the write.
func TestAccepted(t *testing.T) {
	read := answer(t, func(o map[string]any) { o["metadata"].(map[string]any)["resourceVersion"] = "7" })
	p, err := makePlan("api", apiWorkload, read, revisionOf(t, "api-1", "1", "api:1", nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	done := func(o map[string]any) { o["spec"].(map[string]any)["template"] = template("api:1") }
	meta := func(key string, v any) func(map[string]any) {
		return func(o map[string]any) { done(o); o["metadata"].(map[string]any)[key] = v }
	}
	for name, tt := range map[string]struct {
		change func(map[string]any)
		why    string
	}{
		"as written":     {done, ""},
		"another object": {meta("name", "other"), "about production/other"},
		"another one":    {meta("uid", "uid-2"), "about another Deployment of that name"},
		"no version":     {meta("resourceVersion", ""), "without a resourceVersion"},
		"from a cache":   {meta("resourceVersion", "7"), "as it was before the write"},
		"no template":    {func(o map[string]any) { o["spec"] = map[string]any{} }, "without a pod template"},
	} {
		hash, why := p.accepted(answer(t, tt.change))
		if why != tt.why || (why == "") != (hash == p.ToHash) {
			t.Errorf("%s: %q, %q", name, hash, why)
		}
	}
}

// The patch tests all that the plan is made of, and writes key by key: marks of
// ownership stay, and what others add meanwhile.
func TestPatch(t *testing.T) {
	read := answer(t, func(o map[string]any) {
		o["metadata"].(map[string]any)["annotations"] = map[string]any{
			annRevision: "2", annLastApplied: "{}", "team/of-new": "1", "team/kept": "same", "team/changed": "new",
			"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:production/api",
			"meta.helm.sh/release-name":      "shop", "kapp.k14s.io/identity": "v1;x",
		}
	})
	target := revisionOf(t, "api-1", "1", "api:1", map[string]any{"team/kept": "same", "team/changed": "old", "team/of-old": "1", annCause: "first"})
	p, err := makePlan("api", apiWorkload, read, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := p.body()
	if err != nil {
		t.Fatal(err)
	}
	var ops []struct {
		Op, Path string
		Value    json.RawMessage
	}
	if err := json.Unmarshal(body, &ops); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, op := range ops {
		s := op.Op + " " + strings.TrimPrefix(strings.TrimPrefix(op.Path, "/metadata/annotations"), "/")
		if len(op.Value) < 20 {
			s += " " + string(op.Value)
		}
		got = append(got, s)
	}
	want := []string{
		`test metadata/uid "uid-1"`, `test spec/selector`, `test spec/strategy {"type":"Recreate"}`, `test spec/template`, `test spec/minReadySeconds null`, `test spec/paused null`,
		`test argocd.argoproj.io~1tracking-id`, `test kapp.k14s.io~1identity "v1;x"`, `test kubectl.kubernetes.io~1last-applied-configuration "{}"`,
		`test meta.helm.sh~1release-name "shop"`, `test team~1changed "new"`, `test team~1kept "same"`, `test team~1of-new "1"`,
		`test kubernetes.io~1change-cause null`, `test team~1of-old null`,
		`replace team~1changed "old"`, `remove team~1of-new `, `add kubernetes.io~1change-cause "first"`, `add team~1of-old "1"`,
		`replace spec/template`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the patch is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A default target is kubectl's: the second-highest number, wherever it stands.
func TestDefaultTarget(t *testing.T) {
	now := answer(t, nil)
	one := func(numbers ...string) (all []*object) {
		for n, number := range numbers {
			all = append(all, revisionOf(t, "api-"+number, number, fmt.Sprint("api:", 10+n), nil))
		}
		return all
	}
	for _, tt := range []struct {
		revs []*object
		want string
	}{
		{one("1", "2", "3"), "api-2"},
		{one("3", "1", "2"), "api-2"},
		{one("5", "7"), "api-5"},
		{one("7", "5", "6"), "api-6"},
		{one("4"), ""},
		{nil, ""},
	} {
		got, err := targetOf(kinds[model.Deployment], now, tt.revs, "")
		if tt.want == "" {
			if err == nil || !strings.Contains(err.Error(), "no rollout history found") {
				t.Errorf("%v: %v", got, err)
			}
			continue
		}
		if err != nil || got.Metadata.Name != tt.want {
			t.Errorf("%v (%v), want %s", got, err, tt.want)
		}
	}
	if got, err := targetOf(kinds[model.Deployment], now, one("1", "2", "3"), "api-1"); err != nil || got.Metadata.Name != "api-1" {
		t.Errorf("by its name: %v, %v", got, err)
	}
}

// Of two rollbooks that write one workload the other's work is not taken for ours.
func TestLookTellsOursFromAnothers(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		image, manager string
		others         map[string]time.Duration // image of a revision: made so long before
		want           model.Settled
		by             string
	}{
		"still as before":                       {"api:2", "kubectl", nil, model.SettledNot, ""},
		"as planned, by us":                     {"api:1", Manager, nil, model.SettledDone, ""},
		"as planned, by a colleague's kubectl":  {"api:1", "kubectl-rollout", nil, model.SettledDone, "kubectl-rollout at 12:00:00 UTC"},
		"something else, by a colleague":        {"api:9", "kubectl-set", nil, model.SettledForeign, "kubectl-set at 12:00:00 UTC"},
		"another revision, by another rollbook": {"api:0", Manager, map[string]time.Duration{"api:0": time.Hour}, model.SettledForeign, "another rollbook at 12:00:00 UTC"},
		"changed by admission":                  {"api:1-sidecar", Manager, map[string]time.Duration{"api:1-sidecar": 0}, model.SettledDone, ""},
		"changed by admission, not taken up":    {"api:1-sidecar", Manager, map[string]time.Duration{"api:0": time.Hour}, model.SettledDone, ""},
	} {
		c := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/replicasets") {
				var items []any
				for image, ago := range tt.others {
					items = append(items, map[string]any{"metadata": map[string]any{"name": "rs", "namespace": "production", "uid": "rs", "creationTimestamp": at.Add(-ago).Format(time.RFC3339),
						"ownerReferences": []any{map[string]any{"uid": "uid-1", "controller": true}}}, "spec": map[string]any{"template": template(image)}})
				}
				_ = json.NewEncoder(w).Encode(map[string]any{"kind": "ReplicaSetList", "items": items})
				return
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Deployment", "metadata": map[string]any{"name": "api", "namespace": "production", "uid": "uid-1", "resourceVersion": "9", "generation": 9,
				"managedFields": []any{map[string]any{"manager": tt.manager, "operation": "Update", "time": at.Format(time.RFC3339), "fieldsV1": map[string]any{"f:spec": map[string]any{"f:template": map[string]any{}}}}}},
				"spec": map[string]any{"selector": map[string]any{"matchLabels": map[string]any{"app": "api"}}, "template": template(tt.image)}})
		})
		plan, err := makePlan("api", apiWorkload, answer(t, nil), revisionOf(t, "api-1", "1", "api:1", nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := NewUndo(c).Look(context.Background(), plan.Plan)
		if err != nil || got.State != tt.want || got.By != tt.by {
			t.Errorf("%s: %+v (%v), want %q by %q", name, got, err, tt.want, tt.by)
		}
		if (got.Receipt != nil) != (got.State == model.SettledDone) {
			t.Errorf("%s: receipt %+v", name, got.Receipt)
			continue
		}
		if got.Receipt == nil {
			continue
		}
		// A board from before the write waits for it, whoever did it.
		board := &model.Component{Workload: apiWorkload, UID: "uid-1", TemplateHash: plan.FromHash, Generation: 8, Observed: 8}
		if p := (Undo{}).Judge(board, &plan.Plan, got.Receipt); p.Phase != model.PhaseUnknown || p.Text != "waiting for the cluster to show the patch" {
			t.Errorf("%s: on a board from before: %+v", name, p)
		}
	}
}
