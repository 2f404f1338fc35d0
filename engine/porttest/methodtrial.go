package porttest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollbook/engine"
	"rollbook/model"
)

// runMethods tries the contract of any method on those of the cluster.
func runMethods(t *testing.T, in In) {
	for _, kind := range []model.Kind{model.Deployment, model.StatefulSet, model.DaemonSet} {
		t.Run("Method/undo of a "+string(kind), func(t *testing.T) {
			RunMethod(t, func(t *testing.T, f func(t *testing.T, x *Trial)) {
				in(t, func(t *testing.T, b *Bed) { f(t, undoTrial(t, b, kind)) })
			})
		})
	}
	t.Run("Method/delete pod", func(t *testing.T) {
		RunMethod(t, func(t *testing.T, f func(t *testing.T, x *Trial)) {
			in(t, func(t *testing.T, b *Bed) { f(t, deletePodTrial(t, b)) })
		})
	})
	for _, kind := range []model.Kind{model.Deployment, model.StatefulSet} {
		t.Run("Method/scale of a "+string(kind), func(t *testing.T) {
			RunMethod(t, func(t *testing.T, f func(t *testing.T, x *Trial)) {
				in(t, func(t *testing.T, b *Bed) { f(t, scaleTrial(t, b, kind)) })
			})
		})
	}
	t.Run("Method/maintenance", func(t *testing.T) {
		RunMethod(t, func(t *testing.T, f func(t *testing.T, x *Trial)) {
			in(t, func(t *testing.T, b *Bed) { f(t, pageTrial(t, b)) })
		})
	})
	t.Run("Method/fault", func(t *testing.T) { // of one kind: what differs between them is below
		RunMethod(t, func(t *testing.T, f func(t *testing.T, x *Trial)) {
			in(t, func(t *testing.T, b *Bed) { f(t, faultTrial(t, b)) })
		})
	})
	for _, kind := range []model.Kind{model.Deployment, model.StatefulSet, model.DaemonSet} {
		t.Run("Fault/broken and put back, a "+string(kind), func(t *testing.T) {
			in(t, func(t *testing.T, b *Bed) { brokenAndPutBack(t, b, kind) })
		})
	}
	t.Run("Page/on and off", func(t *testing.T) { in(t, pageOnAndOff) })
	t.Run("Scale/stopped and brought back", func(t *testing.T) { in(t, stoppedAndBack) })
	t.Run("Method/redeploy", func(t *testing.T) {
		RunMethod(t, func(t *testing.T, f func(t *testing.T, x *Trial)) {
			in(t, func(t *testing.T, b *Bed) { f(t, redeployTrial(t, b)) })
		})
	})
	t.Run("Method/redeploy that makes it anew", func(t *testing.T) {
		RunMethod(t, func(t *testing.T, f func(t *testing.T, x *Trial)) {
			in(t, func(t *testing.T, b *Bed) { f(t, anewTrial(t, b, model.Deployment)) })
		})
	})
	t.Run("Redeploy/pods that stay are taken over", func(t *testing.T) {
		in(t, func(t *testing.T, b *Bed) { progressEnds(t, anewTrial(t, b, model.StatefulSet)) })
	})
}

// wire is a proxy before the API server.
type wire struct {
	mu     sync.Mutex
	writes int
	lose   int     // +1 the next write's answer, -1 the next write itself
	answer *Answer // to the next write, which goes no further
}

// isWrite: a dry run and a question about the asker's rights change nothing.
func isWrite(r *http.Request) bool {
	if strings.HasSuffix(r.URL.Path, "/exec") {
		args := r.URL.Query()["command"]
		return slices.Contains(args, "downgrade") && !slices.Contains(args, "--sql") || slices.Contains(args, "migrate") && !slices.Contains(args, "--plan")
	}
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.URL.Query().Get("dryRun") == "" && !strings.Contains(r.URL.Path, "/selfsubject")
}

func (w *wire) handle(out http.ResponseWriter, r *http.Request, next http.Handler) {
	if !isWrite(r) {
		next.ServeHTTP(out, r)
		return
	}
	w.mu.Lock()
	w.writes++
	lose, answer := w.lose, w.answer
	w.lose, w.answer = 0, nil
	w.mu.Unlock()
	switch {
	case answer != nil:
		for k, v := range answer.Header {
			out.Header().Set(k, v)
		}
		out.WriteHeader(answer.Code)
		_, _ = out.Write([]byte(answer.Body))
		return
	case lose > 0:
		next.ServeHTTP(&deaf{httptest.NewRecorder()}, r)
		panic(http.ErrAbortHandler)
	case lose < 0:
		panic(http.ErrAbortHandler)
	}
	next.ServeHTTP(out, r)
}

