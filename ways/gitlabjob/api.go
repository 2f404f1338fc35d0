package gitlabjob

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollbook/model"
	"rollbook/text"
)

// What GitLab answers, as far as it is needed. Each text passes package text where it
// is shown.
type (
	deployment struct {
		ID        int64     `json:"id"`
		Ref       string    `json:"ref"`
		SHA       string    `json:"sha"`
		Status    string    `json:"status"`
		CreatedAt time.Time `json:"created_at"`
		UpdatedAt time.Time `json:"updated_at"`
		User      person    `json:"user"`
		Job       *job      `json:"deployable"` // nil for one that was made by the API
	}
	job struct {
		ID         int64     `json:"id"`
		Name       string    `json:"name"`
		Stage      string    `json:"stage"`
		Status     string    `json:"status"`
		Reason     string    `json:"failure_reason"`
		Tag        bool      `json:"tag"`
		Archived   bool      `json:"archived"`
		Duration   float64   `json:"duration"` // seconds
		StartedAt  time.Time `json:"started_at"`
		FinishedAt time.Time `json:"finished_at"`
		CreatedAt  time.Time `json:"created_at"`
		WebURL     string    `json:"web_url"`
		User       person    `json:"user"`
		Pipeline   pipeline  `json:"pipeline"`
		Commit     struct {
			Title  string `json:"title"`
			Author string `json:"author_name"`
		} `json:"commit"`
		Artifacts []struct {
			Type string `json:"file_type"`
		} `json:"artifacts"`
		Expires time.Time `json:"artifacts_expire_at"`
	}
	pipeline struct {
		ID int64 `json:"id"`
	}
	person struct {
		ID       int64  `json:"id"`
		Username string `json:"username"`
	}
	project struct {
		Path     string `json:"path_with_namespace"`
		Archived bool   `json:"archived"`
		// The guard against outdated deployments; nil = GitLab did not say.
		Guard         *bool `json:"ci_forward_deployment_enabled"`
		GuardRollback *bool `json:"ci_forward_deployment_rollback_allowed"`
		Permissions   struct {
			Project *access `json:"project_access"`
			Group   *access `json:"group_access"`
		} `json:"permissions"`
	}
	access struct {
		Level int `json:"access_level"`
	}
	token struct {
		Scopes  []string `json:"scopes"`
		User    int64    `json:"user_id"`
		Active  *bool    `json:"active"`
		Expires string   `json:"expires_at"`
	}
	protection struct {
		Access []struct {
			Level int    `json:"access_level"`
			Words string `json:"access_level_description"`
			User  int64  `json:"user_id"`
			Group int64  `json:"group_id"`
		} `json:"deploy_access_levels"`
		Approvals int `json:"required_approval_count"`
		Rules     []struct {
			Approvals int `json:"required_approvals"`
		} `json:"approval_rules"`
	}
)

// refusal tells of an answer that is no success.
type refusal struct {
	status int
	text   string
	wait   time.Duration // as it asks for; 0 = it does not
}

func (r *refusal) Error() string { return r.text }

// because says why GitLab could not be asked, and what to do about it.
func because(err error) string {
	var r *refusal
	var s *model.SendError
	switch {
	case errors.As(err, &s):
		return s.To + ": " + s.Why
	case !errors.As(err, &r):
		return err.Error()
	}
	switch r.status {
	case http.StatusForbidden:
		return "forbidden: " + r.text + "; reading needs a token with the scope read_api whose user sees the project's pipelines"
	case http.StatusNotFound:
		return r.text + "; there is no such project, or the token's user may not see it"
	}
	switch {
	case r.status/100 == 3:
		return r.text + "; a redirect, which is not followed: look at the URL, and whether the project was moved"
	case r.status == http.StatusRequestTimeout, r.status >= 500:
		return r.text + "; GitLab, or what stands before it, is in trouble or too slow now: ask again in a moment"
	}
	return r.text
}

func inProject(project, path string) string {
	return "/projects/" + escaped(project) + path
}

// escaped keeps a name from leading elsewhere, with its dots too.
func escaped(name string) string { return strings.ReplaceAll(url.PathEscape(name), ".", "%2E") }

func number(n int64) string { return strconv.FormatInt(n, 10) }

// ask reads what stands at a path. Asking changes nothing, so that it is done again
// for as long as GitLab says that it is overloaded.
func (j Job) ask(ctx context.Context, path string, out any) error {
	_, err := j.page(ctx, path, out)
	return err
}

