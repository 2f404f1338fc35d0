//go:build e2e

package kube

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

func TestPreflightLines(t *testing.T) {
	ns := namespace(t)
	c := client(t, ns, Options{})
	kubectl(t, `{"apiVersion":"v1","kind":"List","items":[
	 {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kept"},"data":{"a":"1"}},
	 {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"moved"},"data":{"a":"1"}},
	 {"apiVersion":"v1","kind":"Secret","metadata":{"name":"gone"},"stringData":{"a":"1"}}]}`, "-n", ns, "apply", "-f", "-")
	kubectl(t, app("api:1"), "-n", ns, "apply", "-f", "-")
	kubectl(t, "", "-n", ns, "patch", "deploy", "api", "-p", `{"spec":{"template":{"spec":{"containers":[{"name":"api","image":"api:latest",
	 "resources":{"requests":{"cpu":"1"}},
	 "envFrom":[{"configMapRef":{"name":"kept"}},{"secretRef":{"name":"gone"}},{"configMapRef":{"name":"never","optional":true}}],
	 "env":[{"name":"M","valueFrom":{"configMapKeyRef":{"name":"moved","key":"a"}}}]}]}}}}`)
	taken(t, c, ns)
	time.Sleep(1100 * time.Millisecond) // times have whole seconds
	kubectl(t, "", "-n", ns, "set", "image", "deploy/api", "api=api:3")
	taken(t, c, ns)
	time.Sleep(1100 * time.Millisecond)
	kubectl(t, "", "-n", ns, "delete", "secret", "gone")
	kubectl(t, "", "-n", ns, "patch", "configmap", "moved", "-p", `{"data":{"a":"2"}}`)
	kubectl(t, "", "-n", ns, "autoscale", "deploy/api", "--name=hpa1", "--min=2", "--max=7", "--cpu-percent=80")
	kubectl(t, "", "-n", ns, "create", "pdb", "pdb1", "--selector=app=api", "--min-available=1")
	kubectl(t, "", "-n", ns, "create", "quota", "tight", "--hard=requests.cpu=2,pods=3")
	kubectl(t, "", "-n", ns, "label", "deploy/api", "kustomize.toolkit.fluxcd.io/name=apps", "kustomize.toolkit.fluxcd.io/namespace=flux-system")
	kubectl(t, "", "-n", ns, "annotate", "deploy/api", "argocd.argoproj.io/tracking-id=shop:apps/Deployment:"+ns+"/api")
	eventually(t, 5*time.Second, "the quota is counted", func() bool {
		return kubectl(t, "", "-n", ns, "get", "quota", "tight", "-o", "jsonpath={.status.used.requests\\.cpu} {.status.used.pods}") == "2 2"
	})
	begun := time.Now()
	pf := preflight(t, c, ns, 2)
	took := time.Since(begun)
	t.Logf("took %v", took)
	for _, ch := range pf.Checks {
		t.Logf("%d %s: %s (do: %s)", ch.State, ch.ID, ch.Text, ch.Do)
	}
	t.Log(pf.Plans[0].Stays, pf.Plans[0].Command)
	for id, want := range map[string]struct {
		state model.CheckState
		words string
	}{
		"access.patch":             {model.CheckOK, "patch deployments"},
		"revision":                 {model.CheckOK, "revision 2"},
		"dryrun":                   {model.CheckOK, "server dry run"},
		"paused":                   {model.CheckOK, "not paused"},
		"owner.flux":               {model.CheckBlocked, "flux-system/apps"},
		"owner.argocd":             {model.CheckWarning, "not known"},
		"secret.gone:gone":         {model.CheckBlocked, "cannot start"},
		"configmap.changed:moved":  {model.CheckWarning, "by kubectl-patch"},
		"refs":                     {model.CheckOK, "configmap kept"},
		"hpa:hpa1":                 {model.CheckNote, "2..7"},
		"pdb:pdb1":                 {model.CheckNote, "does not limit"},
		"quota:tight/requests.cpu": {model.CheckWarning, "needs 1"},
		"image.tag:api:latest":     {model.CheckWarning, "moving tag"},
	} {
		if ch := line(t, pf, id); ch.State != want.state || !strings.Contains(ch.Text, want.words) {
			t.Errorf("%s: %+v", id, ch)
		}
	}
	for _, ch := range pf.Checks {
		if strings.Contains(ch.ID, "never") {
			t.Errorf("an optional configmap was asked for: %+v", ch)
		}
	}
	if s := strings.Join(pf.Plans[0].Stays, "; "); !strings.Contains(s, "replicas 2") || !strings.Contains(s, "configmap moved (changed ") || !strings.Contains(s, "schema") {
		t.Errorf("stays: %s", s)
	}
	if again := preflight(t, c, ns, 2); again.Plans[0].ID != pf.Plans[0].ID {
		t.Error("the plan's ID changed without a change")
	}
}