// deaf is a client that hears nothing of an answer, also of a stream's.
type deaf struct{ *httptest.ResponseRecorder }

// Hijack gives a connection of which nobody reads more than that it goes on.
func (deaf) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	here, there := net.Pipe()
	go func() {
		_, _ = io.Copy(io.Discard, there)
		there.Close()
	}()
	return here, bufio.NewReadWriter(bufio.NewReader(here), bufio.NewWriter(here)), nil
}

// Between returns what stands before a service and is a trial's Wire.
func Between(service http.Handler) (http.Handler, Wire) {
	w := &wire{}
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { w.handle(out, r, service) }), w
}

// Writes returns how many writes came by.
func (w *wire) Writes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writes
}

// Lose lets the next write, or only its answer, be lost.
func (w *wire) Lose(after bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lose = -1; after {
		w.lose = 1
	}
}

// Instead lets the next write go no further, and answers it so.
func (w *wire) Instead(a Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = &a
}

// trial returns a method of the cluster with the ways to it; what it is tried on is
// for the caller to add.
func (b *Bed) trial(t *testing.T, ns string, name model.Method, repository string) *Trial {
	t.Helper()
	return b.trialAs(t, ns, name, Login{Repository: repository})
}

// trialAs does so for a program that is configured like a login.
func (b *Bed) trialAs(t *testing.T, ns string, name model.Method, as Login) *Trial {
	t.Helper()
	w := &wire{}
	via := b.proxy(t, w.handle)
	named := func(t *testing.T, o Login) engine.Method {
		t.Helper()
		o.Repository, o.Page = as.Repository, as.Page
		for _, m := range b.Methods(t, ns, o) {
			if m.Name() == name {
				return m
			}
		}
		t.Fatalf("no method %q is registered", name)
		return nil
	}
	x := &Trial{Wire: w, via: via,
		Method:   named(t, Login{Via: &via}),
		Again:    func(t *testing.T) engine.Method { return named(t, Login{Via: &via}) },
		ReadOnly: func(t *testing.T) engine.Method { return named(t, Login{Via: &via, ReadOnly: true}) },
	}
	for _, user := range b.Users {
		x.Denied = append(x.Denied, Denial{User: user, Method: named(t, Login{User: user})})
	}
	return x
}

// lacks says which line tells a user what is missing; users that are not named have
// all rights.
func (x *Trial) lacks(lines map[string]string) {
	var out []Denial
	for _, d := range x.Denied {
		if line, ok := lines[d.User]; ok {
			d.Check = line
			out = append(out, d)
		}
	}
	x.Denied = out
}

// workloadJSON is a workload called api of a kind, as it is first released.
func workloadJSON(kind model.Kind) string {
	spec := map[model.Kind]string{model.Deployment: `"replicas":2,`, model.StatefulSet: `"serviceName":"api","replicas":2,`}[kind]
	return fmt.Sprintf(`{"apiVersion":"apps/v1","kind":%q,"metadata":{"name":"api"},"spec":{%s"selector":{"matchLabels":{"app":"api"}},
	 "template":{"metadata":{"labels":{"app":"api"}},"spec":{"terminationGracePeriodSeconds":1,"containers":[{"name":"api","image":"contract/api:1",
	 "readinessProbe":{"httpGet":{"path":"/ready","port":8080}}}]}}}}`, kind, spec)
}

// releaseOf changes the image of api, and how the testbed's pods of it behave.
func (b *Bed) releaseOf(t *testing.T, w model.Workload, image, behaviour string) {
	t.Helper()
	b.ask(t, http.MethodPatch, path(w.Namespace, w.Kind.Resource(), w.Name)+"?fieldManager="+someone, strategic, fmt.Sprintf(
		`{"spec":{"template":{"metadata":{"annotations":{"testbed/behaviour":%q}},"spec":{"containers":[{"name":"api","image":%q}]}}}}`, behaviour, image), nil)
}

// stateOf is the template of a workload, by its image and generation.
func (b *Bed) stateOf(w model.Workload) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		d := &deployment{}
		b.ask(t, http.MethodGet, path(w.Namespace, w.Kind.Resource(), w.Name), "", "", d)
		return fmt.Sprintf("image %s, generation %d", d.image(), d.Metadata.Generation)
	}
}

