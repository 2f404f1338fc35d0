package sandbox

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rollbook/sandbox/store"
)

// Forbid takes rights from the operator, so that another way back is needed.
type Forbid struct {
	Verbs     []string `yaml:"verbs"`
	Resources []string `yaml:"resources"` // as in "deployments" or "pods/exec"
}

// may reports whether the operator has the right to something.
func (s *Scenario) may(verb, resource string) bool {
	return !slices.ContainsFunc(s.Forbid, func(f Forbid) bool {
		return slices.Contains(f.Verbs, verb) && slices.Contains(f.Resources, resource)
	})
}

// Places say where what a scenario's ways back need is.
type Places struct {
	GitLab     string // its address
	TokenFile  string
	Repository string // folder
}

// Config returns the rollbook.yaml of the walk in a scenario: the ways back of its
// components; "" where the cluster's own is the only one.
func (s *Scenario) Config(at Places) string {
	if s.GitLab == nil && s.Git == nil && s.Schema == nil {
		return ""
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	if s.GitLab != nil {
		line("methods:\n  gitlab: {url: %q, token_file: %q}", at.GitLab, at.TokenFile)
	}
	line("components:")
	for _, o := range s.Objects {
		id, ok := workloadOf(o)
		if !ok || id.namespace != production {
			continue
		}
		line("- name: %s\n  workload: %s/%s", id.name, id.kind, id.name)
		if g := s.GitLab; g != nil && g.workload() == id {
			line("  gitlab: {project: %s, environment: %s}", g.Project, environment)
		}
		if g := s.Git; g.keeps(id) {
			line("  redeploy: {repository: %q, tags: \"v*\", overlay: %s, manager: %s}", at.Repository, overlay, (Release{}).by())
		}
		if x := s.Schema; x != nil && x.workload() == id {
			line("  migrations:\n    tool: alembic\n    releases:")
			for _, r := range s.releasesOf(id) {
				if key := x.head(s, r.Image); key != "" {
					line("      %q: %s", tagOf(r.Image), key)
				}
			}
		}
	}
	return b.String()
}

// releasesOf returns the releases of a workload, the oldest first.
func (s *Scenario) releasesOf(id workload) (out []Release) {
	for _, r := range s.Releases {
		if r.workload() == id {
			out = append(out, r)
		}
	}
	return out
}

// tagOf returns the tag of an image.
func tagOf(image string) string {
	_, tag, _ := strings.Cut(image, ":")
	return tag
}

// manifest returns a workload as its release of a number left it, with what it sets in
// ConfigMaps.
func (s *Scenario) manifest(id workload, n int) (*unstructured.Unstructured, map[string]map[string]string, error) {
	o := s.object(id)
	u, config := o.copy(), map[string]map[string]string{}
	for _, r := range s.releasesOf(id)[:n+1] {
		if err := r.change(u, o.replicas()); err != nil {
			return nil, nil, err
		}
		for name, data := range r.Config {
			if config[name] == nil {
				config[name] = map[string]string{}
			}
			for k, v := range data {
				config[name][k] = v
			}
		}
	}
	return u, config, nil
}

// configure sets what a release sets in ConfigMaps.
func (r Release) configure(s *store.Store) error {
	for name, data := range r.Config {
		_, err := s.Modify(store.ConfigMaps, r.workload().namespace, name, store.By{Manager: r.by()}, func(u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
			return u, setData(u, data)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func setData(u *unstructured.Unstructured, data map[string]string) error {
	for k, v := range data {
		if err := unstructured.SetNestedField(u.Object, v, "data", k); err != nil {
			return err
		}
	}
	return nil
}

var pipelineWord = regexp.MustCompile(`pipeline ([0-9]+)`)

// pipeline returns the number of the pipeline that brought a release, by its cause; 0 =
// none did.
func (r Release) pipeline() int64 {
	m := pipelineWord.FindStringSubmatch(r.Cause)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// checkWays finds what makes no sense in what the ways back need.
func (s *Scenario) checkWays(workloads map[string]bool) (out []string) {
	named := func(what, name string) workload {
		id := (Release{Workload: name}).workload()
		if !workloads[id.String()] {
			out = append(out, fmt.Sprintf("%s: no object is the workload %q", what, name))
		}
		return id
	}
	if g := s.GitLab; g != nil {
		id := named("gitlab", g.Workload)
		if g.Project == "" {
			out = append(out, "gitlab: project is missing, such as project: shop/shop")
		}
		if !slices.ContainsFunc(s.releasesOf(id), func(r Release) bool { return r.pipeline() != 0 }) {
			out = append(out, fmt.Sprintf("gitlab: no release of %s was brought by a pipeline: its cause names one, such as \"deploy 1.42.0, pipeline 4578\"", g.Workload))
		}
	}
	if g := s.Git; g != nil {
		named("git", g.Workload)
	}
	if x := s.Schema; x != nil {
		id := named("schema", x.Workload)
		if len(x.Migrations) == 0 {
			out = append(out, "schema: there are no migrations")
		}
		for _, m := range x.Migrations {
			if m.Key == "" || m.Since != "" && !slices.ContainsFunc(s.releasesOf(id), func(r Release) bool { return r.Image == m.Since }) {
				out = append(out, fmt.Sprintf("schema: migration %q: it needs a key, and since names an image that was released", m.Key))
			}
		}
	}
	return out
}
