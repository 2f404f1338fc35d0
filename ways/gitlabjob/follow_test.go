package gitlabjob_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollbook/engine/porttest"
	"rollbook/model"
	fake "rollbook/sandbox/gitlab"
	"rollbook/text"
	"rollbook/ways/gitlabjob"
)

func answer(code int, body string) porttest.Answer { return porttest.Answer{Code: code, Body: body} }

// done writes a plan and returns it with its receipt.
func done(t *testing.T, w *world, m gitlabjob.Job) (model.Plan, model.Receipt) {
	t.Helper()
	p := planFor(t, w, m, good)
	r, err := m.Do(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, r
}

func follow(t *testing.T, m gitlabjob.Job, p model.Plan, r model.Receipt) (all []model.Progress) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := m.Follow(ctx, p, r, func(p model.Progress) { all = append(all, p) }); err != nil {
		t.Fatal(err)
	}
	return all
}

// The log is shown while it grows, without the escapes, marks and secrets in it, whether
// GitLab sends the rest or all of it each time.
func TestLog(t *testing.T) {
	text.Know("canary-of-the-job")
	for name, ranges := range map[string]bool{"the rest is sent": true, "all is sent": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(s *fake.Server) {
				s.Ranges, s.Runs = ranges, 600*time.Millisecond
				s.Log = []string{
					"section_start:1700000000:step_script\r\x1b[0K\x1b[0K\x1b[36;1mExecuting\x1b[0;m",
					"10%\r100%", "$ deploy --token=hunter2secret canary-of-the-job", "\x1b]0;title\x07deployment configured",
					"section_end:1700000009:step_script\r\x1b[0K",
				}
			})
			m := w.method(t, mayDeploy)
			p, r := done(t, w, m)
			all := follow(t, m, p, r)
			grew := false
			for n := range all {
				grew = grew || all[n].Phase == model.PhaseRunning && len(all[n].Lines) > 1 && len(all[n].Lines) < 5
			}
			last := all[len(all)-1]
			got := strings.Join(last.Lines, "\n")
			want := "Running with gitlab-runner 18.4.0\nExecuting\n100%\n$ deploy --token=" + text.Mask + " " + text.Mask + "\ndeployment configured\nJob succeeded"
			if !grew || got != want || last.Phase != model.PhaseFinished {
				t.Errorf("grew %v; the log is\n%s\nwant\n%s", grew, got, want)
			}
		})
	}
}

// A job that fails, is cancelled or run again by GitLab itself.
func TestEndsOfAJob(t *testing.T) {
	fails := func(reason string) func(*fake.Server) {
		return func(s *fake.Server) {
			s.Fails = func(j *fake.Job) string { return reason }
		}
	}
	for name, c := range map[string]struct {
		set  func(*fake.Server)
		says string
	}{
		"script":  {fails("script_failure"), "its script failed; what it had done until then stays"},
		"unknown": {fails("brand_new_failure"), "brand_new_failure"},
		"guard":   {fails("failed_outdated_deployment_job"), "the guard against outdated deployments refused it"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.set)
			m := w.method(t, mayDeploy)
			p, r := done(t, w, m)
			all := follow(t, m, p, r)
			if last := all[len(all)-1]; last.Phase != model.PhaseFailed || !last.Left || !strings.Contains(last.Text, c.says) || len(last.Lines) == 0 {
				t.Errorf("%+v", last)
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		w := newWorld(t, func(s *fake.Server) { s.Runs = time.Hour })
		m := w.method(t, mayDeploy)
		p, r := done(t, w, m)
		w.Change(func(all []*fake.Job) { all[len(all)-1].Status = "canceled" })
		all := follow(t, m, p, r)
		if last := all[len(all)-1]; last.Phase != model.PhaseFailed || !last.Left || !strings.Contains(last.Text, "was cancelled") {
			t.Errorf("%+v", last)
		}
	})
	t.Run("run again", func(t *testing.T) {
		w := newWorld(t, func(s *fake.Server) {
			failed := false
			s.Fails = func(*fake.Job) string {
				if failed {
					return ""
				}
				failed = true
				return "runner_system_failure"
			}
			s.Retries = true
		})
		m := w.method(t, mayDeploy)
		p, r := done(t, w, m)
		all := follow(t, m, p, r)
		if last := all[len(all)-1]; last.Phase != model.PhaseFinished || w.Starts() != 2 || w.wire.Writes() != 1 {
			t.Errorf("%+v; %d starts, %d writes", last, w.Starts(), w.wire.Writes())
		}
	})
}

// passing keeps what was written, and lets all through but what it is told to answer.
type passing struct {
	http.Handler
	instead func(r *http.Request) int // 0 = it passes
	mu      sync.Mutex
	posted  []string
}

