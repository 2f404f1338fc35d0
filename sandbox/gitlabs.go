package sandbox

import (
	"crypto/sha1" //nolint:gosec // git has it so
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rollbook/sandbox/gitlab"
	"rollbook/sandbox/store"
)

// GitLab is where a workload is deployed from: each of its releases whose cause names a
// pipeline was a deployment, whose job can be run again.
type GitLab struct {
	Workload string `yaml:"workload"` // as of a release
	Project  string `yaml:"project"`
}

// environment names where GitLab deploys to.
const environment = "production"

func (g *GitLab) workload() workload { return (Release{Workload: g.Workload}).workload() }

// How long a job waits for its runner, and runs.
const (
	jobWaits = 2 * time.Second
	jobRuns  = 9 * time.Second
)

// newGitLab returns the GitLab of a scenario, on which the token is the operator's; nil =
// it has none.
func (w *world) newGitLab(s *Scenario, opening time.Time, token string) *gitlab.Server {
	if s.GitLab == nil {
		return nil
	}
	id := s.GitLab.workload()
	g := &gitlab.Server{Project: s.GitLab.Project, Environment: environment, Now: w.clock.now, Guard: true, GuardRollback: true, Ranges: true, Waits: jobWaits, Runs: jobRuns,
		Users: map[string]*gitlab.User{token: {ID: 7, Name: User, Level: gitlab.Developer, Scopes: []string{"api"}}},
		Log: []string{"Getting source from Git repository", "$ kubectl config use-context shop/shop:production", "$ kubectl apply -k overlays/production",
			"deployment.apps/" + id.name + " configured", "$ kubectl rollout status deployment/" + id.name}}
	numbers := map[int64]int{}
	for n, r := range s.releasesOf(id) {
		number := r.pipeline()
		if number == 0 {
			continue
		}
		numbers[number] = n
		sum := sha1.Sum([]byte(r.Image)) //nolint:gosec // see above
		_, title, _ := strings.Cut(r.Cause, ": ")
		if title == "" {
			title = "release " + tagOf(r.Image)
		}
		g.Released(&gitlab.Pipeline{ID: number, SHA: hex.EncodeToString(sum[:]), Ref: "v" + tagOf(r.Image), Tag: true, Title: title, Author: "Maria"},
			&gitlab.User{ID: 3, Name: "maria"}, opening.Add(time.Duration(r.At)))
	}
	g.Done = func(j *gitlab.Job) {
		n, is := numbers[j.Pipeline.ID]
		if !is || !j.Deploys {
			return
		}
		if err := w.bringBack(s, id, n); err != nil {
			j.Status, j.Reason = "failed", "script_failure"
		}
	}
	return g
}

// bringBack deploys a release once more, as its pipeline does.
func (w *world) bringBack(s *Scenario, id workload, n int) error {
	want, config, err := s.manifest(id, n)
	if err != nil {
		return err
	}
	r := s.releasesOf(id)[n]
	r.Config = config
	if err := r.configure(w.store); err != nil {
		return err
	}
	template, _, err := unstructured.NestedMap(want.Object, "spec", "template")
	if err != nil {
		return err
	}
	_, err = w.store.Modify(kinds[id.kind], id.namespace, id.name, store.By{Manager: r.by()}, func(u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		notes := u.GetAnnotations()
		if notes == nil {
			notes = map[string]string{}
		}
		notes["kubernetes.io/change-cause"] = fmt.Sprintf("deploy %s again, pipeline %d", tagOf(r.Image), r.pipeline())
		u.SetAnnotations(notes)
		return u, unstructured.SetNestedMap(u.Object, template, "spec", "template")
	})
	return err
}
