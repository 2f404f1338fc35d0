package gitlabjob_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
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
			if last := all[len(all)-1]; last.Phase != model.PhaseFailed || !strings.Contains(last.Text, c.says) || len(last.Lines) == 0 {
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
		if last := all[len(all)-1]; last.Phase != model.PhaseFailed || !strings.Contains(last.Text, "was cancelled") {
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
