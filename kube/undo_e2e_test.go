//go:build e2e

package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollbook/model"
)

// released makes a Deployment with revisions 1 and 2.
func released(t *testing.T, c *Client, ns string) {
	t.Helper()
	kubectl(t, app("api:1"), "-n", ns, "apply", "-f", "-")
	taken(t, c, ns)
	kubectl(t, "", "-n", ns, "set", "image", "deploy/api", "api=api:2")
	taken(t, c, ns)
}

func planOf(t *testing.T, c *Client, ns string, to int64) model.Plan {
	t.Helper()
	pf := preflight(t, c, ns, to)
	if len(pf.Plans) == 0 {
		t.Fatal(pf.Err)
	}
	return pf.Plans[0]
}

func imageOf(t *testing.T, ns string) string {
	t.Helper()
	return kubectl(t, "", "-n", ns, "get", "deploy", "api", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
}

func TestWhatChangedAfterTheConfirmationIsNotOverwritten(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change []string
		words  []string
	}{
		{"template", []string{"set", "image", "deploy/api", "api=api:3"}, []string{"image api:2 → api:3", "kubectl-set"}},
		{"strategy", []string{"patch", "deploy", "api", "-p", `{"spec":{"strategy":{"rollingUpdate":{"maxSurge":3}}}}`}, []string{"spec.strategy", "kubectl-patch"}},
		{"annotation", []string{"annotate", "deploy/api", "team/x=y"}, []string{"annotation team/x", "kubectl-annotate"}},
		{"paused", []string{"rollout", "pause", "deploy/api"}, []string{"spec.paused"}},
		{"somebody undid it first", []string{"rollout", "undo", "deploy/api"}, []string{"revision 1 of deployment/api is"}},
		{"deleted", []string{"delete", "deploy", "api"}, []string{"deployment/api is gone"}},
		{"revision deleted", []string{"delete", "rs", "-l", "app=api"}, []string{"revision 1 of deployment/api is gone"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ns := namespace(t)
			c := client(t, ns, Options{})
			released(t, c, ns)
			plan := planOf(t, c, ns, 1)
			kubectl(t, "", append([]string{"-n", ns}, tt.change...)...)
			if tt.name == "somebody undid it first" {
				taken(t, c, ns)
			}
			before, _ := tryKubectl(t, "", "-n", ns, "get", "deploy", "api", "-o", "jsonpath={.spec}")
			_, err := NewUndo(c).Do(context.Background(), plan, nil)
			if !errors.Is(err, model.ErrChanged) {
				t.Fatalf("got %v", err)
			}
			for _, w := range tt.words {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
			if after, _ := tryKubectl(t, "", "-n", ns, "get", "deploy", "api", "-o", "jsonpath={.spec}"); after != before {
				t.Errorf("it was written: %s", after)
			}
		})
	}
}

func TestStatusAndReplicasDoNotAgeAPlan(t *testing.T) {
	ns := namespace(t)
	var patches atomic.Int32
	var disturb atomic.Int32
	direct := client(t, ns, Options{})
	c := through(t, ns, Options{}, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPatch && r.URL.Query().Get("dryRun") == "" {
			patches.Add(1)
			if disturb.Add(-1) >= 0 { // somebody scales between the read and the write
				kubectl(t, "", "-n", ns, "scale", "deploy/api", fmt.Sprintf("--replicas=%d", 3+patches.Load()))
			}
		}
		next.ServeHTTP(w, r)
	})
	released(t, direct, ns)
	plan := planOf(t, c, ns, 1)
	kubectl(t, "", "-n", ns, "scale", "deploy/api", "--replicas=3")
	disturb.Store(2)
	patches.Store(0)
	w, err := NewUndo(c).Do(context.Background(), plan, nil)
	if err != nil {
		t.Fatal(err)
	}
	// The write is guarded by what the plan is made of, and not by the object's version:
	// nothing has to be read again.
	got, err := detail[undoReceipt](w.Detail)
	if err != nil {
		t.Fatal(err)
	}
	if got.Reads != 0 || patches.Load() != 1 {
		t.Errorf("%d reads again, %d patches; want none, and one", got.Reads, patches.Load())
	}
	if got := imageOf(t, ns); got != "api:1" {
		t.Errorf("image %s", got)
	}
	if want, err := detail[undoDetail](plan.Detail); err != nil || got.TemplateHash != want.ToHash || got.Generation == 0 || got.ResourceVersion == "" {
		t.Errorf("%+v (%v)", got, err)
	}
	if got := kubectl(t, "", "-n", ns, "get", "deploy", "api", "-o", "jsonpath={.spec.replicas}"); got != "4" {
		t.Errorf("replicas %s were not left alone", got)
	}
	out := kubectl(t, "", "-n", ns, "get", "deploy", "api", "-o", "yaml", "--show-managed-fields")
	if !strings.Contains(out, "manager: rollbook") {
		t.Error("the field manager is not rollbook")
	}
	if got, err := NewUndo(c).Look(context.Background(), plan); got.State != model.SettledDone || err != nil {
		t.Errorf("look: %+v %v", got, err)
	}
}

