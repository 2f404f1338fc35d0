package cli

import (
	"context"
	"net/http"
	"os"
	"time"

	"rollbook/config"
	"rollbook/engine"
	"rollbook/integrations/gitlab"
	"rollbook/kube"
	"rollbook/model"
	"rollbook/ways/gitlabjob"
)

// methods are the ways back. Choose offers those that are engine.Offered, in this order.
func methods(c *kube.Client, cfg *config.Config, readOnly bool) []engine.Method {
	job := gitlabJob(cfg, readOnly)
	return []engine.Method{
		kube.NewUndo(c),
		kube.NewDeletePod(c),
		job,
		gitlabjob.NewCancel(job),
	}
}

// methodOf is the method that a name of rollbook.yaml stands for.
var methodOf = map[string]model.Method{config.MethodKubernetes: kube.MethodUndo, config.MethodGitLab: gitlabjob.MethodJob}

// gitlabJob is the way back by the jobs of the components that name theirs. It sends
// nothing now. Where the GitLab cannot be asked, for want of a token, each use says so.
func gitlabJob(cfg *config.Config, readOnly bool) gitlabjob.Job {
	targets := map[string]gitlabjob.Target{}
	for _, k := range cfg.Components {
		if g := k.GitLab; g != nil {
			targets[k.Name] = gitlabjob.Target{Project: g.Project, Environment: g.Environment, Job: g.Job}
		}
	}
	var server gitlabjob.GitLab = noGitLab{"methods.gitlab is not set in rollbook.yaml"}
	if s := cfg.Methods.GitLab; s != nil {
		token, err := s.Token.Read(os.Getenv)
		var client *http.Client
		if err == nil {
			client, err = httpClient(s.HTTP, readOnly)
		}
		if err == nil {
			server, err = gitlab.NewClient("GitLab", s.URL, token, client)
		}
		if err != nil {
			server = noGitLab{"methods.gitlab: " + err.Error()}
		}
	}
	return gitlabjob.New(server, targets, gitlabjob.Options{ReadOnly: readOnly, Now: time.Now, Rollout: kube.Rollout})
}

// noGitLab stands for a GitLab that cannot be asked.
type noGitLab struct{ why string }

func (g noGitLab) String() string { return "GitLab" }

func (g noGitLab) URL(path string) string { return path }

func (g noGitLab) Said(int, []byte) string { return g.why }

func (g noGitLab) Do(context.Context, string, string, http.Header, []byte) (int, http.Header, []byte, error) {
	return 0, nil, nil, &model.SendError{To: "GitLab", Why: g.why, Certain: true}
}
