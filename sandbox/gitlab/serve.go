package gitlab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ServeHTTP answers as GitLab's API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	if s.busy > 0 {
		s.busy--
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, "Too many requests. Please retry later.")
		return
	}
	u := s.Users[r.Header.Get("PRIVATE-TOKEN")]
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/v4")
	switch {
	case u == nil:
		say(w, http.StatusUnauthorized, "message", "401 Unauthorized")
	case r.Method != http.MethodGet && !slices.Contains(u.Scopes, "api"):
		w.Header().Set("WWW-Authenticate", `Bearer realm="Protected by OAuth 2.0", error="insufficient_scope"`)
		reply(w, http.StatusForbidden, map[string]string{"error": "insufficient_scope", "scope": "api",
			"error_description": "The request requires higher privileges than provided by the access token."})
	case ok && path == "/personal_access_tokens/self":
		reply(w, http.StatusOK, map[string]any{"id": 7, "scopes": u.Scopes, "user_id": u.ID, "active": true, "revoked": false, "expires_at": "2099-01-01"})
	case ok && u.Level > 0:
		s.inProject(w, r, u, path)
	default:
		say(w, http.StatusNotFound, "message", "404 Project Not Found")
	}
}

func (s *Server) inProject(w http.ResponseWriter, r *http.Request, u *User, path string) {
	var parts []string
	for p := range strings.SplitSeq(strings.TrimPrefix(path, "/projects/"), "/") {
		name, err := url.PathUnescape(p)
		if err != nil {
			say(w, http.StatusNotFound, "error", "404 Not Found")
			return
		}
		parts = append(parts, name)
	}
	if parts[0] != s.Project {
		say(w, http.StatusNotFound, "message", "404 Project Not Found")
		return
	}
	shape := r.Method
	for n, p := range parts[1:] {
		if n%2 == 1 {
			p = "*"
		}
		shape += " " + p
	}
	if u.Level < Reporter && len(parts) > 1 {
		say(w, http.StatusForbidden, "message", "403 Forbidden")
		return
	}
	var id int64
	if len(parts) > 2 {
		id, _ = strconv.ParseInt(parts[2], 10, 64)
	}
	switch shape {
	case "GET":
		reply(w, http.StatusOK, map[string]any{"id": 17, "path_with_namespace": s.Project, "archived": s.Archived,
			"ci_forward_deployment_enabled": s.Guard, "ci_forward_deployment_rollback_allowed": s.GuardRollback,
			"permissions": map[string]any{"project_access": map[string]any{"access_level": u.Level}, "group_access": nil}})
	case "GET deployments":
		s.listDeployments(w, r)
	case "GET protected_environments *":
		s.protection(w, parts[2])
	case "GET pipelines * jobs":
		s.pipelineJobs(w, r, id)
	case "GET jobs *", "GET jobs * trace", "POST jobs * play", "POST jobs * retry", "POST jobs * cancel":
		n := slices.IndexFunc(s.jobs, func(j *Job) bool { return j.ID == id })
		if n < 0 {
			say(w, http.StatusNotFound, "message", "404 Not found")
			return
		}
		s.oneJob(w, r, u, s.jobs[n], parts[len(parts)-1])
	default:
		say(w, http.StatusNotFound, "error", "404 Not Found")
	}
}

func (s *Server) oneJob(w http.ResponseWriter, r *http.Request, u *User, j *Job, do string) {
	over := slices.Contains([]string{"success", "failed", "canceled"}, j.Status)
	if r.Method == http.MethodPost && !s.may(u, j, do) {
		say(w, http.StatusForbidden, "message", "403 Forbidden")
		return
	}
	switch do {
	case "trace":
		s.trace(w, r, j)
		return
	case "play":
		if j.Archived || j.Status != "manual" {
			say(w, http.StatusBadRequest, "message", "400 Bad request - Unplayable Job")
			return
		}
		s.start(j, u)
	case "retry":
		if j.Archived || j.Retried || !over {
			say(w, http.StatusForbidden, "message", "403 Forbidden - Job is not retryable")
			return
		}
		reply(w, http.StatusCreated, s.job(s.again(j, u)))
		return
	case "cancel":
		if !over {
			j.Status, j.finished = "canceled", s.Now()
		}
		reply(w, http.StatusCreated, s.job(j))
		return
	}
	reply(w, http.StatusOK, s.job(j))
}

// may reports whether a user may run a job: by role, the environment, and the guard
// against outdated deployments.
func (s *Server) may(u *User, j *Job, do string) bool {
	if u.Level < Developer || s.Archived {
		return false
	}
	if !j.Deploys || do == "cancel" {
		return true
	}
	if len(s.Protected) > 0 && !slices.ContainsFunc(s.Protected, func(level int) bool { return u.Level >= level }) {
		return false
	}
	last := s.last()
	outdated := last.Job != nil && last.Job.Pipeline != j.Pipeline
	return !s.Guard || !outdated || s.GuardRollback && do == "retry"
}

func (s *Server) trace(w http.ResponseWriter, r *http.Request, j *Job) {
	all := s.log(j)
	var from int
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && s.Ranges {
		if from >= len(all) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", len(all)))
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(all)-1, len(all)))
		w.WriteHeader(http.StatusPartialContent)
		fmt.Fprint(w, all[from:])
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprint(w, all)
}

