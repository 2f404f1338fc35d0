package porttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollbook/model"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func undoBringsBack(t *testing.T, b *Bed) {
	ns := b.released(t, 3)
	c := b.Connect(t, ns, nil)
	p := plan(t, c, ns, 1)
	written, err := c.Do(limited(t), *p, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := b.deployment(t, ns, "api")
	a := d.Metadata.Annotations
	if d.image() != "contract/api:1" || a["kubernetes.io/change-cause"] != "first" || a["team/of-old"] != "yes" || a["team/new"] != "" {
		t.Errorf("image %s, annotations %v", d.image(), a)
	}
	if d.Spec.Template.Metadata.Labels["pod-template-hash"] != "" {
		t.Error("the hash label was written")
	}
	if got := detail(t, written.Detail); got.TemplateHash != detail(t, p.Detail).ToHash || got.ResourceVersion == "" || got.Generation == 0 ||
		got.Generation > d.Metadata.Generation || written.At.IsZero() || !strings.Contains(written.Text, "resourceVersion "+got.ResourceVersion) {
		t.Errorf("written %+v", written)
	}
	managers := fmt.Sprint(d.Metadata.ManagedFields)
	if !strings.Contains(managers, "{rollbook}") {
		t.Errorf("managers are %s", managers)
	}
}

func undoChanged(t *testing.T, b *Bed) {
	ns := b.released(t, 3)
	c := b.Connect(t, ns, nil)
	for _, tc := range []struct {
		change string
		words  []string
	}{
		{`{"spec":{"template":{"spec":{"containers":[{"name":"api","image":"contract/api:9"}]}}}}`, []string{"contract/api:9", someone}},
		{`{"metadata":{"annotations":{"team/x":"y"}}}`, []string{"annotation team/x", someone}},
		{`{"spec":{"strategy":{"rollingUpdate":{"maxSurge":3}}}}`, []string{"spec.strategy"}},
	} {
		p := plan(t, c, ns, 1)
		b.patch(t, ns, "api", strategic, tc.change)
		b.taken(t, ns, "api")
		before := b.deployment(t, ns, "api")
		_, err := c.Do(limited(t), *p, nil)
		if !errors.Is(err, model.ErrChanged) {
			t.Fatalf("after %s: %v", tc.change, err)
		}
		for _, w := range tc.words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q does not say %q", err, w)
			}
		}
		if after := b.deployment(t, ns, "api"); after.Metadata.Generation != before.Metadata.Generation || after.image() != before.image() {
			t.Error("it was written over")
		}
	}
}

// Somebody scales between the read and the write: only the version has moved, and
// the write is done. What the plan is made of changes and is as before again: it is
// read again, and the write is done once.
func undoTolerates(t *testing.T, b *Bed) {
	ns := b.released(t, 2)
	var disturb, patches atomic.Int32
	c := b.through(t, ns, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPatch && r.URL.Query().Get("dryRun") == "" {
			patches.Add(1)
			switch disturb.Add(-1) {
			case 1:
				b.patch(t, ns, "api", merge, `{"spec":{"minReadySeconds":1}}`)
				rec := httptest.NewRecorder()
				next.ServeHTTP(rec, r)
				b.patch(t, ns, "api", merge, `{"spec":{"minReadySeconds":0}}`)
				w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
				w.WriteHeader(rec.Code)
				_, _ = w.Write(rec.Body.Bytes())
				return
			case 0:
				b.patch(t, ns, "api", merge, `{"spec":{"replicas":3},"metadata":{"annotations":{"team/x":"y"}}}`)
			}
		}
		next.ServeHTTP(w, r)
	})
	p := plan(t, c, ns, 1)
	disturb.Store(2)
	written, err := c.Do(limited(t), *p, nil)
	if err != nil {
		t.Fatal(err)
	}
	// A new annotation is nothing that the plan rests on, and stays.
	if reads := detail(t, written.Detail).Reads; reads != 1 || int(patches.Load()) != 2 {
		t.Errorf("%d reads again, %d patches", reads, patches.Load())
	}
	if d := b.deployment(t, ns, "api"); d.image() != "contract/api:1" || d.Spec.Replicas != 3 || d.Metadata.Annotations["team/x"] != "y" {
		t.Errorf("image %s, %d replicas, annotations %v", d.image(), d.Spec.Replicas, d.Metadata.Annotations)
	}
}

