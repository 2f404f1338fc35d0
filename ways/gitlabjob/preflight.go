package gitlabjob

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// developer is the least access level that may run jobs.
const developer = 30

func unknown(id, what string, err error) model.Check {
	return ways.Line(id, model.CheckUnknown, "", "%s is not known: %s", what, because(err))
}

// rights tells whether the token and its user may run the job.
func (j Job) rights(ctx context.Context, w *world) []model.Check {
	var checks []model.Check
	var user int64
	var p protection
	var err error
	ways.Several(
		func() { checks, user = j.userRights(ctx, w) },
		func() {
			err = j.ask(ctx, inProject(w.target.Project, "/protected_environments/"+escaped(w.target.Environment)), &p)
		})
	return append(checks, w.checkProtected(&p, err, user))
}

// userRights tells whether the token and its user may run the project's jobs, and who
// the user is; 0 = GitLab did not say.
func (j Job) userRights(ctx context.Context, w *world) (checks []model.Check, user int64) {
	var t token
	err := j.ask(ctx, "/personal_access_tokens/self", &t)
	return []model.Check{checkToken(&t, err, j.Now()), w.checkRole()}, t.User
}

func checkToken(t *token, err error, now time.Time) model.Check {
	const id, ask = "access.token", "use a token with the scope api"
	switch {
	case err != nil:
		return unknown(id, "whether the token has the scope api", err)
	case t.Active != nil && !*t.Active:
		return ways.Hard(ways.Line(id, 0, ask, "the token is revoked or expired: the write would be refused"))
	case !slices.Contains(t.Scopes, "api"):
		return ways.Hard(ways.Line(id, 0, ask, "the token has the scope %s and not api: the write would be refused", text.Line(strings.Join(t.Scopes, ", "))))
	}
	if end, err := time.Parse(time.DateOnly, t.Expires); err == nil && end.Sub(now) < 7*24*time.Hour {
		return ways.Line(id, model.CheckNote, "", "the token has the scope api, until %s", t.Expires)
	}
	return ways.Line(id, model.CheckOK, "", "the token has the scope api")
}

// level returns which access level the token's user has in the project; it is not known
// where GitLab does not say.
func (p *project) level() (level int, known bool) {
	for _, a := range []*access{p.Permissions.Project, p.Permissions.Group} {
		if a != nil {
			level, known = max(level, a.Level), true
		}
	}
	return level, known
}

func (w *world) checkRole() model.Check {
	const id, ask = "access.role", "ask for the role Developer, or let somebody do it who has it"
	level, known := w.project.level()
	path := text.Line(w.project.Path)
	switch {
	case w.project.Archived:
		return ways.Hard(ways.Line(id, 0, "unarchive the project", "the project %s is archived: no job of it can be run", path))
	case !known:
		return ways.Line(id, model.CheckUnknown, ask, "whether the token's user may run jobs of %s is not known: GitLab names no role", path)
	case level < developer:
		return ways.Hard(ways.Line(id, 0, ask, "the token's user may not run jobs of %s: the write would be refused", path))
	}
	return ways.Line(id, model.CheckOK, "", "the token's user may run jobs of %s", path)
}

// checkProtected tells whether the environment lets the user deploy, and asks others.
func (w *world) checkProtected(p *protection, err error, user int64) model.Check {
	const id = "access.environment"
	env := text.Line(w.target.Environment)
	var r *refusal
	switch {
	case errors.As(err, &r) && r.status == http.StatusNotFound:
		return ways.Line(id, model.CheckOK, "", "the environment %s is not protected", env)
	case err != nil:
		return unknown(id, "whether the environment "+env+" is protected", err)
	}
	level, known := w.project.level()
	may, groups := false, false
	var who []string
	for _, a := range p.Access {
		switch {
		case a.User != 0:
			may = may || a.User == user
		case a.Group != 0:
			groups = true
		default:
			may = may || known && level >= a.Level
		}
		who = append(who, text.Line(a.Words))
	}
	approvals := p.Approvals
	for _, rule := range p.Rules {
		approvals += rule.Approvals
	}
	allowed := strings.Join(slices.DeleteFunc(who, func(s string) bool { return s == "" }), ", ")
	switch {
	case !may && (groups || !known):
		return ways.Line(id, model.CheckUnknown, "", "the environment %s is protected, and lets deploy: %s; whether the token's user is among them is not known", env, allowed)
	case !may:
		return ways.Hard(ways.Line(id, 0, "let somebody do it who may", "the environment %s is protected, and lets deploy: %s; not the token's user", env, allowed))
	case approvals > 0:
		return ways.Line(id, model.CheckWarning, "have those who approve at hand", "the environment %s is protected: the job waits until %d have approved it", env, approvals)
	}
	return ways.Line(id, model.CheckOK, "", "the environment %s is protected, and lets the token's user deploy", env)
}

