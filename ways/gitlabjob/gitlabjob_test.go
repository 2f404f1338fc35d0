package gitlabjob_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"rollbook/engine"
	"rollbook/engine/porttest"
	client "rollbook/integrations/gitlab"
	"rollbook/model"
	fake "rollbook/sandbox/gitlab"
	"rollbook/ways/gitlabjob"
)

const (
	mayDeploy = "glpat-may-deploy-0123456789"
	mayRead   = "glpat-may-read-01234567890"
	reporter  = "glpat-reporter-01234567890"
	developer = "glpat-developer-0123456789"
	guest     = "glpat-guest-0123456789012"
	maria     = "glpat-maria-0123456789012"
)

// Three pipelines that were deployed, the oldest first; the newest is the bad one.
var (
	old  = &fake.Pipeline{ID: 4500, SHA: "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", Ref: "main", Title: "Add the cart", Author: "Ada"}
	good = &fake.Pipeline{ID: 4577, SHA: "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", Ref: "v1.41.0", Tag: true, Title: "Prices by region", Author: "Grace"}
	bad  = &fake.Pipeline{ID: 4601, SHA: "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3", Ref: "v1.42.0", Tag: true, Title: "New checkout", Author: "Linus"}
)

// world is a GitLab, what stands before it, and the workload that it deploys.
type world struct {
	*fake.Server
	url  string
	wire porttest.Wire
}

func newWorld(t *testing.T, set func(*fake.Server)) *world {
	t.Helper()
	s := &fake.Server{Project: "shop/shop", Environment: "production", Now: time.Now, Ranges: true, Waits: 50 * time.Millisecond, Runs: 150 * time.Millisecond,
		Log: []string{"applying", "rolled out"},
		Users: map[string]*fake.User{
			mayDeploy: {ID: 1, Name: "rollbook", Level: fake.Maintainer, Scopes: []string{"api"}},
			mayRead:   {ID: 1, Name: "rollbook", Level: fake.Maintainer, Scopes: []string{"read_api"}},
			reporter:  {ID: 2, Name: "reporter", Level: fake.Reporter, Scopes: []string{"api"}},
			developer: {ID: 3, Name: "developer", Level: fake.Developer, Scopes: []string{"api"}},
			guest:     {ID: 4, Name: "guest", Level: fake.Guest, Scopes: []string{"api"}},
			maria:     {ID: 5, Name: "maria", Level: fake.Maintainer, Scopes: []string{"api"}},
		}}
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	if set != nil {
		set(s)
	}
	by := s.Users[maria]
	s.Released(old, by, ago(50*time.Hour), "rollback")
	s.Released(good, by, ago(26*time.Hour), "rollback")
	s.Released(bad, by, ago(10*time.Minute), "rollback")
	w := &world{Server: s}
	w.between(t)
	return w
}

// between puts a new wire before the server.
func (w *world) between(t *testing.T) {
	t.Helper()
	before, wire := porttest.Between(w.Server)
	srv := httptest.NewServer(before)
	t.Cleanup(srv.Close)
	w.url, w.wire = srv.URL, wire
}