func (p *passing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		p.mu.Lock()
		p.posted = append(p.posted, strings.TrimPrefix(r.URL.Path, "/api/v4/projects/shop/shop/"))
		p.mu.Unlock()
	}
	if code := p.instead(r); code != 0 {
		w.WriteHeader(code)
		return
	}
	p.Handler.ServeHTTP(w, r)
}

func (w *world) passing(t *testing.T, instead func(r *http.Request) int) *passing {
	t.Helper()
	p := &passing{Handler: w.Server, instead: instead}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return p
}

// A job that did not bring its version back is run again for the same version: what failed
// or was cancelled is retried, once, as a run of its own.
func TestRunAgainAfterItsEnd(t *testing.T) {
	for _, tt := range []struct {
		name   string
		job    func(*gitlabjob.Target, *gitlabjob.Options)
		cancel bool
		posted []string // until the second one has succeeded
	}{
		{"failed", func(*gitlabjob.Target, *gitlabjob.Options) {}, false, []string{"jobs/905/retry", "jobs/910/retry"}},
		{"cancelled", func(*gitlabjob.Target, *gitlabjob.Options) {}, true, []string{"jobs/905/retry", "jobs/910/retry"}},
		{"manual, failed", manualJob, false, []string{"jobs/906/play", "jobs/906/retry"}},
		{"manual, cancelled", manualJob, true, []string{"jobs/906/play", "jobs/906/retry"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(s *fake.Server) {
				s.Runs = time.Hour
				if !tt.cancel {
					s.Runs, s.Fails = 0, func(j *fake.Job) string {
						if j.ID < 910 || j.ID == 910 && tt.posted[0] == "jobs/905/retry" {
							return "script_failure"
						}
						return ""
					}
				}
			})
			w.Change(func(all []*fake.Job) {
				for _, j := range all {
					j.Deploys = j.Deploys || j.Name == "rollback"
				}
			})
			wire := w.passing(t, func(*http.Request) int { return 0 })
			m := w.method(t, mayDeploy, tt.job)
			p, r := done(t, w, m)
			if tt.cancel {
				w.Change(func(all []*fake.Job) {
					for _, j := range all {
						if j.Status == "pending" || j.Status == "running" {
							j.Status = "canceled"
						}
					}
				})
			}
			if all := follow(t, m, p, r); !all[len(all)-1].Left {
				t.Fatalf("%+v", all[len(all)-1])
			}
			w.Change(func([]*fake.Job) { w.Runs = 0 })
			again, got := done(t, w, m)
			if again.ID == p.ID {
				t.Error("it is the plan that was written already")
			}
			all := follow(t, m, again, got)
			if last := all[len(all)-1]; last.Phase != model.PhaseFinished || !slices.Equal(wire.posted, tt.posted) || w.Starts() != 2 {
				t.Errorf("%+v; posted %q, %d starts", last, wire.posted, w.Starts())
			}
			// What was confirmed first can start nothing any more.
			if _, err := m.Do(t.Context(), p, nil); !errors.Is(err, model.ErrChanged) || w.Starts() != 2 {
				t.Errorf("%v; %d starts", err, w.Starts())
			}
		})
	}
}

// GitLab does not run a job again whose approval was refused, or that was skipped.
func TestNotRunAgain(t *testing.T) {
	for status, reason := range map[string]string{"failed": "deployment_rejected", "skipped": ""} {
		w := newWorld(t, nil)
		m := w.method(t, mayDeploy)
		p, r := done(t, w, m)
		w.Change(func(all []*fake.Job) { all[len(all)-1].Status, all[len(all)-1].Reason = status, reason })
		if all := follow(t, m, p, r); !all[len(all)-1].Left {
			t.Errorf("%s: %+v", status, all[len(all)-1])
		}
		pf := preflight(t, w, m, version(good))
		if n := slices.IndexFunc(pf.Checks, func(c model.Check) bool { return c.ID == "job.state" }); n < 0 || !strings.HasPrefix(pf.Checks[n].Text, "GitLab does not run the job deploy again: ") {
			t.Errorf("%s: %+v", status, pf.Checks)
		}
	}
}

