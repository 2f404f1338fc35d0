package redeploy

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"

	"rollbook/model"
	"rollbook/text"
)

// build is the objects that a commit stands for, in the order in which they are applied.
type build struct {
	objects []model.Manifest
	digest  string
}

// build builds the objects of a commit. What the same commit gives is kept.
func (r Redeploy) build(ctx context.Context, t Target, g repository, x release, namespace string) (*build, error) {
	key := model.Digest(t, x.tag, x.commit, namespace)
	r.state.mu.Lock()
	b := r.state.built[key]
	r.state.mu.Unlock()
	if b != nil {
		return b, nil
	}
	out, err := r.render(ctx, t, g, x)
	if err != nil {
		return nil, err
	}
	if b, err = r.parse(ctx, out, namespace, t.Manager); err != nil {
		return nil, err
	}
	r.state.mu.Lock()
	defer r.state.mu.Unlock()
	if len(r.state.built) >= 64 {
		clear(r.state.built)
	}
	r.state.built[key] = b
	return b, nil
}

// render returns the manifests of a commit, as YAML or JSON.
func (r Redeploy) render(ctx context.Context, t Target, g repository, x release) ([]byte, error) {
	dir, err := os.MkdirTemp(r.Temp, "rollbook-redeploy-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	tree, none := filepath.Join(dir, "tree"), filepath.Join(dir, "none")
	for _, d := range []string{tree, none} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return nil, err
		}
	}
	if err := g.writeOut(ctx, x.commit, tree); err != nil {
		return nil, err
	}
	switch {
	case t.Overlay != "":
		return kustomize(ctx, t, tree, none)
	case t.Manifests != "":
		return manifests(tree, t.Manifests)
	}
	args := t.arguments(x)
	p := program{name: args[0], args: args[1:], dir: tree, deadline: buildDeadline}
	return p.run(ctx)
}

// arguments returns the command that prints the manifests of a release.
func (t *Target) arguments(x release) []string {
	out := make([]string, len(t.Command))
	for n, a := range t.Command {
		out[n] = strings.NewReplacer("{tag}", cmp.Or(x.tag, x.commit), "{commit}", x.commit).Replace(a)
	}
	return out
}

// kustomize builds an overlay. Unless it may read from elsewhere, it finds no git to
// clone with, and no way into the network.
func kustomize(ctx context.Context, t Target, tree, none string) ([]byte, error) {
	p, err := kustomizer()
	if err != nil {
		return nil, err
	}
	p.args, p.dir, p.deadline, p.keeps = append(p.args, t.Overlay), tree, buildDeadline, forNetwork
	if !t.Remote {
		p.keeps = forItself
		const nowhere = "http://127.0.0.1:9"
		p.path, p.env = none, []string{"HTTPS_PROXY=" + nowhere, "HTTP_PROXY=" + nowhere, "https_proxy=" + nowhere, "http_proxy=" + nowhere, "NO_PROXY=", "no_proxy="}
	}
	out, err := p.run(ctx)
	if err == nil {
		return out, nil
	}
	outside := func(sign string) bool { return strings.Contains(err.Error(), sign) }
	if !t.Remote && slices.ContainsFunc([]string{"127.0.0.1:9", "no 'git' program", `"git": executable file not found`}, outside) {
		return nil, model.Told(nil, err, "the overlay %s reads from outside the repository, which is off: keep a copy in the repository, or set remote: true in redeploy of the component: %s", text.Line(t.Overlay), err)
	}
	return nil, model.Told(nil, err, "the overlay %s cannot be built: %s", text.Line(t.Overlay), err)
}

// kustomizer returns how overlays are built: by kubectl, as kubectl apply -k does, or by
// kustomize where there is no kubectl.
func kustomizer() (*program, error) {
	for _, x := range [][]string{{"kubectl", "kustomize"}, {"kustomize", "build"}} {
		at, err := exec.LookPath(x[0])
		if err == nil {
			at, err = filepath.Abs(at)
		}
		if err == nil {
			return &program{name: at, args: x[1:]}, nil
		}
	}
	return nil, model.Told(nil, exec.ErrNotFound, "neither kubectl nor kustomize is in PATH: an overlay cannot be built")
}