func (j Job) page(ctx context.Context, path string, out any) (next string, err error) {
	err = j.patiently(ctx, nil, func() error {
		status, header, answer, err := j.gitlab.Do(ctx, http.MethodGet, path, nil, nil)
		switch {
		case err != nil:
			return err
		case status != http.StatusOK:
			return j.refused(status, header, answer)
		case json.Unmarshal(answer, out) != nil || string(answer) == "null":
			return model.Told(nil, nil, "%s: the answer is not GitLab's", j.gitlab)
		}
		next = header.Get("X-Next-Page")
		return nil
	})
	return next, err
}

func (j Job) refused(status int, header http.Header, answer []byte) *refusal {
	return &refusal{status: status, text: j.gitlab.String() + ": " + j.gitlab.Said(status, answer), wait: model.RetryAfter(header.Get)}
}

// list reads the pages of a list, until there are enough.
func list[T any](ctx context.Context, j Job, path string, query url.Values, enough int) ([]T, error) {
	var all []T
	query.Set("per_page", strconv.Itoa(min(enough, 50)))
	for page := "1"; page != "" && len(all) < enough; {
		query.Set("page", page)
		var some []T
		next, err := j.page(ctx, path+"?"+query.Encode(), &some)
		if err != nil {
			return nil, err
		}
		all, page = append(all, some...), next
	}
	return all, nil
}

// deployments returns those to the environment in a state, the newest first, until there
// are enough.
func (j Job) deployments(ctx context.Context, t Target, status string, enough int) ([]deployment, error) {
	// Without sort the oldest come first, and finished_at is only for lists that are
	// narrowed down by it.
	return list[deployment](ctx, j, inProject(t.Project, "/deployments"),
		url.Values{"environment": {t.Environment}, "status": {status}, "order_by": {"id"}, "sort": {"desc"}}, enough)
}

// jobs returns the newest runs of a pipeline's jobs.
func (j Job) jobs(ctx context.Context, project string, pipeline int64) ([]job, error) {
	return list[job](ctx, j, inProject(project, "/pipelines/"+number(pipeline)+"/jobs"), url.Values{}, 500)
}

func (j Job) job(ctx context.Context, project string, id int64) (*job, error) {
	out := &job{}
	return out, j.ask(ctx, inProject(project, "/jobs/"+number(id)), out)
}

// named returns the newest run of a job, or nil.
func named(jobs []job, name string) *job {
	var out *job
	for n := range jobs {
		if x := &jobs[n]; x.Name == name && (out == nil || x.ID > out.ID) {
			out = x
		}
	}
	return out
}

// order sends a POST, again only after a clear "not now", as it asks. The answer is
// the job.
func (j Job) order(ctx context.Context, path string, tell func(model.Progress)) (out job, err error) {
	err = j.patiently(ctx, tell, func() error {
		status, header, answer, err := j.gitlab.Do(ctx, http.MethodPost, path, nil, nil)
		switch {
		case err != nil:
			return err
		case status/100 != 2:
			return j.refused(status, header, answer)
		}
		_ = json.Unmarshal(answer, &out) // what is no job has no ID, and is told by whoever asked
		return nil
	})
	return out, err
}

// patiently repeats a call for as long as GitLab says that there were too many, each
// time after as long as it asks for, while there is time. tell may be nil.
func (j Job) patiently(ctx context.Context, tell func(model.Progress), call func() error) error {
	for {
		err := call()
		var r *refusal
		if !errors.As(err, &r) || r.status != http.StatusTooManyRequests {
			return err
		}
		wait := max(time.Second, r.wait)
		if end, ok := ctx.Deadline(); ok && j.Now().Add(wait).After(end) {
			return err
		}
		if tell != nil {
			tell(model.Progress{Text: "GitLab takes no more requests now (429): trying again in " + model.Short(wait)})
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// String names somebody of GitLab.
func (p person) String() string {
	if p.Username == "" {
		return "somebody"
	}
	return text.Line(p.Username)
}

// began returns when a job was begun; one that waits, when it was made.
func (x *job) began() time.Time {
	if !x.StartedAt.IsZero() {
		return x.StartedAt
	}
	return x.CreatedAt
}

// over reports whether a job's run is at its end.
func (x *job) over() bool {
	return slices.Contains([]string{"success", "failed", "canceled", "skipped"}, x.Status)
}
