package gitlabjob_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollbook/engine"
	"rollbook/model"
	"rollbook/ways/gitlabjob"
)

// What each answer of GitLab to the write means for the operator.
func TestRefusals(t *testing.T) {
	w := newWorld(t, nil)
	m := w.method(t, mayDeploy)
	p := planFor(t, w, m, good)
	for code, want := range map[int]string{
		http.StatusBadRequest:   "not a job that can be started by hand now",
		http.StatusUnauthorized: ": 401 Unauthorized: no; the token is wrong, revoked or expired",
		http.StatusForbidden:    "the token needs the scope api",
		http.StatusNotFound:     "404 Not Found",
		http.StatusConflict:     "409 Conflict: no; somebody else or GitLab itself changes the job at this moment: look at it in GitLab, then confirm again",
	} {
		w.wire.Instead(answer(code, `{"message":"\u001b[31mno"}`))
		_, err := m.Do(t.Context(), p, nil)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "was not started") || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%d: %v, want %q", code, err, want)
		}
	}
	if n := w.Starts(); n != 0 {
		t.Errorf("%d jobs were started", n)
	}
}

// meddler stands before GitLab, and answers the writes itself.
type meddler struct {
	w    *world
	code int
	// first is done before the answer: what becomes of the write, and what others do.
	first func(pass func())

	mu    sync.Mutex
	asked []string // since the write, that too: "POST retry"
}

func meddled(t *testing.T, w *world, code int, first func(pass func())) *meddler {
	t.Helper()
	m := &meddler{w: w, code: code, first: first}
	srv := httptest.NewServer(m)
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return m
}

func (m *meddler) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v4/projects/shop/shop/")
	m.mu.Lock()
	if r.Method == http.MethodPost || len(m.asked) > 0 {
		m.asked = append(m.asked, r.Method+" "+path)
	}
	m.mu.Unlock()
	if r.Method != http.MethodPost {
		m.w.ServeHTTP(out, r)
		return
	}
	if m.first != nil {
		m.first(func() { m.w.ServeHTTP(httptest.NewRecorder(), r) })
	}
	out.WriteHeader(m.code)
	fmt.Fprintf(out, `{"message":"%d %s"}`, m.code, http.StatusText(m.code))
}

func (m *meddler) since() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.asked)
}

// Whatever a write is answered with, it is sent once. Where the answer does not tell
// whether it was done, a look does, by reading.
func TestWriteIsNeverSentAgain(t *testing.T) {
	pass := func(pass func()) { pass() }
	twice := func(pass func()) { pass(); pass() }
	const unclear = "it may or may not have been started"
	for name, c := range map[string]struct {
		code  int
		first func(*testing.T, *world) func(pass func())
		kind  error
		says  string
		looks model.Settled
		by    string
	}{
		"408":               {code: 408, kind: model.ErrLost, says: "took longer than the server waits: gitlab at ", looks: model.SettledNot},
		"408, and was done": {code: 408, first: with(pass), kind: model.ErrLost, says: unclear, looks: model.SettledDone},
		"500":               {code: 500, kind: model.ErrLost, says: unclear, looks: model.SettledNot},
		"500, and was done": {code: 500, first: with(pass), kind: model.ErrLost, says: unclear, looks: model.SettledDone},
		"502, and was done": {code: 502, first: with(pass), kind: model.ErrLost, says: unclear, looks: model.SettledDone},
		"503":               {code: 503, kind: model.ErrLost, says: unclear, looks: model.SettledNot},
		"504, and was done": {code: 504, first: with(pass), kind: model.ErrLost, says: unclear, looks: model.SettledDone},
		"409":               {code: 409, kind: model.ErrRefused, says: "was not started: gitlab at ", looks: model.SettledNot},
		// What stands before GitLab has sent it twice, and gives the second answer.
		"409, and was done": {code: 409, first: with(twice), kind: model.ErrLost, says: "was refused, and the job was started all the same, by rollbook at ", looks: model.SettledDone},
		"403, and was done": {code: 403, first: with(twice), kind: model.ErrLost, says: "was refused, and the job was started all the same, by rollbook at ", looks: model.SettledDone},
		"409, for somebody was faster": {code: 409, first: func(t *testing.T, w *world) func(func()) {
			p := planFor(t, w, w.method(t, maria), good)
			other := w.method(t, maria)
			return func(func()) {
				if _, err := other.Do(t.Context(), p, nil); err != nil {
					t.Error(err)
				}
			}
		}, kind: model.ErrLost, says: "was refused, and the job was started all the same, by maria at ", looks: model.SettledDone, by: "maria at "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			var first func(func())
			if c.first != nil {
				first = c.first(t, w)
			}
			x := meddled(t, w, c.code, first)
			m := w.method(t, mayDeploy)
			p := planFor(t, w, m, good)
			_, err := m.Do(t.Context(), p, nil)
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || errors.Is(err, model.ErrLost) && errors.Is(err, model.ErrRefused) {
				t.Errorf("%v", err)
			}
			got, err := m.Look(t.Context(), p)
			if err != nil || got.State != c.looks || !strings.HasPrefix(got.By, c.by) || (got.By == "") != (c.by == "") || (got.Receipt != nil) != (c.looks == model.SettledDone) {
				t.Errorf("%+v (%v)", got, err)
			}
			asked := x.since()
			if len(asked) < 4 || !strings.HasSuffix(asked[0], "/retry") || slices.ContainsFunc(asked[1:], func(s string) bool { return !strings.HasPrefix(s, "GET ") }) {
				t.Errorf("asked %q", asked)
			}
		})
	}
}

func with(f func(pass func())) func(*testing.T, *world) func(func()) {
	return func(*testing.T, *world) func(func()) { return f }
}

// The cancelling of a job is sent once, too.
func TestCancelIsNeverSentAgain(t *testing.T) {
	for code, c := range map[int]struct {
		kind error
		says string
	}{
		408: {model.ErrLost, "it may or may not have been cancelled"},
		500: {model.ErrLost, "it may or may not have been cancelled"},
		409: {model.ErrRefused, "was not cancelled: "},
	} {
		w := newWorld(t, nil)
		_, r := done(t, w, w.method(t, mayDeploy))
		x := meddled(t, w, code, nil)
		var k engine.Method = gitlabjob.NewCancel(w.method(t, mayDeploy))
		pf := preflight(t, w, k, model.Version{Key: strings.Fields(r.Text)[1]})
		if _, err := k.Do(t.Context(), pf.Plans[0], nil); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%d: %v", code, err)
		}
		if got, err := k.Look(t.Context(), pf.Plans[0]); err != nil || got.State != model.SettledNot {
			t.Errorf("%d: %+v (%v)", code, got, err)
		}
		if asked := x.since(); len(asked) != 2 || !strings.HasPrefix(asked[1], "GET ") {
			t.Errorf("%d: asked %q", code, asked)
		}
	}
}
