package gitlabjob_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/model"
	fake "rollbook/sandbox/gitlab"
	"rollbook/ways/gitlabjob"
)

// The versions are the pipelines that were deployed, the newest first, each once.
func TestVersions(t *testing.T) {
	w := newWorld(t, nil)
	w.Made("d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4", "main", w.Users[maria], time.Now().Add(-5*time.Minute))
	c := w.component()
	c.OwnerName, c.Images = "api-c3c3", []string{"registry.example/shop/api:v1.42.0"}
	c.Past = []model.Earlier{{Owner: "api-b2b2", Images: []string{"registry.example/shop/api:1.41.0@sha256:" + strings.Repeat("0", 64)}}}
	h, err := w.method(t, mayDeploy).Versions(t.Context(), c, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range h.Candidates {
		got = append(got, fmt.Sprintf("%s %s %s by %s: %s; owner %q current %v refused %v", r.Key, r.Short, r.Full(), r.By, r.Cause, r.Owner, r.Current, r.Refused != ""))
	}
	want := []string{
		`deployment 44 d44 d4d4d4d4 (deployment 44) by maria: ; owner "" current false refused true`,
		`4601 #4601 v1.42.0 (pipeline 4601) by maria: New checkout (Linus); owner "api-c3c3" current true refused false`,
		`4577 #4577 v1.41.0 (pipeline 4577) by maria: Prices by region (Grace); owner "api-b2b2" current false refused false`,
		`4500 #4500 a1a1a1a1 (pipeline 4500) by maria: Add the cart (Ada); owner "" current false refused false`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("versions are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if ch := h.Candidates[2].Changes; len(ch) != 1 || ch[0] != (model.Change{Kind: "commit", What: "v1.41.0", From: "c3c3c3c3", To: "b2b2b2b2"}) || h.Candidates[1].Changes != nil {
		t.Errorf("changes are %+v", ch)
	}
	if age := time.Since(h.Candidates[2].Start); age < 25*time.Hour || age > 27*time.Hour {
		t.Errorf("it is %s old", age)
	}
}

// A list of several pages is read to its end, and what was gone back to is known to
// have been there before.
func TestVersionsOfManyPages(t *testing.T) {
	w := newWorld(t, nil)
	for n := range int64(60) {
		w.Released(&fake.Pipeline{ID: 5000 + n, SHA: fmt.Sprintf("%040x", n), Ref: "main"}, w.Users[maria], time.Now())
	}
	m := w.method(t, mayDeploy)
	if _, err := m.Do(t.Context(), planFor(t, w, m, good), nil); err != nil {
		t.Fatal(err)
	}
	until(t, "it is there", func() bool { return w.Running() == good.SHA })
	h, err := m.Versions(t.Context(), w.component(), time.Now())
	if err != nil || len(h.Candidates) != 63 {
		t.Fatalf("%d versions, %v", len(h.Candidates), err)
	}
	if r := h.Candidates[0]; r.Key != "4577" || !r.Returned || !r.Current || r.By != "rollbook" {
		t.Errorf("the newest is %+v", r)
	}
}

// Without a version the newest is meant that was deployed before the running one.
func TestDefaultVersion(t *testing.T) {
	w := newWorld(t, nil)
	pf := preflight(t, w, w.method(t, mayDeploy), model.Version{})
	if len(pf.Plans) != 1 || pf.Plans[0].To.Key != "4577" || pf.To != "4577" {
		t.Errorf("%+v", pf)
	}
}

func TestNothingCanBeRead(t *testing.T) {
	w := newWorld(t, nil)
	c := w.component()
	for token, want := range map[string]string{
		guest:                        "forbidden: ",
		"glpat-unknown-012345678901": "401 Unauthorized; the token is wrong, revoked or expired",
	} {
		m := w.method(t, token)
		if _, err := m.Versions(t.Context(), c, time.Now()); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), token) {
			t.Errorf("%v, want %q", err, want)
		}
		if pf := preflight(t, w, m, version(good)); len(pf.Plans) != 0 || !strings.Contains(pf.Err, want) {
			t.Errorf("%+v, want %q", pf, want)
		}
	}
	elsewhere := func(to *gitlabjob.Target, _ *gitlabjob.Options) { to.Project = "../users?x#y" }
	if _, err := w.method(t, mayDeploy, elsewhere).Versions(t.Context(), c, time.Now()); err == nil || !strings.Contains(err.Error(), "there is no such project") {
		t.Errorf("%v", err)
	}
	other := *c
	other.ID = "web"
	if m := w.method(t, mayDeploy); m.Serves("web") || !m.Serves("api") {
		t.Error("it serves what has no project, or not what has one")
	}
	if _, err := w.method(t, mayDeploy).Versions(t.Context(), &other, time.Now()); err == nil || !strings.Contains(err.Error(), "rollbook.yaml") {
		t.Errorf("%v", err)
	}
}