// lines returns the checks of what the plan is made of: nothing more is asked for.
func (w *world) lines(c *model.Component, all []candidate, x *candidate, r run, now time.Time) []model.Check {
	out := []model.Check{ways.Line("job", model.CheckOK, "", "%s: %s", text.Line(r.job.Name), r.why), w.checkJob(r), w.checkGuard(r), w.checkArtifacts(r, now), w.checkOnTheWay()}
	return append(out, checkRunning(c, all, x))
}

func (w *world) checkJob(r run) model.Check {
	const id = "job.state"
	name, of := text.Line(r.job.Name), text.Line(r.job.WebURL)
	switch {
	case r.job.Archived:
		return ways.Hard(ways.Line(id, 0, "go back another way", "the job %s is archived: GitLab runs it no more", name))
	case r.job.Reason == "deployment_rejected", r.action == "retry" && r.job.Status == "skipped":
		return ways.Hard(ways.Line(id, 0, "go back another way", "GitLab does not run the job %s again: %s", name, cmp.Or(reasons[r.job.Reason], "it was "+text.Line(r.job.Status))))
	case r.action == "retry" && !r.job.over():
		return ways.Hard(ways.Line(id, 0, "look at it in GitLab: "+of, "the job %s is %s now: it cannot be run again before its end", name, text.Line(r.job.Status)))
	}
	return ways.Line(id, model.CheckOK, "", "the job %s can be run: it is %s", name, text.Line(r.job.Status))
}

func (w *world) checkGuard(r run) model.Check {
	const id, do = "guard", "let it through in GitLab: Settings, CI/CD, General pipelines, Allow job retries for rollback deployments; or go back another way"
	switch r.guard {
	case guardOff:
		return ways.Line(id, model.CheckOK, "", "the guard against outdated deployments lets it through")
	case guardRefuses:
		return ways.Hard(ways.Line(id, 0, do, "the guard against outdated deployments refuses it: a newer deployment was successful"))
	case guardMaybe:
		return ways.Line(id, model.CheckWarning, do, "the guard against outdated deployments is on: it refuses the job, if that deploys to %s", text.Line(w.target.Environment))
	}
	return ways.Line(id, model.CheckUnknown, "", "whether GitLab guards against outdated deployments is not known")
}

// checkArtifacts looks at what the pipeline's other jobs have left: a job that is run
// alone works with that, or breaks where it is gone.
func (w *world) checkArtifacts(r run, now time.Time) model.Check {
	const id = "artifacts"
	var gone []string
	for n := range w.jobs {
		x := &w.jobs[n]
		kept := slices.ContainsFunc(x.Artifacts, func(a struct {
			Type string `json:"file_type"`
		}) bool {
			return a.Type == "archive"
		})
		if x.Name != r.job.Name && !kept && !x.Expires.IsZero() && x.Expires.Before(now) {
			gone = append(gone, text.Line(x.Name))
		}
	}
	if len(gone) > 0 {
		return ways.Line(id, model.CheckWarning, "see whether it needs them, or go back another way", "the artifacts of %s have expired: the job fails if it needs them", strings.Join(gone, ", "))
	}
	return ways.Line(id, model.CheckOK, "", "no artifacts of the pipeline have expired")
}

// checkOnTheWay tells of what else is being deployed: it would take the place of what
// is gone back to, or the other way round.
func (w *world) checkOnTheWay() model.Check {
	const id = "pipeline"
	env := text.Line(w.target.Environment)
	tell := func(d *deployment, state string) model.Check {
		who, what := d.User, d.version()
		return ways.Line(id, model.CheckWarning, "cancel it in GitLab first, or it takes the place of what you go back to",
			"%s (%s) by %s %s to %s", what, what.Name(), who, state, env)
	}
	if len(w.running) > 0 {
		return tell(&w.running[0], "is being deployed")
	}
	for n := range w.waiting {
		d := &w.waiting[n]
		switch {
		case d.Status == "blocked":
			return tell(d, "waits for an approval")
		case d.Job != nil && slices.Contains([]string{"pending", "running", "preparing", "waiting_for_resource", "waiting_for_callback", "scheduled"}, d.Job.Status):
			return tell(d, "is on its way")
		case d.Job != nil && d.Job.Status == "created" && len(w.done) > 0 && d.ID > w.done[0].ID:
			return tell(d, "is on its way")
		}
	}
	return ways.Line(id, model.CheckOK, "", "nothing else is on its way to %s", env)
}

// checkRunning tells what it is known by which version runs.
func checkRunning(c *model.Component, all []candidate, x *candidate) model.Check {
	const id = "running"
	k := current(all, c)
	switch {
	case k == nil:
		return ways.Line(id, model.CheckUnknown, "", "which version runs is not known")
	case x.last.bears(c.Images):
		return ways.Line(id, model.CheckWarning, "", "%s runs already, by its image", x.Version)
	case !k.last.bears(c.Images):
		return ways.Line(id, model.CheckNote, "", "that %s runs is GitLab's word: no image is tagged with its commit or version", k.Version)
	case &all[0] != k:
		return ways.Line(id, model.CheckNote, "", "%s was deployed last, and by its image %s runs", all[0].Version, k.Version)
	}
	return ways.Line(id, model.CheckOK, "", "%s runs, by its image", k.Version)
}