// made makes a namespace with api of a kind, its first version rolled out.
func (b *Bed) made(t *testing.T, kind model.Kind) (model.Workload, *board) {
	t.Helper()
	ns := b.namespace(t)
	w := model.Workload{Kind: kind, Namespace: ns, Name: "api"}
	b.ask(t, http.MethodPost, path(ns, kind.Resource(), "")+"?fieldManager="+someone, "application/json", workloadJSON(kind), nil)
	seen := watch(t, b.Connect(t, ns, nil))
	seen.until(time.Minute, "api", "runs", func(c *model.Component) bool { return c.Revision == 1 && atRest(c) })
	return w, seen
}

// atRest is a rollout at its end, for any kind.
func atRest(c *model.Component) bool {
	return c.Observed == c.Generation && c.Desired > 0 && c.Updated == c.Desired && c.Replicas == c.Desired && c.Available == c.Desired &&
		ready(c) == c.Desired && len(c.Pods) == c.Desired
}

func undoTrial(t *testing.T, b *Bed, kind model.Kind) *Trial {
	t.Helper()
	w, seen := b.made(t, kind)
	first := seen.get("api").Running()
	b.releaseOf(t, w, "contract/api:2", "")
	seen.until(time.Minute, "api", "is released", func(c *model.Component) bool { return c.Revision == 2 && atRest(c) })
	x := b.trial(t, w.Namespace, "undo", "")
	x.Component = func() *model.Component { return seen.get("api") }
	x.To = first
	x.State = b.stateOf(w)
	x.Change = func(t *testing.T) { b.releaseOf(t, w, "contract/api:9", "") }
	x.Changed = model.SettledForeign
	x.lacks(map[string]string{"viewer": "access.patch", "nobody": ""})
	return x
}

// deletePodTrial has a StatefulSet whose newest version gets never ready, and which
// stands still after it was gone back.
func deletePodTrial(t *testing.T, b *Bed) *Trial {
	t.Helper()
	w, seen := b.made(t, model.StatefulSet)
	first := seen.get("api").Running()
	b.releaseOf(t, w, "contract/api:never-ready", string(NeverReady))
	seen.until(time.Minute, "api", "is not ready", func(c *model.Component) bool {
		return c.Revision == 2 && c.Updated == 1 && len(c.Pods) == 2 && slices.ContainsFunc(c.Pods, func(p model.Pod) bool {
			return p.Owner == c.OwnerName && p.State == "Running" && !p.Ready && !p.Deleting
		})
	})
	back := b.Connect(t, w.Namespace, nil)
	var pf model.Preflight
	back.Plan(limited(t), seen.get("api"), first, func(p model.Preflight) { pf = p })
	if ch := check(t, pf, "strategy.ordered"); ch.State != model.CheckWarning {
		t.Errorf("%+v", ch)
	}
	p := planIn(t, pf)
	r, err := back.Do(limited(t), *p, nil)
	if err != nil {
		t.Fatal(err)
	}
	var aid *model.Aid
	eventually(t, 20*time.Second, "what gets it on is offered", func() string {
		c := seen.get("api")
		got := back.Judge(c, p, &r)
		if aid = got.Aid; aid == nil {
			return got.Text + ": " + show(c)
		}
		if got.Phase != model.PhaseRunning {
			t.Errorf("judged %+v: %s", got, show(c))
		}
		return ""
	})
	x := b.trial(t, w.Namespace, aid.Method, "")
	x.Component = func() *model.Component { return seen.get("api") }
	x.To = aid.To
	pod := "/api/v1/namespaces/" + w.Namespace + "/pods/api-1"
	x.State = func(t *testing.T) string {
		t.Helper()
		var o struct {
			Metadata struct{ UID, DeletionTimestamp string }
		}
		raw, err := b.try(t, http.MethodGet, pod, "", "")
		if err != nil {
			return "none"
		}
		decode(t, raw, &o)
		if o.Metadata.DeletionTimestamp != "" {
			return "none"
		}
		return o.Metadata.UID
	}
	x.Change = func(t *testing.T) {
		t.Helper()
		was := x.State(t)
		b.ask(t, http.MethodDelete, pod, "", "", nil)
		eventually(t, time.Minute, "the pod was made again", func() string {
			if now := x.State(t); now == "none" || now == was {
				return now
			}
			return ""
		})
	}
	x.Changed = model.SettledDone // the pod that was in the way is gone
	x.lacks(map[string]string{"viewer": "access.delete", "nopods": "access.delete", "nobody": "access.delete"})
	return x
}
