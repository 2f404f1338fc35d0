package porttest

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// Repository is a clone of git that a test makes.
type Repository struct {
	t   testing.TB
	Dir string
}

// NewRepository makes an empty one.
func NewRepository(t testing.TB) *Repository {
	t.Helper()
	r := &Repository{t, t.TempDir()}
	r.Git("init", "--quiet", "--initial-branch=main")
	return r
}

// Git runs git in it and returns what it prints.
func (r *Repository) Git(args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", append([]string{"-C", r.Dir, "-c", "user.name=Grace", "-c", "user.email=grace@shop.example", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Write writes a file of the work tree.
func (r *Repository) Write(name, text string) {
	r.t.Helper()
	file := filepath.Join(r.Dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// Tag commits all that is in the work tree, and tags it.
func (r *Repository) Tag(tag string) (commit string) {
	r.t.Helper()
	r.Git("add", "--all")
	r.Git("commit", "--quiet", "--allow-empty", "-m", "Release "+tag)
	r.Git("tag", tag)
	return r.Git("rev-parse", "HEAD")
}

// redeployTrial has a Deployment that was deployed twice from a repository.
func redeployTrial(t *testing.T, b *Bed) *Trial {
	t.Helper()
	w := model.Workload{Kind: model.Deployment, Namespace: b.namespace(t), Name: "api"}
	seen := watch(t, b.Connect(t, w.Namespace, nil))
	git := NewRepository(t)
	first := ""
	for n := 1; n <= 2; n++ {
		manifest := strings.ReplaceAll(workloadJSON(w.Kind), "contract/api:1", fmt.Sprintf("contract/api:%d", n))
		git.Write("manifests/api.json", manifest)
		if commit := git.Tag(fmt.Sprint(n)); first == "" {
			first = commit
		}
		b.ask(t, http.MethodPatch, path(w.Namespace, "deployments", "api")+"?fieldManager=deployer", "application/apply-patch+yaml", manifest, nil)
		seen.until(time.Minute, "api", "is released", func(c *model.Component) bool { return c.Revision == int64(n) && atRest(c) })
	}
	x := b.trial(t, w.Namespace, "redeploy", git.Dir)
	x.Component = func() *model.Component { return seen.get("api") }
	x.To = model.Version{Key: "1@" + first}
	x.State = b.stateOf(w)
	x.Change = func(t *testing.T) { b.releaseOf(t, w, "contract/api:9", "") }
	x.Changed = model.SettledForeign
	x.lacks(map[string]string{"viewer": "access.patch", "nobody": ""})
	return x
}

// anewTrial has a workload of which an earlier release, in a repository, has another value
// of a field that cannot be changed: the selector of a Deployment, whose pods end, and the
// Service of a StatefulSet, whose pods stay.
func anewTrial(t *testing.T, b *Bed, kind model.Kind) *Trial {
	t.Helper()
	w, seen := b.made(t, kind)
	git := NewRepository(t)
	now := workloadJSON(kind)
	was := strings.ReplaceAll(now, `{"app":"api"}`, `{"app":"api","release":"one"}`)
	if kind == model.StatefulSet {
		was = strings.ReplaceAll(now, `"serviceName":"api"`, `"serviceName":"api-one"`)
	}
	git.Write("manifests/api.json", strings.ReplaceAll(was, "contract/api:1", "contract/api:0"))
	first := git.Tag("0")
	git.Write("manifests/api.json", now)
	git.Tag("1")
	x := b.trial(t, w.Namespace, "redeploy", git.Dir)
	x.Component = func() *model.Component { return seen.get("api") }
	x.To = model.Version{Key: "0@" + first}
	x.Sends, x.Blocks = 2, "anew:"+w.Object().String()
	x.State = func(t *testing.T) string {
		t.Helper()
		raw, err := b.try(t, http.MethodGet, path(w.Namespace, kind.Resource(), w.Name), "", "")
		if err != nil {
			return "none"
		}
		d := &deployment{}
		var o struct {
			Metadata struct{ UID, DeletionTimestamp string }
		}
		decode(t, raw, d)
		decode(t, raw, &o)
		if o.Metadata.DeletionTimestamp != "" {
			return "none"
		}
		return fmt.Sprintf("image %s of %s", d.image(), o.Metadata.UID)
	}
	x.Change = func(t *testing.T) { b.releaseOf(t, w, "contract/api:9", "") }
	x.Changed = model.SettledForeign
	x.lacks(map[string]string{"viewer": "access.patch", "nobody": ""})
	return x
}