// manifests returns the files of a folder, or one file, one after the other.
func manifests(tree, name string) ([]byte, error) {
	root, err := os.OpenRoot(tree)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var out bytes.Buffer
	err = fs.WalkDir(root.FS(), filepath.ToSlash(filepath.Clean(name)), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if ext := filepath.Ext(file); !slices.Contains([]string{".yaml", ".yml", ".json"}, ext) {
			return nil
		}
		raw, err := root.ReadFile(file)
		out.WriteString("\n---\n")
		out.Write(raw)
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, model.Told(nil, err, "there is no %s in it", text.Line(name))
	case err != nil:
		return nil, model.Told(nil, err, "the manifests in %s cannot be read: %s", text.Line(name), err)
	}
	return out.Bytes(), nil
}

// parse takes manifests apart. Objects that name no namespace get that of the workload,
// where their kind is in one.
func (r Redeploy) parse(ctx context.Context, out []byte, namespace, manager string) (*build, error) {
	b := &build{}
	d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(out), 4096)
	for {
		var raw json.RawMessage
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, model.Told(nil, err, "what was built is no YAML: %s", text.Line(err.Error()))
		}
		if err := b.add(raw, manager); err != nil {
			return nil, err
		}
	}
	if len(b.objects) == 0 {
		return nil, model.Told(nil, nil, "what was built has no objects")
	}
	seen := map[model.Object]bool{}
	for n := range b.objects {
		o := &b.objects[n].Object
		in, err := r.cluster.Namespaced(ctx, *o)
		switch {
		case err != nil:
			return nil, model.Told(nil, err, "%s: %s", o, err)
		case !in:
			o.Namespace = ""
		case o.Namespace == "":
			o.Namespace = namespace
		}
		if seen[*o] {
			return nil, model.Told(nil, nil, "what was built has %s twice", o)
		}
		seen[*o] = true
	}
	slices.SortStableFunc(b.objects, func(x, y model.Manifest) int {
		return cmp.Or(rank(x.Kind)-rank(y.Kind), strings.Compare(x.Namespace+"/"+x.Name, y.Namespace+"/"+y.Name))
	})
	parts := make([]any, 0, 2*len(b.objects))
	for n := range b.objects {
		parts = append(parts, b.objects[n].Object, b.objects[n].Raw)
	}
	b.digest = model.Digest(parts...)
	return b, nil
}

// add takes an object, or those of a List.
func (b *build) add(raw json.RawMessage, manager string) error {
	var o struct {
		APIVersion, Kind string
		Metadata         struct{ Namespace, Name, GenerateName string }
		Items            []json.RawMessage
	}
	if s := bytes.TrimSpace(raw); len(s) == 0 || string(s) == "null" {
		return nil
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return model.Told(nil, err, "what was built has something that is no object: %s", text.Line(err.Error()))
	}
	if strings.HasSuffix(o.Kind, "List") && o.Items != nil {
		for _, item := range o.Items {
			if err := b.add(item, manager); err != nil {
				return err
			}
		}
		return nil
	}
	if o.APIVersion == "" || o.Kind == "" || o.Metadata.Name == "" {
		return model.Told(nil, nil, "what was built has an object without apiVersion, kind or name: %s", text.Line(strings.TrimSpace(o.APIVersion+" "+o.Kind+" "+cmp.Or(o.Metadata.Name, o.Metadata.GenerateName))))
	}
	b.objects = append(b.objects, model.Manifest{Manager: manager, Raw: raw,
		Object: model.Object{APIVersion: o.APIVersion, Kind: o.Kind, Namespace: o.Metadata.Namespace, Name: o.Metadata.Name}})
	return nil
}

// find returns the object of a workload; nil when it is not among them.
func (b *build) find(w model.Workload) *model.Manifest {
	for n := range b.objects {
		if isWorkload(b.objects[n].Object, w) {
			return &b.objects[n]
		}
	}
	return nil
}

func isWorkload(o model.Object, w model.Workload) bool {
	return o.APIVersion == "apps/v1" && o.Kind == string(w.Kind) && o.Namespace == w.Namespace && o.Name == w.Name
}

// order is that of what others need first. What is not named comes before the workloads.
var order = []string{"Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass", "ResourceQuota", "LimitRange", "ServiceAccount",
	"ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding", "ConfigMap", "Secret", "PersistentVolume", "PersistentVolumeClaim", "Service", "NetworkPolicy", "",
	"StatefulSet", "DaemonSet", "Deployment", "Job", "CronJob", "PodDisruptionBudget", "HorizontalPodAutoscaler", "Ingress"}

func rank(kind string) int {
	if n := slices.Index(order, kind); n >= 0 {
		return n
	}
	return slices.Index(order, "")
}