// While GitLab does not tell whether it runs a failed job again, that is no end.
func TestWhetherItIsRunAgainIsNotKnown(t *testing.T) {
	w := newWorld(t, func(s *fake.Server) {
		s.Runs, s.Fails = 0, func(j *fake.Job) string { return map[int64]string{910: "runner_system_failure"}[j.ID] }
		s.Retries = true
	})
	m := w.method(t, mayDeploy)
	p, r := done(t, w, m)
	asked := 0
	w.passing(t, func(r *http.Request) int {
		if strings.HasSuffix(r.URL.Path, "/pipelines/4577/jobs") {
			if asked++; asked == 1 {
				return http.StatusBadGateway
			}
		}
		return 0
	})
	all := follow(t, w.method(t, mayDeploy), p, r)
	var texts []string
	for _, x := range all {
		texts = append(texts, string(x.Phase)+": "+x.Text)
	}
	told := slices.ContainsFunc(texts, func(s string) bool {
		return strings.HasPrefix(s, ": job 910 failed, and whether GitLab runs it again cannot be seen: ")
	})
	if !told || all[len(all)-1].Phase != model.PhaseFinished {
		t.Errorf("%q", texts)
	}
}

// A job has ended well, and the workload has to be there too.
func TestWorkloadHasToBeThere(t *testing.T) {
	w := newWorld(t, nil)
	m := w.method(t, mayDeploy)
	before := w.component()
	p, r := done(t, w, m)
	judge := func(change func(*model.Component)) model.Progress {
		c := *before
		change(&c)
		return m.Judge(&c, &p, &r)
	}
	for name, c := range map[string]struct {
		change func(*model.Component)
		phase  model.Phase
	}{
		"nothing moved":   {func(*model.Component) {}, model.PhaseRunning},
		"not observed":    {func(c *model.Component) { c.Generation++ }, model.PhaseRunning},
		"there":           {func(c *model.Component) { c.Images, c.TemplateHash = []string{"shop/api:b2b2b2b2"}, "x" }, model.PhaseFinished},
		"there by tag":    {func(c *model.Component) { c.Images, c.TemplateHash = []string{"shop/api:1.41.0"}, "x" }, model.PhaseFinished},
		"another version": {func(c *model.Component) { c.Images, c.TemplateHash = []string{"shop/api:a1a1a1a1"}, "x" }, model.PhaseReverted},
		"deleted":         {func(c *model.Component) { c.Missing = model.NotFound }, model.PhaseReverted},
		"not seen":        {func(c *model.Component) { c.Missing = "forbidden: no" }, model.PhaseUnknown},
	} {
		if got := judge(c.change); got.Phase != c.phase || got.Text == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Who started the job is told, where it was not the token's user.
func TestSomebodyElseStartedIt(t *testing.T) {
	w := newWorld(t, nil)
	m := w.method(t, mayDeploy)
	p := planFor(t, w, m, good)
	done(t, w, w.method(t, maria))
	got, err := m.Look(t.Context(), p)
	if err != nil || got.State != model.SettledDone || !strings.HasPrefix(got.By, "maria at ") || got.Receipt == nil || got.Receipt.URL == "" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := m.Do(t.Context(), p, nil); !errors.Is(err, model.ErrChanged) || !strings.Contains(err.Error(), "run by maria") {
		t.Errorf("%v", err)
	}
}

const killedEnv = "ROLLBOOK_GITLABJOB_KILLED"

// A program that is killed while the job runs leaves a job that the next one finds and
// follows to its end, and does not start a second time.
func TestKilledWhileTheJobRuns(t *testing.T) {
	if os.Getenv(killedEnv) != "" {
		var p model.Plan
		if err := json.Unmarshal([]byte(os.Getenv(killedEnv+"_PLAN")), &p); err != nil {
			t.Fatal(err)
		}
		m := (&world{url: os.Getenv(killedEnv)}).method(t, mayDeploy)
		r, err := m.Do(t.Context(), p, nil)
		if err == nil {
			err = m.Follow(t.Context(), p, r, func(model.Progress) {})
		}
		t.Fatalf("it came to an end: %v", err)
	}
	w := newWorld(t, func(s *fake.Server) { s.Runs = 3 * time.Second })
	m := w.method(t, mayDeploy)
	p := planFor(t, w, m, good)
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestKilledWhileTheJobRuns$")
	child.Env = append(os.Environ(), killedEnv+"="+w.url, fmt.Sprintf("%s_PLAN=%s", killedEnv, raw))
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the job was started", func() bool { return w.Starts() == 1 })
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	got, err := m.Look(t.Context(), p)
	if err != nil || got.State != model.SettledDone || got.By != "" {
		t.Fatalf("%+v, %v", got, err)
	}
	all := follow(t, w.method(t, mayDeploy), p, *got.Receipt)
	if last := all[len(all)-1]; last.Phase != model.PhaseFinished || w.Starts() != 1 || w.wire.Writes() != 1 {
		t.Errorf("%+v; %d starts, %d writes", last, w.Starts(), w.wire.Writes())
	}
}