func TestMarksOfOwnershipStay(t *testing.T) {
	ns := namespace(t)
	c := client(t, ns, Options{})
	released(t, c, ns)
	id := "shop:apps/Deployment:" + ns + "/api"
	kubectl(t, "", "-n", ns, "annotate", "deploy/api", "argocd.argoproj.io/tracking-id="+id, "meta.helm.sh/release-name=shop", "kapp.k14s.io/identity=v1")
	taken(t, c, ns)
	plan, begun := planOf(t, c, ns, 1), time.Now()
	if _, err := NewUndo(c).Do(context.Background(), plan, nil); err != nil {
		t.Fatal(err)
	}
	t.Logf("read again, compared, written and answered in %v", time.Since(begun).Round(time.Millisecond))
	d, _ := taken(t, c, ns)
	for k, v := range map[string]string{"argocd.argoproj.io/tracking-id": id, "meta.helm.sh/release-name": "shop", "kapp.k14s.io/identity": "v1"} {
		if d.Metadata.Annotations[k] != v {
			t.Errorf("%s is %q", k, d.Metadata.Annotations[k])
		}
	}
}

func TestRefusedForLackOfAccess(t *testing.T) {
	ns := namespace(t)
	admin := client(t, ns, Options{})
	released(t, admin, ns)
	kubectl(t, "", "-n", ns, "create", "role", "look", "--verb=get,list", "--resource=deployments.apps,replicasets.apps")
	kubectl(t, "", "-n", ns, "create", "rolebinding", "look", "--role=look", "--user=e2e-looker")
	c := client(t, ns, Options{}, func(f *Flags) { f.AuthInfo.Impersonate = "e2e-looker" })
	pf := preflight(t, c, ns, 1)
	ch := line(t, pf, "access.patch")
	if ch.State != model.CheckBlocked || !ch.Hard || !strings.Contains(ch.Text, "patch deployments") {
		t.Errorf("%+v", ch)
	}
	if ch := line(t, pf, "dryrun"); ch.State != model.CheckBlocked || !strings.Contains(ch.Text, `User "e2e-looker" cannot patch resource "deployments"`) {
		t.Errorf("%+v", ch)
	}
	_, err := NewUndo(c).Do(context.Background(), pf.Plans[0], nil)
	if !errors.Is(err, model.ErrRefused) || !strings.Contains(err.Error(), `cannot patch resource "deployments"`) {
		t.Errorf("got %v", err)
	}
	if got := imageOf(t, ns); got != "api:2" {
		t.Errorf("image %s", got)
	}
}

func TestReadOnlyWritesNothing(t *testing.T) {
	ns := namespace(t)
	released(t, client(t, ns, Options{}), ns)
	c := client(t, ns, Options{ReadOnly: true})
	pf := preflight(t, c, ns, 1)
	if ch := line(t, pf, "dryrun"); ch.State != model.CheckUnknown || !strings.Contains(ch.Text, "read-only") {
		t.Errorf("%+v", ch)
	}
	if _, err := NewUndo(c).Do(context.Background(), pf.Plans[0], nil); !errors.Is(err, model.ErrReadOnly) {
		t.Errorf("got %v", err)
	}
	if err := c.PostEvent(context.Background(), pf.Plans[0].Workload, "uid", "x"); !errors.Is(err, model.ErrReadOnly) {
		t.Errorf("got %v", err)
	}
	p, _, err := c.plan(context.Background(), workloadIn(ns), numbered(t, c, workloadIn(ns), 1).Key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.patch(context.Background(), p); !errors.Is(err, model.ErrReadOnly) {
		t.Errorf("past the first gate: %v", err)
	}
}

// TestLost cuts the answer off after the write, and the request before it.
func TestLost(t *testing.T) {
	ns := namespace(t)
	direct := client(t, ns, Options{})
	released(t, direct, ns)
	var patches, answer atomic.Int32
	c := through(t, ns, Options{}, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method != http.MethodPatch || r.URL.Query().Get("dryRun") != "" {
			next.ServeHTTP(w, r)
			return
		}
		patches.Add(1)
		switch code := int(answer.Load()); code {
		case 0:
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case -1:
			panic(http.ErrAbortHandler)
		default:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(code)
			fmt.Fprint(w, "proxy is unwell")
		}
	})
	plan := planOf(t, c, ns, 1)
	for _, code := range []int32{-1, 502, 503, 504} {
		answer.Store(code)
		patches.Store(0)
		if _, err := NewUndo(c).Do(context.Background(), plan, nil); !errors.Is(err, model.ErrLost) {
			t.Errorf("%d: got %v", code, err)
		}
		if patches.Load() != 1 {
			t.Errorf("%d: sent %d times", code, patches.Load())
		}
		if got, err := NewUndo(c).Look(context.Background(), plan); got.State != model.SettledNot || err != nil {
			t.Errorf("%d: look: %+v %v", code, got, err)
		}
	}
	answer.Store(0)
	patches.Store(0)
	if _, err := NewUndo(c).Do(context.Background(), plan, nil); !errors.Is(err, model.ErrLost) {
		t.Errorf("got %v", err)
	}
	if patches.Load() != 1 {
		t.Errorf("sent %d times", patches.Load())
	}
	if got, err := NewUndo(c).Look(context.Background(), plan); got.State != model.SettledDone || err != nil {
		t.Errorf("look: %+v %v", got, err)
	}
	kubectl(t, "", "-n", ns, "set", "image", "deploy/api", "api=api:9")
	if got, err := NewUndo(c).Look(context.Background(), plan); got.State != model.SettledForeign || !strings.Contains(got.By, "kubectl-set") || err != nil {
		t.Errorf("look: %+v %v", got, err)
	}
}