func (w *world) client(t *testing.T, token string) *client.Client {
	t.Helper()
	c, err := client.NewClient("gitlab", w.url, token, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// method is the way back as somebody has it.
func (w *world) method(t *testing.T, token string, set ...func(*gitlabjob.Target, *gitlabjob.Options)) gitlabjob.Job {
	t.Helper()
	to, o := gitlabjob.Target{Project: "shop/shop", Environment: "production"}, gitlabjob.Options{Now: time.Now, Every: 20 * time.Millisecond,
		Rollout: func(*model.Component, string, time.Time) model.Progress {
			return model.Progress{Phase: model.PhaseFinished, Text: "2 of 2 new pods ready", Share: 1}
		}}
	for _, f := range set {
		f(&to, &o)
	}
	return gitlabjob.New(w.client(t, token), map[string]gitlabjob.Target{"api": to}, o)
}

// component is what the board shows of what was deployed last.
func (w *world) component() *model.Component {
	sha := w.Running()
	return &model.Component{ID: "api", Workload: model.Workload{Kind: model.Deployment, Namespace: "shop", Name: "api"}, OwnerName: "api-" + sha[:4], Revision: 7,
		Images: []string{"registry.example/shop/api:" + sha[:8]}, TemplateHash: sha, Generation: 3, Observed: 3}
}

func version(p *fake.Pipeline) model.Version { return model.Version{Key: fmt.Sprint(p.ID)} }

func readOnly(_ *gitlabjob.Target, o *gitlabjob.Options) { o.ReadOnly = true }

func manualJob(t *gitlabjob.Target, _ *gitlabjob.Options) { t.Job = "rollback" }

func TestContract(t *testing.T) {
	for name, set := range map[string]func(*gitlabjob.Target, *gitlabjob.Options){
		"retry of the job that deployed": func(*gitlabjob.Target, *gitlabjob.Options) {},
		"play of the manual job":         manualJob,
	} {
		t.Run(name, func(t *testing.T) {
			porttest.RunMethod(t, func(t *testing.T, f func(t *testing.T, x *porttest.Trial)) {
				t.Parallel()
				w := newWorld(t, func(s *fake.Server) { s.Protected = []int{fake.Maintainer} })
				var manual []*fake.Job
				w.Change(func(all []*fake.Job) {
					for _, j := range all {
						if j.Name == "rollback" {
							manual = append(manual, j)
							j.Deploys = true
						}
					}
				})
				as := func(token string) engine.Method { return w.method(t, token, set) }
				x := &porttest.Trial{Method: as(mayDeploy), Wire: w.wire, To: version(good), Changed: model.SettledForeign, Component: w.component,
					Again:    func(t *testing.T) engine.Method { return w.method(t, mayDeploy, set) },
					ReadOnly: func(t *testing.T) engine.Method { return w.method(t, mayDeploy, set, readOnly) },
					State:    func(*testing.T) string { return fmt.Sprintf("%d jobs were started", w.Starts()) },
					Change: func(t *testing.T) {
						if _, err := w.method(t, maria).Do(t.Context(), planFor(t, w, w.method(t, maria), old), nil); err != nil {
							t.Fatal(err)
						}
						until(t, "it runs", func() bool { return w.Running() == old.SHA })
					},
					Denied: []porttest.Denial{
						{User: "scope read_api", Method: as(mayRead), Check: "access.token"},
						{User: "reporter", Method: as(reporter), Check: "access.role"},
						{User: "developer", Method: as(developer), Check: "access.environment"},
						{User: "guest", Method: as(guest)},
					}}
				f(t, x)
			})
		})
	}
}

func TestContractOfCancel(t *testing.T) {
	porttest.RunMethod(t, func(t *testing.T, f func(t *testing.T, x *porttest.Trial)) {
		t.Parallel()
		w := newWorld(t, func(s *fake.Server) { s.Runs = time.Hour })
		p, r := done(t, w, w.method(t, mayDeploy))
		var aid *model.Aid
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_ = w.method(t, mayDeploy).Follow(ctx, p, r, func(p model.Progress) {
			if aid = p.Aid; aid != nil {
				cancel()
			}
		})
		cancelled := func(token string, set ...func(*gitlabjob.Target, *gitlabjob.Options)) engine.Method {
			return gitlabjob.NewCancel(w.method(t, token, set...))
		}
		w.between(t) // one that no write has passed
		state := func(*testing.T) string {
			out := ""
			w.Change(func(all []*fake.Job) {
				if out = all[len(all)-1].Status; out == "pending" {
					out = "running" // it goes on by itself
				}
			})
			return out
		}
		f(t, &porttest.Trial{Method: cancelled(mayDeploy), Wire: w.wire, To: aid.To, Changed: model.SettledForeign, Component: w.component, State: state,
			Again:    func(t *testing.T) engine.Method { return cancelled(mayDeploy) },
			ReadOnly: func(t *testing.T) engine.Method { return cancelled(mayDeploy, readOnly) },
			Change:   func(t *testing.T) { w.Change(func(all []*fake.Job) { all[len(all)-1].Status = "success" }) },
			Denied: []porttest.Denial{
				{User: "scope read_api", Method: cancelled(mayRead), Check: "access.token"},
				{User: "reporter", Method: cancelled(reporter), Check: "access.role"},
				{User: "guest", Method: cancelled(guest)},
			}})
	})
}

// listener is a client that keeps which paths were asked for.
type listener struct {
	*client.Client
	mu    sync.Mutex
	paths []string
}

func (l *listener) Do(ctx context.Context, method, path string, header http.Header, body []byte) (int, http.Header, []byte, error) {
	l.mu.Lock()
	l.paths = append(l.paths, path)
	l.mu.Unlock()
	return l.Client.Do(ctx, method, path, header, body)
}

// Cancelling a job is no deployment: what the environment asks for is not looked at.
func TestCancelAsksForWhatItShows(t *testing.T) {
	w := newWorld(t, func(s *fake.Server) { s.Runs = time.Hour })
	_, r := done(t, w, w.method(t, mayDeploy))
	var started struct{ Job int64 }
	if err := json.Unmarshal(r.Detail, &started); err != nil {
		t.Fatal(err)
	}
	l := &listener{Client: w.client(t, mayDeploy)}
	k := gitlabjob.NewCancel(gitlabjob.New(l, map[string]gitlabjob.Target{"api": {Project: "shop/shop", Environment: "production"}}, gitlabjob.Options{Now: time.Now}))
	pf := preflight(t, w, k, model.Version{Key: fmt.Sprint(started.Job)})
	var checks []string
	for _, c := range pf.Checks {
		checks = append(checks, c.ID)
	}
	if want := []string{"access.token", "access.role", "job.state"}; !slices.Equal(checks, want) {
		t.Errorf("%q, want %q: %s", checks, want, pf.Err)
	}
	job := fmt.Sprintf("/projects/shop%%2Fshop/jobs/%d", started.Job)
	if want := []string{job, "/projects/shop%2Fshop", "/personal_access_tokens/self"}; !slices.Equal(l.paths, want) {
		t.Errorf("asked for %q, want %q", l.paths, want)
	}
}

func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain until " + what)
		}
	}
}

func preflight(t *testing.T, w *world, m engine.Method, to model.Version) model.Preflight {
	t.Helper()
	var last model.Preflight
	m.Plan(t.Context(), w.component(), to, func(p model.Preflight) { last = p })
	if !last.Done {
		t.Fatalf("no end: %+v", last)
	}
	return last
}

func planFor(t *testing.T, w *world, m engine.Method, to *fake.Pipeline) model.Plan {
	t.Helper()
	pf := preflight(t, w, m, version(to))
	if len(pf.Plans) != 1 {
		t.Fatalf("%d plans: %s", len(pf.Plans), pf.Err)
	}
	return pf.Plans[0]
}
