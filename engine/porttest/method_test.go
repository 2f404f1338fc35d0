package porttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rollbook/engine"
	"rollbook/model"
)

// The contract holds for a method that has nothing to do with a cluster: a job on a
// server, whose progress stands in its log.
func TestMethodContractOfAFollower(t *testing.T) {
	RunMethod(t, func(t *testing.T, f func(t *testing.T, x *Trial)) {
		t.Parallel()
		s := &jobServer{version: "2", branch: "a"}
		before, w := Between(s)
		srv := httptest.NewServer(before)
		t.Cleanup(srv.Close)
		login := func(o job) *job {
			client := *srv.Client()
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			o.url, o.client = srv.URL, &client
			return &o
		}
		f(t, &Trial{
			Method: login(job{}), Wire: w, To: model.Version{Key: "1", Label: "pipeline 1"}, Changed: model.SettledForeign,
			Again:     func(*testing.T) engine.Method { return login(job{}) },
			ReadOnly:  func(*testing.T) engine.Method { return login(job{readOnly: true}) },
			Component: func() *model.Component { return &model.Component{ID: "api"} },
			State:     func(*testing.T) string { return s.state() },
			Change:    func(*testing.T) { s.change() },
			Denied:    []Denial{{User: "guest", Method: login(job{user: "guest"}), Check: "access.play"}},
		})
	})
}

// jobServer runs the job that brings a version out.
type jobServer struct {
	mu      sync.Mutex
	version string
	branch  string // what the plan was made of
	done    int    // steps of the job that was started last
}

func (s *jobServer) state() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version + " of " + s.branch
}

func (s *jobServer) change() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version, s.branch = "9", "b"
}

func (s *jobServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.URL.Query().Get("user") == "guest" && r.Method == http.MethodPost:
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodPost:
		s.version, s.done = r.URL.Query().Get("version"), 0
		fmt.Fprint(w, "started")
	case r.URL.Path == "/job":
		s.done++
		fmt.Fprint(w, s.done)
	default:
		fmt.Fprint(w, s.version+" of "+s.branch)
	}
}

// job is the method.
type job struct {
	url      string
	client   *http.Client
	user     string
	readOnly bool
}

func (j *job) ask(ctx context.Context, method, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, j.url+path+"user="+j.user, nil)
	if err != nil {
		return "", err
	}
	resp, err := j.client.Do(req)
	if err != nil {
		return "", fmt.Errorf("%w: %w", model.ErrLost, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests:
		return resp.Header.Get("Retry-After"), errBusy
	case code/100 == 3 || code >= 500 || method == http.MethodPost && code == http.StatusOK && string(b) != "started":
		return "", fmt.Errorf("%w: %s", model.ErrLost, resp.Status)
	case code != http.StatusOK:
		return "", fmt.Errorf("%w: %s", model.ErrRefused, resp.Status)
	}
	return string(b), err
}

var errBusy = errors.New("overloaded (429)")

func (j *job) Name() model.Method { return "job" }

func (j *job) Versions(context.Context, *model.Component, time.Time) (*model.History, error) {
	return &model.History{}, nil
}

// jobPlan is what a plan rests on.
type jobPlan struct{ From string }

func (j *job) Plan(ctx context.Context, c *model.Component, to model.Version, out func(model.Preflight)) {
	from, err := j.ask(ctx, http.MethodGet, "/?")
	if err != nil {
		out(model.Preflight{Done: true, Err: err.Error()})
		return
	}
	raw, err := json.Marshal(jobPlan{from})
	if err != nil {
		out(model.Preflight{Done: true, Err: err.Error()})
		return
	}
	ch := model.Check{ID: "access.play", State: model.CheckOK}
	if j.user != "" {
		ch = model.Check{ID: "access.play", State: model.CheckBlocked, Hard: true, Do: "ask for the role"}
	}
	out(model.Preflight{Done: true, Checks: []model.Check{ch}, Plans: []model.Plan{{ID: to.Key + " after " + from, Method: j.Name(),
		Role: model.RoleRelease, Component: c.ID, To: to, Title: "Run the job of " + to.Label, Detail: raw}}})
}

func (j *job) Do(ctx context.Context, p model.Plan, tell func(model.Progress)) (model.Receipt, error) {
	if j.readOnly {
		return model.Receipt{}, model.ErrReadOnly
	}
	var want jobPlan
	if err := json.Unmarshal(p.Detail, &want); err != nil {
		return model.Receipt{}, err
	}
	switch now, err := j.ask(ctx, http.MethodGet, "/?"); {
	case err != nil:
		return model.Receipt{}, err
	case now != want.From:
		return model.Receipt{}, fmt.Errorf("%w: now %s", model.ErrChanged, now)
	}
	for {
		said, err := j.ask(ctx, http.MethodPost, "/?version="+p.To.Key+"&")
		if err == nil {
			break
		}
		wait, _ := strconv.Atoi(said)
		if !errors.Is(err, errBusy) || ctx.Err() != nil {
			return model.Receipt{}, err
		}
		tell(model.Progress{Text: err.Error()})
		time.Sleep(time.Duration(wait) * time.Second)
	}
	return model.Receipt{At: time.Now(), Text: "job started", Detail: json.RawMessage(`{"job":77}`)}, nil
}

func (j *job) Look(ctx context.Context, p model.Plan) (model.Looked, error) {
	var want jobPlan
	if err := json.Unmarshal(p.Detail, &want); err != nil {
		return model.Looked{}, err
	}
	now, err := j.ask(ctx, http.MethodGet, "/?")
	switch {
	case err != nil:
		return model.Looked{}, err
	case now == want.From:
		return model.Looked{State: model.SettledNot}, nil
	case strings.HasPrefix(now, p.To.Key+" of "):
		return model.Looked{State: model.SettledDone}, nil
	}
	return model.Looked{State: model.SettledForeign, By: "somebody"}, nil
}

// Follow asks until all five steps are done.
func (j *job) Follow(ctx context.Context, _ model.Plan, _ model.Receipt, out func(model.Progress)) error {
	for {
		n, err := j.ask(ctx, http.MethodGet, "/job?")
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		if n == "5" {
			out(model.Progress{Phase: model.PhaseFinished, Text: "all steps are done", Share: 1})
			return nil
		}
		out(model.Progress{Phase: model.PhaseRunning, Text: n + " of 5 steps are done"})
	}
}