func TestNotSentIsRefused(t *testing.T) {
	ns := namespace(t)
	c, w := overWire(t, ns)
	released(t, c, ns)
	p, _, err := c.plan(context.Background(), workloadIn(ns), numbered(t, c, workloadIn(ns), 1).Key)
	if err != nil {
		t.Fatal(err)
	}
	w.Stop()
	_, err = c.patch(context.Background(), p)
	for errors.As(err, new(*unreached)) && !errors.As(err, new(notSent)) { // the connection was noticed to be dead only now
		_, err = c.patch(context.Background(), p)
	}
	if err := c.refusal(p.Workload.String(), "rolled back", err); !errors.Is(err, model.ErrRefused) || !strings.Contains(err.Error(), "never left") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
}

// without takes a field out of a JSON value, wherever it stands.
func without(v any, field string) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, field)
		for k := range v {
			v[k] = without(v[k], field)
		}
	case []any:
		for n := range v {
			v[n] = without(v[n], field)
		}
	}
	return v
}

// TestUnknownFieldsSurvive has a proxy put fields that no library knows into
// the templates that are read, and looks at the patch.
func TestUnknownFieldsSurvive(t *testing.T) {
	ns := namespace(t)
	direct := client(t, ns, Options{})
	released(t, direct, ns)
	const future = `"futureField":{"big":12345678901234567890,"exact":1.50,"html":"<&>"}`
	var sent atomic.Value
	c := through(t, ns, Options{}, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		switch {
		case r.Method == http.MethodPatch:
			b := readBody(r)
			if r.URL.Query().Get("dryRun") == "" {
				sent.Store(b)
			}
			// The server that has such a field would have it in what is compared.
			v, err := tree(b)
			if err != nil {
				t.Error(err)
			}
			if b, err = json.Marshal(without(v, "futureField")); err != nil {
				t.Error(err)
			}
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
			next.ServeHTTP(w, r)
		case strings.Contains(r.URL.Path, "replicasets") || strings.HasSuffix(r.URL.Path, "deployments/api"):
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			b := bytes.ReplaceAll(rec.Body.Bytes(), []byte(`"terminationGracePeriodSeconds":1,`), []byte(`"terminationGracePeriodSeconds":1,`+future+","))
			w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
			w.WriteHeader(rec.Code)
			w.Write(b)
		default:
			next.ServeHTTP(w, r)
		}
	})
	if said := undone(t, c, ns, 1); said != "" {
		t.Fatal(said)
	}
	b, _ := sent.Load().([]byte)
	var ops []struct {
		Op, Path string
		Value    json.RawMessage
	}
	if err := json.Unmarshal(b, &ops); err != nil {
		t.Fatal(err)
	}
	want, _ := tree([]byte("{" + future + "}"))
	for _, op := range ops {
		if op.Path != "/spec/template" || op.Op == "test" {
			continue
		}
		v, err := tree(op.Value)
		if err != nil {
			t.Fatal(err)
		}
		got := object2(object2(v)["spec"])["futureField"]
		if model.Digest(got) != model.Digest(object2(want)["futureField"]) {
			t.Errorf("got %v in %s", got, op.Value)
		}
		if bytes.Contains(op.Value, []byte(labelHash)) {
			t.Errorf("the hash label was patched: %s", op.Value)
		}
		return
	}
	t.Fatalf("no template in %s", b)
}

func TestAdmissionsWordsAreKept(t *testing.T) {
	ns := namespace(t)
	direct := client(t, ns, Options{})
	released(t, direct, ns)
	c := through(t, ns, Options{}, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPatch {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"admission webhook \"gate\" denied the request: freeze until Monday\u001b[31m"}`)
			return
		}
		next.ServeHTTP(w, r)
	})
	pf := preflight(t, c, ns, 1)
	ch := line(t, pf, "dryrun")
	if ch.State != model.CheckBlocked || !strings.Contains(ch.Text, "freeze until Monday") || strings.Contains(ch.Text, "\x1b") {
		t.Errorf("%+v", ch)
	}
	if _, err := NewUndo(c).Do(context.Background(), pf.Plans[0], nil); !errors.Is(err, model.ErrRefused) || !strings.Contains(err.Error(), "freeze until Monday") || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("%v", err)
	}
}
