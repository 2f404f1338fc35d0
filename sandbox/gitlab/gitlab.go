// Package gitlab is a GitLab in memory: one project, its environment, the pipelines
// that were deployed to it, and their jobs, which run when they are told to. It answers
// as https://docs.gitlab.com/api/ says, in its orders, pages, codes and words.
package gitlab

import (
	"fmt"
	"sync"
	"time"
)

// Access levels of a project's members.
const (
	Guest      = 10
	Reporter   = 20
	Developer  = 30
	Maintainer = 40
)

// A User is somebody with a token.
type User struct {
	ID     int64
	Name   string
	Level  int      // in the project; 0 = does not see it
	Scopes []string // of the token
}

// A Job is one run of a job of a pipeline.
type Job struct {
	ID       int64
	Name     string
	Pipeline *Pipeline
	Deploys  bool // to the environment
	Status   string
	Reason   string // why it failed
	By       *User
	Archived bool
	// Expired: the artifacts that it left are gone.
	Expired bool
	Retried bool // a newer run took its place

	created, started, finished time.Time
}

// A Pipeline is a commit's.
type Pipeline struct {
	ID            int64
	SHA, Ref      string
	Tag           bool
	Title, Author string
}

// A Deployment is what a job that deploys has made, or the API (no job).
type Deployment struct {
	ID      int64
	Job     *Job
	SHA     string
	Ref     string
	By      *User
	made    time.Time
	outcome string // of one that has no job
}

// Server is the GitLab. Its fields are set before it is asked for the first time.
type Server struct {
	Project     string // "shop/shop"
	Environment string
	Now         func() time.Time
	Users       map[string]*User // by token

	Guard, GuardRollback bool  // against outdated deployments; retries are let through
	Protected            []int // access levels that may deploy; none = everybody who may run jobs
	Approvals            int
	Archived             bool // the project
	Ranges               bool // a log is sent from where it is asked for

	// Waits and Runs are how long a job waits for a runner and then runs.
	Waits, Runs time.Duration
	// Log is what a job says while it runs, evenly over the time.
	Log []string
	// Fails says why a job fails at its end; "" = it succeeds.
	Fails func(*Job) string
	// Retries: GitLab runs a job that failed once again by itself.
	Retries bool
	// Done is told of each job that has succeeded, with the lock held.
	Done func(*Job)

	mu          sync.Mutex
	jobs        []*Job
	deployments []*Deployment
	starts      int // jobs that were told to run
	busy        int // requests that are answered with 429
}

// Released adds a pipeline whose job deployed it, at a time, and the jobs that it has
// beside: "build" with artifacts, and a manual one by each name.
func (s *Server) Released(p *Pipeline, by *User, at time.Time, manual ...string) *Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(&Job{Name: "build", Pipeline: p, Status: "success", By: by, created: at, started: at, finished: at})
	deploy := &Job{Name: "deploy", Pipeline: p, Deploys: true, Status: "success", By: by, created: at, started: at, finished: at.Add(40 * time.Second)}
	s.add(deploy)
	s.deployed(deploy)
	for _, name := range manual {
		s.add(&Job{Name: name, Pipeline: p, Status: "manual", By: by, created: at})
	}
	return deploy
}

// Made adds a deployment that the API made, which has no job.
func (s *Server) Made(sha, ref string, by *User, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deployments = append(s.deployments, &Deployment{ID: s.nextDeployment(), SHA: sha, Ref: ref, By: by, made: at, outcome: "success"})
}

// Change changes a job, as somebody does in GitLab.
func (s *Server) Change(f func(all []*Job)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.jobs)
}

// Starts returns how many jobs were told to run.
func (s *Server) Starts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.starts
}

// Busy lets the next requests be answered with 429.
func (s *Server) Busy(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = n
}

// Running returns the commit that was deployed last.
func (s *Server) Running() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	return s.last().SHA
}

func (s *Server) add(j *Job) {
	j.ID = int64(900 + len(s.jobs) + 1)
	s.jobs = append(s.jobs, j)
}

func (s *Server) deployed(j *Job) {
	s.deployments = append(s.deployments, &Deployment{ID: s.nextDeployment(), Job: j, SHA: j.Pipeline.SHA, Ref: j.Pipeline.Ref, By: j.By, made: j.created})
}

func (s *Server) nextDeployment() int64 { return int64(40 + len(s.deployments) + 1) }

// status is a deployment's: that of its job.
func (d *Deployment) status() string {
	if d.Job == nil {
		return d.outcome
	}
	switch d.Job.Status {
	case "success", "failed", "canceled", "skipped", "running":
		return d.Job.Status
	case "blocked":
		return "blocked"
	}
	return "created"
}

// last is the newest deployment that succeeded.
func (s *Server) last() *Deployment {
	for n := len(s.deployments) - 1; n >= 0; n-- {
		if d := s.deployments[n]; d.status() == "success" {
			return d
		}
	}
	return &Deployment{}
}

// advance lets time go on for the jobs.
func (s *Server) advance() {
	now := s.Now()
	for _, j := range s.jobs {
		if j.Status == "pending" && !now.Before(j.created.Add(s.Waits)) {
			j.Status, j.started = "running", j.created.Add(s.Waits)
		}
		if j.Status != "running" || now.Before(j.started.Add(s.Runs)) {
			continue
		}
		j.Status, j.finished = "success", j.started.Add(s.Runs)
		if s.Fails != nil {
			if j.Reason = s.Fails(j); j.Reason != "" {
				j.Status = "failed"
				if s.Retries {
					s.again(j, j.By)
				}
				continue
			}
		}
		if s.Done != nil {
			s.Done(j)
		}
	}
}

// start lets a job wait for its runner.
func (s *Server) start(j *Job, by *User) {
	s.starts++
	j.By, j.created = by, s.Now()
	j.Status = "pending"
	if s.Approvals > 0 && j.Deploys {
		j.Status = "blocked"
	}
	if j.Deploys {
		s.deployed(j)
	}
}

// again runs a job once more, as a run of its own.
func (s *Server) again(j *Job, by *User) *Job {
	next := &Job{Name: j.Name, Pipeline: j.Pipeline, Deploys: j.Deploys}
	j.Retried = true
	s.add(next)
	s.start(next, by)
	return next
}

// log returns what a job has said until now.
func (s *Server) log(j *Job) string {
	if j.started.IsZero() {
		return ""
	}
	n := len(s.Log)
	if j.Status == "running" {
		n = min(n, int(float64(n)*float64(s.Now().Sub(j.started))/float64(max(1, s.Runs))))
	}
	out := "\x1b[0KRunning with gitlab-runner 18.4.0\x1b[0;m\n"
	for _, l := range s.Log[:n] {
		out += l + "\n"
	}
	switch j.Status {
	case "success":
		out += "\x1b[32;1mJob succeeded\x1b[0;m\n"
	case "failed":
		out += fmt.Sprintf("\x1b[31;1mERROR: Job failed: %s\x1b[0;m\n", j.Reason)
	}
	return out
}

// Waiting lets a manual job of a pipeline be one that deploys, as GitLab has it: its
// deployment is there before it is started.
func (s *Server) Waiting(name string, p *Pipeline, by *User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if j.Name == name && j.Pipeline == p {
			j.Deploys, j.By = true, by
			s.deployed(j)
		}
	}
}