func undoPaused(t *testing.T, b *Bed) {
	ns := b.released(t, 2)
	c := b.Connect(t, ns, nil)
	b.patch(t, ns, "api", merge, `{"spec":{"paused":true}}`)
	b.patch(t, ns, "api", strategic, `{"spec":{"template":{"spec":{"containers":[{"name":"api","image":"contract/api:bad"}]}}}}`)
	pf := preflight(t, c, ns, 1)
	p := planIn(t, pf)
	if !detail(t, p.Detail).Unpause || !strings.HasSuffix(p.Title, ", and resume it") || check(t, pf, "paused").State != model.CheckWarning {
		t.Fatalf("%+v", pf)
	}
	if _, err := c.Do(limited(t), *p, nil); err != nil {
		t.Fatal(err)
	}
	b.taken(t, ns, "api")
	d := b.deployment(t, ns, "api")
	if d.Spec.Paused || d.image() != "contract/api:1" {
		t.Errorf("paused %v, image %s", d.Spec.Paused, d.image())
	}
	for _, s := range b.sets(t, ns, "api") {
		if s.image() == "contract/api:bad" {
			t.Error("the pending template was released")
		}
	}
}

func undoEqual(t *testing.T, b *Bed) {
	ns := b.released(t, 2)
	c := b.Connect(t, ns, nil)
	p := plan(t, c, ns, 2)
	if !p.Same {
		t.Errorf("plan %+v", p)
	}
	before := b.deployment(t, ns, "api")
	if _, err := c.Do(limited(t), *p, nil); err != nil && !errors.Is(err, model.ErrRefused) && !errors.Is(err, model.ErrChanged) {
		t.Errorf("%v", err)
	}
	if after := b.deployment(t, ns, "api"); after.Metadata.Generation != before.Metadata.Generation {
		t.Errorf("generation %d → %d", before.Metadata.Generation, after.Metadata.Generation)
	}
}

// A server that is newer than our types: a field is put into every template
// that is read, and has to be in the patch, number for number.
func undoUnknownFields(t *testing.T, b *Bed) {
	ns := b.released(t, 2)
	const future = `"futureField":{"big":12345678901234567890,"exact":1.50,"html":"<&>"}`
	var sent atomic.Value
	c := b.through(t, ns, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		switch {
		case r.Method == http.MethodPatch:
			body := bodyOf(t, r)
			if r.URL.Query().Get("dryRun") == "" {
				sent.Store(body)
			}
			r.Body = io.NopCloser(bytes.NewReader(writesOnly(t, body))) // the server does not have that field to test it
			r.ContentLength = -1
			next.ServeHTTP(w, r)
		case strings.Contains(r.URL.Path, "replicasets") || strings.HasSuffix(r.URL.Path, "deployments/api"):
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			const known = `"terminationGracePeriodSeconds":1`
			w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
			w.WriteHeader(rec.Code)
			_, _ = w.Write(bytes.ReplaceAll(rec.Body.Bytes(), []byte(known), []byte(known+","+future)))
		default:
			next.ServeHTTP(w, r)
		}
	})
	if _, err := c.Do(limited(t), *plan(t, c, ns, 1), nil); err != nil {
		t.Fatal(err)
	}
	body, _ := sent.Load().([]byte)
	var ops []struct {
		Op, Path string
		Value    json.RawMessage
	}
	if err := json.Unmarshal(body, &ops); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	for _, op := range ops {
		if op.Path != "/spec/template" || op.Op == "test" {
			continue
		}
		var v struct {
			Spec struct {
				FutureField struct {
					Big, Exact json.Number
					HTML       string
				}
			}
		}
		if err := json.Unmarshal(op.Value, &v); err != nil {
			t.Fatal(err)
		}
		if f := v.Spec.FutureField; f.Big != "12345678901234567890" || f.Exact != "1.50" || f.HTML != "<&>" {
			t.Errorf("it became %+v in %s", f, op.Value)
		}
		return
	}
	t.Fatalf("no template in %s", body)
}

// writesOnly takes the tests out of a JSON patch.
func writesOnly(t *testing.T, body []byte) []byte {
	t.Helper()
	var ops, out []map[string]json.RawMessage
	decode(t, body, &ops)
	for _, op := range ops {
		if string(op["op"]) != `"test"` {
			out = append(out, op)
		}
	}
	raw, err := json.Marshal(out)
	if err != nil {
		t.Error(err)
	}
	return raw
}

