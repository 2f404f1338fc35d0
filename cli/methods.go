package cli

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"rollbook/config"
	"rollbook/engine"
	"rollbook/integrations/gitlab"
	"rollbook/kube"
	"rollbook/model"
	"rollbook/ways/fault"
	"rollbook/ways/gitlabjob"
	"rollbook/ways/maintenance"
	"rollbook/ways/migrate"
	"rollbook/ways/redeploy"
	"rollbook/ways/scale"
)

// methods are the ways back. Choose offers those that are engine.Offered, in this order.
func methods(c *kube.Client, cfg *config.Config, readOnly bool, dial dialer) []engine.Method {
	job := gitlabJob(cfg, readOnly, dial)
	return []engine.Method{
		kube.NewUndo(c),
		kube.NewDeletePod(c),
		job,
		gitlabjob.NewCancel(job),
		migrations(c, cfg, readOnly),
		redeployed(c, cfg, readOnly),
		scale.New(kube.NewApplier(c), scale.Options{ReadOnly: readOnly, Now: time.Now, By: operator()}),
		maintained(c, cfg, readOnly),
		fault.New(kube.NewApplier(c), fault.Options{ReadOnly: readOnly, Refused: drillRefused(cfg, c), Env: cfg.Drill.Env, Patch: cfg.Drill.Patch,
			Now: time.Now, By: operator(), Rollout: kube.Rollout}),
	}
}

// methodOf is the method that a name of rollbook.yaml stands for.
var methodOf = map[string]model.Method{config.MethodKubernetes: kube.MethodUndo, config.MethodGitLab: gitlabjob.MethodJob, config.MethodRedeploy: redeploy.MethodRedeploy}

// redeployed is the way back by applying what git has of an earlier version.
func redeployed(c *kube.Client, cfg *config.Config, readOnly bool) redeploy.Redeploy {
	targets := map[string]redeploy.Target{}
	for _, k := range cfg.Components {
		if r := k.Redeploy; r != nil {
			targets[k.Name] = redeploy.Target(*r)
		}
	}
	kept := ""
	if dir, err := os.UserCacheDir(); err == nil { // without one it keeps no clones, and says so
		kept = filepath.Join(dir, "rollbook", "repositories")
	}
	return redeploy.New(kube.NewApplier(c), targets, redeploy.Options{ReadOnly: readOnly, Now: time.Now, Rollout: kube.Rollout, Home: os.Getenv("HOME"), Kept: kept})
}

// maintained shows the page of the manifest that is configured.
func maintained(c *kube.Client, cfg *config.Config, readOnly bool) maintenance.Maintenance {
	return maintenance.New(kube.NewApplier(c), maintenance.Options{ReadOnly: readOnly, Manifest: cfg.Recovery.Maintenance, Now: time.Now, By: operator()})
}

// gitlabJob is the way back by the jobs of the components that name theirs. It sends
// nothing now. Where the GitLab cannot be asked, for want of a token, each use says so.
func gitlabJob(cfg *config.Config, readOnly bool, dial dialer) gitlabjob.Job {
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
			client, err = httpClient(s.HTTP, readOnly, dial)
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

// migrations takes back those of the components that say how. It is no way back, but
// goes before one.
func migrations(c migrate.Pods, cfg *config.Config, readOnly bool) *migrate.Migrate {
	targets := map[string]migrate.Target{}
	for _, k := range cfg.Components {
		if m := k.Migrations; m != nil {
			targets[k.Name] = migrate.Target{Tool: m.Tool, Command: m.Command, Apps: m.Apps, Container: m.Container, Releases: m.Releases, Psql: migrate.Psql(m.Psql)}
		}
	}
	return migrate.New(c, targets, migrate.Options{ReadOnly: readOnly, Now: time.Now})
}

// noGitLab stands for a GitLab that cannot be asked.
type noGitLab struct{ why string }

func (g noGitLab) String() string { return "GitLab" }

func (g noGitLab) URL(path string) string { return path }

func (g noGitLab) Said(int, []byte) string { return g.why }

func (g noGitLab) Do(context.Context, string, string, http.Header, []byte) (int, http.Header, []byte, error) {
	return 0, nil, nil, &model.SendError{To: "GitLab", Why: g.why, Certain: true}
}
