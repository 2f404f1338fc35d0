package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	promconfig "github.com/prometheus/common/config"
)

// The ways back, as rollbook.yaml names them.
const (
	MethodKubernetes = "kubernetes" // the undo of a rollout
	MethodGitLab     = "gitlab"     // the job of an earlier deployment
	MethodRedeploy   = "redeploy"   // the manifests of an earlier version
)

var methodNames = []string{MethodKubernetes, MethodGitLab, MethodRedeploy}

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

// Redeploy says where a component's manifests come from: one of Overlay, Manifests and
// Command is set.
type Redeploy struct {
	Repository string   // folder of a clone, or the address of one that rollbook keeps
	Tags       string   // which tags are versions, as "v*"; "": all
	Overlay    string   // folder in it that kustomize builds
	Manifests  string   // file in it, or folder of files
	Command    []string // run in it; prints the manifests
	Manager    string   // field manager; "": rollbook
	Remote     bool     // the overlay may read from other places
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

// redeployed is read from the operator's own file alone: what it names is applied with
// the operator's rights, and its command is run.
func (d *decoder) redeployed(v value, to **Redeploy) {
	r := Redeploy{}
	if *to != nil {
		r = **to
	}
	before := d.count
	v.fields(
		lineField("repository", &r.Repository, checkRepository),
		lineField("tags", &r.Tags, nil),
		lineField("overlay", &r.Overlay, checkInside),
		lineField("manifests", &r.Manifests, checkInside),
		linesField("command", &r.Command),
		lineField("manager", &r.Manager, nil),
		boolField("remote", &r.Remote),
	)
	given := 0
	for _, is := range []bool{r.Overlay != "", r.Manifests != "", len(r.Command) > 0} {
		if is {
			given++
		}
	}
	switch {
	case d.count > before:
		return
	case r.Repository == "":
		v.failKey("repository is missing, such as repository: ~/src/shop")
	case given != 1:
		v.failKey("one of overlay, manifests and command says what is applied, such as overlay: kubernetes/overlays/prod")
	case r.Remote && r.Overlay == "":
		v.failKey("remote belongs to an overlay: it says whether that may read from other places")
	}
	v.remember()
	*to = &r
}

// checkRepository accepts a folder whatever the working folder is, or an address.
func checkRepository(s string) error {
	host, _, _ := strings.Cut(s, ":")
	address := strings.Contains(s, "://") || host != s && !strings.Contains(host, "/")
	if !address && !filepath.IsAbs(s) && !strings.HasPrefix(s, "~/") || strings.HasPrefix(s, "-") {
		return fmt.Errorf("%s is neither a folder that begins with / or ~/, nor an address such as git@git.example:shop/shop.git", quote(s))
	}
	return nil
}

// checkInside accepts what lies in the repository.
func checkInside(s string) error {
	if !filepath.IsLocal(s) || strings.HasPrefix(s, "-") {
		return fmt.Errorf("%s does not lie in the repository: name it as seen from its top, such as kubernetes/overlays/prod", quote(s))
	}
	return nil
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
