package config

import (
	"slices"

	promconfig "github.com/prometheus/common/config"
)

// The ways back, as rollbook.yaml names them.
const (
	MethodKubernetes = "kubernetes" // the undo of a rollout
	MethodGitLab     = "gitlab"     // the job of an earlier deployment
)

var methodNames = []string{MethodKubernetes, MethodGitLab}

// Methods are what ways back other than the cluster's own need.
type Methods struct {
	GitLab *GitLabServer // nil: not set
}

// A GitLabServer is asked for pipelines, and told to run their jobs.
type GitLabServer struct {
	URL   string // "": https://gitlab.com
	Token Secret
	HTTP  *promconfig.HTTPClientConfig // nil when not set
}

// Deploys says where in GitLab a component is deployed from.
type Deploys struct {
	Project     string
	Environment string
	Job         string // manual one that goes back; "": the one that deployed
}

func (d *decoder) methods(v value) {
	v.fields(field{name: "gitlab", set: func(v value) {
		g := GitLabServer{}
		if old := d.cfg.Methods.GitLab; old != nil {
			g = *old
		}
		before := d.count
		v.fields(append(d.secretFields("token", &g.Token), urlField("url", &g.URL), d.httpField(&g.HTTP))...)
		if d.count > before {
			return
		}
		oneSecret(v, "token", g.Token, true)
		v.remember()
		d.cfg.Methods.GitLab = &g
	}})
}

// methodNames reads by which methods a component may go back, in their order.
func (v value) methodNames(to *[]string) {
	seen := map[string]bool{}
	v.lines(to, Schema{Type: "string", Enum: methodNames}, func(item value, s string) {
		switch {
		case !slices.Contains(methodNames, s):
			item.fail("%s is no method; there are %s", quote(s), list(methodNames))
		case seen[s]:
			item.fail("%s stands here twice", quote(s))
		}
		seen[s] = true
	})
}

// deploys is read from the operator's own file alone: the jobs of the project that it
// names are run with the operator's token.
func (d *decoder) deploys(v value, to **Deploys) {
	g := Deploys{}
	if *to != nil {
		g = **to
	}
	before := d.count
	v.fields(lineField("project", &g.Project, nil), lineField("environment", &g.Environment, nil), lineField("job", &g.Job, nil))
	switch {
	case d.count > before:
		return
	case g.Project == "":
		v.failKey("project is missing, such as project: shop/frontend")
	case g.Environment == "":
		v.failKey("environment is missing, such as environment: production")
	}
	v.remember()
	*to = &g
}

// settings lists m for config check.
func (m Methods) settings(some func(path, value string)) {
	if g := m.GitLab; g != nil {
		const path = "methods.gitlab"
		some(path+".url", g.URL)
		some(path+".token_env", g.Token.Env)
		some(path+".token_file", g.Token.File)
		if g.HTTP != nil {
			some(path+".http_config", compact(g.HTTP))
		}
	}
}
