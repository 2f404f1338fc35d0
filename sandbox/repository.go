package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"rollbook/sandbox/store"
)

// Git is a repository with the manifests of a workload, one tag for each of its releases:
// the workload, and the ConfigMaps and Services that are named after it.
type Git struct {
	Workload string `yaml:"workload"` // as of a release
}

// overlay is the folder that is deployed.
const overlay = "overlays/production"

func (g *Git) workload() workload { return (Release{Workload: g.Workload}).workload() }

// keeps reports whether the repository has a workload.
func (g *Git) keeps(id workload) bool { return g != nil && g.workload() == id }

// objects returns what the repository has of a release of a number, what others need first.
func (g *Git) objects(s *Scenario, n int) ([]*unstructured.Unstructured, error) {
	id := g.workload()
	u, config, err := s.manifest(id, n)
	if err != nil {
		return nil, err
	}
	var out []*unstructured.Unstructured
	for _, kind := range []string{"ConfigMap", "Service"} {
		for _, o := range s.Objects {
			x := o.copy()
			if x.GetKind() != kind || x.GetNamespace() != id.namespace || !strings.HasPrefix(x.GetName(), id.name) {
				continue
			}
			if kind == "ConfigMap" {
				if err := setData(x, config[x.GetName()]); err != nil {
					return nil, err
				}
			}
			out = append(out, x)
		}
	}
	return append(out, u), nil
}

// deploy applies what the repository has of a release.
func (w *world) deploy(s *Scenario, r Release, replicas int64) error {
	n := slices.IndexFunc(s.releasesOf(r.workload()), func(x Release) bool { return x.At == r.At && x.Image == r.Image })
	objects, err := s.Git.objects(s, n)
	if err != nil {
		return err
	}
	for _, u := range objects {
		gr, _ := resourceOf(u.GroupVersionKind()) // there is one: see check
		if _, ok := workloadOf(u.Object); ok {
			if err := unstructured.SetNestedField(u.Object, replicas, "spec", "replicas"); err != nil {
				return err
			}
		}
		if _, _, err := w.store.Apply(gr, u, store.By{Manager: r.by()}, true); err != nil {
			return err
		}
	}
	return nil
}

// files returns the repository at a release of a number.
func (g *Git) files(s *Scenario, n int) (map[string][]byte, error) {
	objects, err := g.objects(s, n)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	var base []string
	put := func(path string, v any) (err error) {
		out[path], err = yaml.Marshal(v)
		return err
	}
	image := s.releasesOf(g.workload())[n].Image
	name, _, _ := strings.Cut(image, ":")
	for _, u := range objects {
		unstructured.RemoveNestedField(u.Object, "metadata", "namespace") // the overlay's
		if _, ok := workloadOf(u.Object); ok {
			containers, err := containersOf(u)
			if err != nil {
				return nil, err
			}
			containers[0].(map[string]any)["image"] = name
			if err := unstructured.SetNestedSlice(u.Object, containers, "spec", "template", "spec", "containers"); err != nil {
				return nil, err
			}
		}
		file := strings.ToLower(u.GetKind()) + ".yaml"
		if _, twice := out["base/"+file]; twice {
			file = u.GetName() + "-" + file
		}
		base = append(base, file)
		if err := put("base/"+file, u.Object); err != nil {
			return nil, err
		}
	}
	kustomization := func(fields map[string]any) map[string]any {
		maps.Copy(fields, map[string]any{"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"})
		return fields
	}
	return out, errors.Join(
		put("base/kustomization.yaml", kustomization(map[string]any{"resources": base})),
		put(overlay+"/kustomization.yaml", kustomization(map[string]any{"namespace": g.workload().namespace, "resources": []string{"../../base"},
			"images": []any{map[string]any{"name": name, "newTag": tagOf(image)}}})))
}

// WriteRepository makes the repository of a scenario in a folder, as of its opening. It
// needs git; where there is none, the error says so.
func (s *Scenario) WriteRepository(ctx context.Context, dir string, opening time.Time) error {
	if s.Git == nil {
		return nil
	}
	var b bytes.Buffer
	for n, r := range s.releasesOf(s.Git.workload()) {
		all, err := s.Git.files(s, n)
		if err != nil {
			return err
		}
		who := fmt.Sprintf("Maria <maria@shop.example> %d +0000", opening.Add(time.Duration(r.At)).Unix())
		fmt.Fprintf(&b, "commit refs/heads/main\nmark :%d\nauthor %s\ncommitter %s\ndata %d\n%s\n", n+1, who, who, len(r.Cause), r.Cause)
		b.WriteString("deleteall\n")
		for _, path := range slices.Sorted(maps.Keys(all)) {
			fmt.Fprintf(&b, "M 644 inline %s\ndata %d\n%s\n", path, len(all[path]), all[path])
		}
		fmt.Fprintf(&b, "\nreset refs/tags/v%s\nfrom :%d\n\n", tagOf(r.Image), n+1)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, x := range []struct {
		in   *bytes.Buffer
		args []string
	}{{nil, []string{"init", "-q", "-b", "main"}}, {&b, []string{"fast-import", "--quiet"}}, {nil, []string{"reset", "-q", "--hard"}}} {
		if err := git(ctx, dir, x.in, x.args...); err != nil {
			return fmt.Errorf("the scenario %s needs a git repository: %w", s.Name, err)
		}
	}
	return nil
}

// git runs git in a folder, as if it were not configured.
func git(ctx context.Context, dir string, in *bytes.Buffer, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "GIT_") })
	cmd.Env = append(cmd.Env, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	if in != nil {
		cmd.Stdin = in
	}
	out, err := cmd.CombinedOutput()
	if said := strings.TrimSpace(string(out)); err != nil && said != "" {
		return fmt.Errorf("git %s: %s: %w", args[0], said, err)
	}
	return err
}