func undoReuses(t *testing.T, b *Bed) {
	ns := b.released(t, 3)
	c := b.Connect(t, ns, nil)
	w := watch(t, c)
	w.until(60*time.Second, "api", "is settled", settled)
	first := b.setOf(t, ns, "api", "1")
	p := plan(t, c, ns, 1)
	written, err := c.Do(limited(t), *p, nil)
	if err != nil {
		t.Fatal(err)
	}
	after := w.until(60*time.Second, "api", "is back", func(c *model.Component) bool {
		return c.Observed >= detail(t, written.Detail).Generation && c.TemplateHash == detail(t, p.Detail).ToHash && c.Revision == 4 && settled(c)
	})
	if got := c.Judge(after, p, &written); got.Phase != model.PhaseFinished || got.Share != 1 {
		t.Errorf("judged %+v", got)
	}
	if after.OwnerName != first.Metadata.Name || after.Progressing.Reason != "NewReplicaSetAvailable" || !after.Progressing.Updated.After(detail(t, p.Detail).Before.Add(-time.Second)) {
		t.Errorf("after: %s, of %s", show(after), after.OwnerName)
	}
	again := b.setOf(t, ns, "api", "4")
	if again.Metadata.UID != first.Metadata.UID || again.Metadata.Annotations["deployment.kubernetes.io/revision-history"] != "1" {
		t.Errorf("the ReplicaSet is %+v, was %+v", again, first)
	}
	for _, s := range b.sets(t, ns, "api") {
		if want := map[bool]int{true: 2, false: 0}[s.Metadata.UID == first.Metadata.UID]; s.Spec.Replicas != want {
			t.Errorf("revision %s has %d replicas", s.revision(), s.Spec.Replicas)
		}
	}
}

// A pod that crashes goes before one that serves: the serving ones are the
// same after the undo.
func undoTakesFailingFirst(t *testing.T, b *Bed) {
	ns := b.Shop(t)
	c := b.Connect(t, ns, nil)
	w := watch(t, c)
	before := w.until(30*time.Second, "backend-python", "is settled", settled)
	b.Release(t, ns, Crash)
	w.until(2*time.Minute, "backend-python", "crashes", func(c *model.Component) bool {
		return len(c.Pods) == 4 && c.Pods[0].Failing && c.Available == 3
	})
	comp := w.get("backend-python")
	if _, err := c.Do(limited(t), *planIn(t, preflightOf(t, c, comp, before.Revision)), nil); err != nil {
		t.Fatal(err)
	}
	after := w.until(time.Minute, "backend-python", "is back", func(c *model.Component) bool { return c.Revision == before.Revision+2 && settled(c) })
	was := map[string]bool{}
	for _, p := range before.Pods {
		was[p.UID] = true
	}
	for _, p := range after.Pods {
		if !was[p.UID] {
			t.Errorf("%s is new: one that served was taken", p.Name)
		}
	}
}

func eventIsSeen(t *testing.T, b *Bed) {
	ns := b.released(t, 1)
	c := b.Connect(t, ns, nil)
	d := b.deployment(t, ns, "api")
	if err := c.PostEvent(limited(t), workload(ns, "api"), d.Metadata.UID, "rolled back to revision 1\x1b[31m"); err != nil {
		t.Fatal(err)
	}
	var list struct {
		Items []struct {
			Reason, Message, Type string
			Source                struct{ Component string }
			Metadata              struct{ CreationTimestamp time.Time }
		}
	}
	q := url.Values{"fieldSelector": {"involvedObject.uid=" + d.Metadata.UID + ",reason=Rollback"}}
	b.ask(t, http.MethodGet, "/api/v1/namespaces/"+ns+"/events?"+q.Encode(), "", "", &list)
	if len(list.Items) != 1 {
		t.Fatalf("%+v", list)
	}
	if e := list.Items[0]; !strings.HasPrefix(e.Message, "rolled back to revision 1") || strings.Contains(e.Message, "\x1b") || e.Type != "Normal" || e.Source.Component != "rollbook" {
		t.Errorf("%+v", e)
	}
	w := watch(t, c)
	eventually(t, 20*time.Second, "the watch sees it", func() string {
		for _, e := range w.now().Events {
			if e.Component == "api" && e.Reason == "Rollback" && e.Object == "deployment/api" {
				return ""
			}
		}
		return fmt.Sprintf("%+v", w.now().Events)
	})
}