// Each line of the preflight, by what is so in GitLab.
func TestPreflight(t *testing.T) {
	job := func(p *fake.Pipeline, name string, f func(*fake.Job)) func(*world) {
		return func(w *world) {
			w.Change(func(all []*fake.Job) {
				for _, j := range all {
					if j.Pipeline == p && j.Name == name {
						f(j)
					}
				}
			})
		}
	}
	guard := func(s *fake.Server) { s.Guard = true }
	through := func(s *fake.Server) { s.Guard, s.GuardRollback = true, true }
	start := func(w *world) {
		m := w.method(t, maria)
		if _, err := m.Do(t.Context(), planFor(t, w, m, old), nil); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		set    func(*fake.Server)
		then   func(*world)
		manual bool
		id     string
		state  model.CheckState
		hard   bool
		says   string
		action string // "" = retry
	}{
		"retry is the default":       {id: "job", state: model.CheckOK, says: "deploy: the job that deployed it is run again"},
		"manual job":                 {manual: true, id: "job", state: model.CheckOK, says: "rollback: the manual job of its pipeline is started", action: "play"},
		"manual job that is missing": {manual: true, then: job(good, "rollback", func(j *fake.Job) { j.Name = "other" }), id: "job", state: model.CheckOK, says: "no job rollback"},
		"manual job that was run":    {manual: true, then: job(good, "rollback", func(j *fake.Job) { j.Status = "success" }), id: "job", state: model.CheckOK, says: "run before, and is run again"},
		"manual job, guard":          {set: guard, manual: true, id: "guard", state: model.CheckWarning, says: "if that deploys", action: "play"},
		"archived":                   {then: job(good, "deploy", func(j *fake.Job) { j.Archived = true }), id: "job.state", state: model.CheckBlocked, hard: true, says: "archived"},
		"running":                    {set: func(s *fake.Server) { s.Runs = 100 * time.Hour }, then: job(good, "deploy", func(j *fake.Job) { j.Status = "running" }), id: "", says: "not among the last"},
		"guard":                      {set: guard, id: "guard", state: model.CheckBlocked, hard: true, says: "a newer deployment was successful"},
		"guard lets through":         {set: through, id: "guard", state: model.CheckOK, says: "lets it through"},
		"expired artifacts":          {then: job(good, "build", func(j *fake.Job) { j.Expired = true }), id: "artifacts", state: model.CheckWarning, says: "the artifacts of build have expired"},
		"kept artifacts":             {id: "artifacts", state: model.CheckOK, says: "no artifacts"},
		"nothing else":               {id: "pipeline", state: model.CheckOK, says: "nothing else is on its way"},
		"another pipeline":           {set: func(s *fake.Server) { s.Waits, s.Runs = 0, time.Hour }, then: start, id: "pipeline", state: model.CheckWarning, says: "pipeline 4500 (a1a1a1a1) by maria is being deployed"},
		"another one that waits":     {set: func(s *fake.Server) { s.Waits = time.Hour }, then: start, id: "pipeline", state: model.CheckWarning, says: "pipeline 4500 (a1a1a1a1) by maria is on its way"},
		"approval of another one":    {set: func(s *fake.Server) { s.Approvals = 1 }, then: start, id: "pipeline", state: model.CheckWarning, says: "waits for an approval"},
		"no protection":              {id: "access.environment", state: model.CheckOK, says: "not protected"},
		"protected":                  {set: func(s *fake.Server) { s.Protected = []int{fake.Maintainer} }, id: "access.environment", state: model.CheckOK, says: "lets the token's user deploy"},
		"approvals":                  {set: func(s *fake.Server) { s.Protected, s.Approvals = []int{fake.Maintainer}, 2 }, id: "access.environment", state: model.CheckWarning, says: "until 2 have approved"},
		"archived project":           {set: func(s *fake.Server) { s.Archived = true }, id: "access.role", state: model.CheckBlocked, hard: true, says: "archived"},
		"token":                      {id: "access.token", state: model.CheckOK, says: "scope api"},
		"by its image":               {id: "running", state: model.CheckOK, says: "pipeline 4601 runs, by its image"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.set)
			if c.then != nil {
				c.then(w)
			}
			var set []func(*gitlabjob.Target, *gitlabjob.Options)
			if c.manual {
				set = append(set, manualJob)
			}
			pf := preflight(t, w, w.method(t, mayDeploy, set...), version(good))
			if c.id == "" {
				if !strings.Contains(pf.Err, c.says) {
					t.Errorf("%+v", pf)
				}
				return
			}
			n := slices.IndexFunc(pf.Checks, func(x model.Check) bool { return x.ID == c.id })
			if n < 0 || pf.Checks[n].State != c.state || pf.Checks[n].Hard != c.hard || !strings.Contains(pf.Checks[n].Text, c.says) {
				t.Fatalf("%s: %+v %s", c.id, pf.Checks, pf.Err)
			}
			want := "/retry"
			if c.action != "" {
				want = "/" + c.action
			}
			if p := pf.Plans[0]; !strings.HasSuffix(p.Command, want) || !strings.Contains(p.Command, "$GITLAB_TOKEN") {
				t.Errorf("the command is %s", p.Command)
			}
		})
	}
}

// A manual job that deploys to the environment and was never run is what the guard
// refuses first: the job that deployed is run again, where that is let through.
func TestGuardDecidesBetweenTheJobs(t *testing.T) {
	w := newWorld(t, func(s *fake.Server) { s.Guard, s.GuardRollback = true, true })
	w.Waiting("rollback", good, w.Users[maria])
	pf := preflight(t, w, w.method(t, mayDeploy, manualJob), version(good))
	if len(pf.Plans) != 1 || !strings.HasSuffix(pf.Plans[0].Command, "/retry") || !slices.ContainsFunc(pf.Checks, func(x model.Check) bool {
		return x.ID == "job" && strings.Contains(x.Text, "the guard against outdated deployments refuses the manual job rollback")
	}) {
		t.Fatalf("%+v", pf)
	}
	m := w.method(t, mayDeploy, manualJob)
	if _, err := m.Do(t.Context(), pf.Plans[0], nil); err != nil {
		t.Error(err)
	}
}