func (s *Server) listDeployments(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	narrowed := q.Has("finished_after") || q.Has("finished_before")
	switch {
	case q.Has("status") && !slices.Contains([]string{"created", "running", "success", "failed", "canceled", "skipped", "blocked"}, q.Get("status")):
		say(w, http.StatusBadRequest, "error", "status does not have a valid value")
		return
	case narrowed != (q.Get("order_by") == "finished_at"):
		say(w, http.StatusBadRequest, "message", "400 Bad request - `finished_at` filter and `finished_at` sorting must be paired")
		return
	}
	var out []any
	for _, d := range s.deployments {
		if (!q.Has("status") || d.status() == q.Get("status")) && (!q.Has("environment") || q.Get("environment") == s.Environment) {
			out = append(out, s.deployment(d))
		}
	}
	if q.Get("sort") == "desc" { // the default is asc
		slices.Reverse(out)
	}
	pages(w, r, out)
}

// pipelineJobs lists the newest runs alone, unless asked for all.
func (s *Server) pipelineJobs(w http.ResponseWriter, r *http.Request, pipeline int64) {
	var out []any
	found := false
	for _, j := range slices.Backward(s.jobs) {
		if j.Pipeline.ID != pipeline {
			continue
		}
		found = true
		if !j.Retried || r.URL.Query().Get("include_retried") == "true" {
			out = append(out, s.job(j))
		}
	}
	if !found {
		say(w, http.StatusNotFound, "message", "404 Not found")
		return
	}
	pages(w, r, out)
}

func (s *Server) protection(w http.ResponseWriter, environment string) {
	if len(s.Protected) == 0 || environment != s.Environment {
		say(w, http.StatusNotFound, "message", "404 Not found")
		return
	}
	levels := []any{}
	for _, l := range s.Protected {
		levels = append(levels, map[string]any{"access_level": l, "user_id": nil, "group_id": nil,
			"access_level_description": map[int]string{Developer: "Developers + Maintainers", Maintainer: "Maintainers"}[l]})
	}
	reply(w, http.StatusOK, map[string]any{"name": environment, "deploy_access_levels": levels, "required_approval_count": s.Approvals, "approval_rules": []any{}})
}

func (s *Server) job(j *Job) map[string]any {
	out := map[string]any{"id": j.ID, "name": j.Name, "stage": "deploy", "status": j.Status, "ref": j.Pipeline.Ref, "tag": j.Pipeline.Tag,
		"created_at": date(j.created), "started_at": date(j.started), "finished_at": date(j.finished), "archived": j.Archived,
		"web_url":   "https://gitlab.example/" + s.Project + "/-/jobs/" + strconv.FormatInt(j.ID, 10),
		"pipeline":  map[string]any{"id": j.Pipeline.ID, "sha": j.Pipeline.SHA, "ref": j.Pipeline.Ref},
		"commit":    map[string]any{"id": j.Pipeline.SHA, "title": j.Pipeline.Title, "author_name": j.Pipeline.Author},
		"artifacts": []any{map[string]any{"file_type": "trace"}}, "artifacts_expire_at": nil, "user": user(j.By)}
	if j.Reason != "" {
		out["failure_reason"] = j.Reason
	}
	if !j.finished.IsZero() {
		out["duration"] = j.finished.Sub(j.started).Seconds()
	}
	if j.Name == "build" {
		out["artifacts_expire_at"] = date(j.finished.Add(7 * 24 * time.Hour))
		if j.Expired {
			out["artifacts_expire_at"] = date(j.finished)
		} else {
			out["artifacts"] = []any{map[string]any{"file_type": "archive"}, map[string]any{"file_type": "trace"}}
		}
	}
	return out
}

func (s *Server) deployment(d *Deployment) map[string]any {
	out := map[string]any{"id": d.ID, "iid": d.ID, "ref": d.Ref, "sha": d.SHA, "status": d.status(), "user": user(d.By),
		"created_at": date(d.made), "updated_at": date(d.made), "environment": map[string]any{"name": s.Environment}, "deployable": nil}
	if d.Job != nil {
		out["deployable"] = s.job(d.Job)
	}
	return out
}

func user(u *User) any {
	if u == nil {
		return nil
	}
	return map[string]any{"id": u.ID, "username": u.Name}
}

func date(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// pages sends one page of a list, 20 to a page by default and 100 at most.
func pages(w http.ResponseWriter, r *http.Request, all []any) {
	count := func(name string, or int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && n > 0 {
			return n
		}
		return or
	}
	size, page := min(100, count("per_page", 20)), count("page", 1)
	from, to := min(len(all), (page-1)*size), min(len(all), page*size)
	next := ""
	if to < len(all) {
		next = strconv.Itoa(page + 1)
	}
	w.Header().Set("X-Page", strconv.Itoa(page))
	w.Header().Set("X-Next-Page", next)
	reply(w, http.StatusOK, append([]any{}, all[from:to]...))
}

func say(w http.ResponseWriter, code int, key, text string) {
	reply(w, code, map[string]string{key: text})
}

func reply(w http.ResponseWriter, code int, what any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(what)
}