// TestPreflightDoesNotWait has one answer never come.
func TestPreflightDoesNotWait(t *testing.T) {
	ns := namespace(t)
	released(t, client(t, ns, Options{}), ns)
	c := through(t, ns, Options{}, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.Contains(r.URL.Path, "horizontalpodautoscalers") {
			<-r.Context().Done()
			return
		}
		next.ServeHTTP(w, r)
	})
	var last model.Preflight
	states, best := 0, time.Hour
	for range 3 { // other programs on the machine only make it longer
		begun := time.Now()
		states = 0
		NewUndo(c).Plan(context.Background(), workloadIn(ns), model.Version{}, func(p model.Preflight) { last = p; states++ })
		best = min(best, time.Since(begun))
	}
	if best < preflightLimit-100*time.Millisecond || best > preflightLimit+300*time.Millisecond {
		t.Errorf("took %v", best)
	}
	if ch := line(t, last, "hpa"); ch.State != model.CheckUnknown || !strings.Contains(ch.Text, "no answer within 3s") || !last.Done || states < 3 {
		t.Errorf("%+v after %d states", ch, states)
	}
	if last.Plans[0].To.Short != "1" {
		t.Errorf("kubectl's default is 1, not %s", last.Plans[0].To)
	}
}

func TestPausedIsOffered(t *testing.T) {
	ns := namespace(t)
	c := client(t, ns, Options{})
	released(t, c, ns)
	kubectl(t, "", "-n", ns, "rollout", "pause", "deploy/api")
	kubectl(t, "", "-n", ns, "set", "image", "deploy/api", "api=api:3")
	pf := preflight(t, c, ns, 2)
	if ch := line(t, pf, "paused"); ch.State != model.CheckWarning || !strings.HasSuffix(pf.Plans[0].Title, ", and resume it") || pf.Plans[0].Same {
		t.Errorf("%+v %+v", ch, pf.Plans)
	}
}

func TestHistoryTellsWhenAndWhat(t *testing.T) {
	ns := namespace(t)
	c := client(t, ns, Options{})
	released(t, c, ns) // 1, 2
	kubectl(t, "", "-n", ns, "annotate", "deploy/api", "kubernetes.io/change-cause=two")
	kubectl(t, "", "-n", ns, "rollout", "restart", "deploy/api") // 3
	taken(t, c, ns)
	time.Sleep(1500 * time.Millisecond)
	at := time.Now().Truncate(time.Second)
	kubectl(t, "", "-n", ns, "rollout", "undo", "deploy/api", "--to-revision=1") // 1 becomes 4
	taken(t, c, ns)
	h, err := NewUndo(c).Versions(context.Background(), workloadIn(ns), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var numbers []string
	for _, r := range h.Candidates {
		numbers = append(numbers, r.Short)
	}
	if len(numbers) != 3 || numbers[0] != "4" || numbers[1] != "3" || numbers[2] != "2" {
		t.Fatalf("revisions %v", numbers)
	}
	now, three, two := h.Candidates[0], h.Candidates[1], h.Candidates[2]
	if !now.Current || now.Guessed || now.Start.Before(at) || now.By == "" || len(now.Changes) != 0 {
		t.Errorf("current: %+v", now)
	}
	if three.RestartOf != two.Key || three.Guessed || !three.CauseCopied || two.CauseCopied {
		t.Errorf("restart: %+v, %+v", three, two)
	}
	if len(two.Changes) != 1 || two.Changes[0] != (model.Change{Kind: "image", From: "api:1", To: "api:2"}) {
		t.Errorf("changes: %+v", two.Changes)
	}
	kubectl(t, `{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db"},"spec":{"serviceName":"db","selector":{"matchLabels":{"a":"db"}},
	 "template":{"metadata":{"labels":{"a":"db"}},"spec":{"containers":[{"name":"db","image":"pg:1"}]}}}}`, "-n", ns, "apply", "-f", "-")
	kubectl(t, "", "-n", ns, "set", "image", "sts/db", "db=pg:2")
	db := &model.Component{ID: "db", Workload: model.Workload{Kind: model.StatefulSet, Namespace: ns, Name: "db"}}
	eventually(t, 10*time.Second, "both revisions are there", func() bool {
		h, err = NewUndo(c).Versions(context.Background(), db, time.Now())
		return err == nil && len(h.Candidates) == 2
	})
	if r := h.Candidates[1]; r.Short != "1" || h.Candidates[0].Current != true || len(r.Changes) != 1 || r.Changes[0].To != "pg:1" {
		t.Errorf("%+v", h.Candidates)
	}
	var last model.Preflight
	NewUndo(c).Plan(context.Background(), db, numbered(t, c, db, 1), func(p model.Preflight) { last = p })
	if len(last.Plans) != 1 || !strings.HasPrefix(last.Plans[0].Command, "kubectl --") || !strings.HasSuffix(last.Plans[0].Command, " -n "+ns+" rollout undo statefulset/db --to-revision=1") {
		t.Errorf("%+v", last)
	}
}
