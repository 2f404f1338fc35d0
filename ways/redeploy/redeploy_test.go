package redeploy_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollbook/engine/porttest"
	"rollbook/model"
	"rollbook/ways"
	"rollbook/ways/redeploy"
)

// world is a repository with three releases, and a cluster that has the last of them.
type world struct {
	*cluster
	git     *porttest.Repository
	commits map[string]string // by tag
	target  redeploy.Target
	options redeploy.Options
}

func manifest(tag string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: ConfigMap
metadata: {name: flags}
data: {invoice: %q}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec:
      containers: [{name: api, image: "shop/api:%s"}]
`, tag, tag)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{cluster: &cluster{objects: map[string]json.RawMessage{}, conflicts: map[string][]model.Owned{}, fails: map[string]error{}},
		git: porttest.NewRepository(t), commits: map[string]string{}}
	for _, tag := range []string{"1.40.0", "1.41.0", "1.42.0"} {
		w.git.Write("deploy/all.yaml", manifest(tag))
		w.commits[tag] = w.git.Tag(tag)
	}
	w.target = redeploy.Target{Repository: w.git.Dir, Manifests: "deploy"}
	w.options = redeploy.Options{Now: time.Now, Temp: t.TempDir(), Kept: t.TempDir(), Rollout: func(*model.Component, string, time.Time) model.Progress {
		return model.Progress{Phase: model.PhaseFinished, Text: "rolled out", Share: 1}
	}}
	m := w.method()
	p := w.plan(t, m, "1.42.0")
	if _, err := m.Do(t.Context(), p, nil); err != nil {
		t.Fatal(err)
	}
	w.applied = nil
	return w
}

func (w *world) method() redeploy.Redeploy {
	return redeploy.New(w.cluster, map[string]redeploy.Target{"api": w.target}, w.options)
}

func (w *world) version(tag string) model.Version {
	return model.Version{Key: tag + "@" + w.commits[tag]}
}

func component(image string) *model.Component {
	return &model.Component{ID: "api", Workload: model.Workload{Kind: model.Deployment, Namespace: "shop", Name: "api"}, UID: "u-api", OwnerName: "api-7", Revision: 7,
		Images: []string{image}, TemplateHash: model.Digest("shop/api:1.42.0"), Generation: 1, Observed: 1}
}

func (w *world) preflight(t *testing.T, m redeploy.Redeploy, to model.Version) (last model.Preflight) {
	t.Helper()
	m.Plan(t.Context(), component("shop/api:1.42.0"), to, func(p model.Preflight) { last = p })
	if !last.Done {
		t.Fatalf("%+v", last)
	}
	return last
}

func (w *world) plan(t *testing.T, m redeploy.Redeploy, tag string) model.Plan {
	t.Helper()
	pf := w.preflight(t, m, w.version(tag))
	if len(pf.Plans) != 1 {
		t.Fatalf("no plan: %s", pf.Err)
	}
	return pf.Plans[0]
}

func check(t *testing.T, pf model.Preflight, id string) model.Check {
	t.Helper()
	for _, ch := range pf.Checks {
		if ch.ID == id {
			return ch
		}
	}
	t.Fatalf("no line %s in %+v (%s)", id, pf.Checks, pf.Err)
	return model.Check{}
}

// cluster holds objects as they were applied last.
type cluster struct {
	mu        sync.Mutex
	objects   map[string]json.RawMessage
	conflicts map[string][]model.Owned
	fails     map[string]error
	left      []model.Owned
	refused   map[string]string
	anew      map[string]*model.Anew // by object: it cannot be changed
	stays     func()                 // what is deleted does not go; called then
	mayNot    string
	applied   []string
	revision  int64
}

func (c *cluster) Kubectl(ns, what string) string { return "kubectl -n " + ns + " " + what }

func (c *cluster) Namespaced(_ context.Context, o model.Object) (bool, error) {
	return o.Kind != "Namespace", nil
}

func (c *cluster) May(_ context.Context, verb string, o model.Object) (bool, error) {
	return c.mayNot != verb+" "+o.String(), nil
}

func (c *cluster) Read(_ context.Context, o model.Object) (json.RawMessage, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.objects[o.String()], "rollbook at 03:00:00 UTC", nil
}

func (c *cluster) Rehearse(_ context.Context, m model.Manifest) (model.Rehearsed, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := m.Object.String()
	out := model.Rehearsed{Manifest: m, Live: c.objects[name], After: m.Raw, Conflicts: c.conflicts[name], Refused: c.refused[name], Writer: "kubectl at 03:00:00 UTC",
		Left: c.left, Template: model.Digest(image(m.Raw))}
	if out.Anew = c.anew[name]; out.Anew != nil && out.Live != nil {
		out.Refused, out.Immutable, out.Version = "spec.selector: field is immutable", true, fmt.Sprint(c.revision)
	}
	return out, nil
}

func (c *cluster) Delete(_ context.Context, o model.Object, how model.Removal, _ func(model.Progress)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := o.String()
	if err := c.fails["delete "+name]; err != nil {
		return err
	}
	if ways.UID(c.objects[name]) != how.UID || how.Version != "" && how.Version != fmt.Sprint(c.revision) {
		return model.Told(model.ErrChanged, nil, "%s was not deleted: it changed", name)
	}
	c.applied = append(c.applied, fmt.Sprintf("delete %s orphan=%v", name, how.Orphan))
	if c.stays == nil {
		delete(c.objects, name)
	} else {
		c.objects[name] = json.RawMessage(strings.Replace(string(c.objects[name]), `"metadata":{`, `"metadata":{"deletionTimestamp":"2026-11-23T03:00:00Z",`, 1))
		c.stays()
	}
	return c.fails["deleted "+name]
}

func image(raw json.RawMessage) string {
	var o struct {
		Spec struct {
			Template struct {
				Spec struct{ Containers []struct{ Image string } }
			}
		}
	}
	if json.Unmarshal(raw, &o) != nil || len(o.Spec.Template.Spec.Containers) == 0 {
		return ""
	}
	return o.Spec.Template.Spec.Containers[0].Image
}

func (c *cluster) Adopt(context.Context, model.Rehearsed, func(model.Progress)) error {
	return errors.New("there is nothing to adopt")
}

func (c *cluster) Apply(_ context.Context, r model.Rehearsed, _ func(model.Progress)) (model.AppliedObject, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := r.Object.String()
	if err := c.fails[name]; err != nil {
		return model.AppliedObject{}, err
	}
	if r.Force {
		name += " by force"
	}
	c.revision++
	uid := cmp.Or(ways.UID(c.objects[r.Object.String()]), fmt.Sprint("u-", c.revision))
	raw := strings.Replace(string(r.Raw), `"metadata":{`, `"metadata":{"uid":"`+uid+`",`, 1)
	c.objects[r.Object.String()], c.applied = json.RawMessage(raw), append(c.applied, name)
	return model.AppliedObject{Version: fmt.Sprint(c.revision), UID: uid, Generation: c.revision, Template: model.Digest(image(r.Raw))}, nil
}

// The versions are the tags and the commits without one, newest first, and the image says
// which runs.
func TestVersions(t *testing.T) {
	w := newWorld(t)
	w.git.Write("deploy/all.yaml", manifest("1.43.0"))
	w.git.Git("commit", "--quiet", "-am", "Next")
	c := component("shop/api:1.42.0")
	c.Past = []model.Earlier{{Owner: "api-6", Images: []string{"shop/api:1.41.0"}}}
	h, err := w.method().Versions(t.Context(), c, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range h.Candidates {
		got = append(got, fmt.Sprintf("%s by %s: %s; owner %q current %v", x.Full(), x.By, x.Cause, x.Owner, x.Current))
	}
	next := w.git.Git("rev-parse", "--short=8", "HEAD")
	want := []string{
		`1.42.0 by Grace: Release 1.42.0; owner "api-7" current true`,
		`1.41.0 by Grace: Release 1.41.0; owner "api-6" current false`,
		`1.40.0 by Grace: Release 1.40.0; owner "" current false`,
		next + ` (commit ` + next + `) by Grace: Next; owner "" current false`,
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("versions are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	w.target.Tags = "1.41*"
	if h, err = w.method().Versions(t.Context(), c, time.Now()); err != nil || h.Candidates[0].Tag != "1.41.0" && h.Candidate(w.version("1.41.0").Key) == nil || h.Candidate(w.version("1.40.0").Key) != nil {
		t.Errorf("%+v (%v)", h, err)
	}
}

// What runs is known by an annotation too.
func TestRunningByAnnotation(t *testing.T) {
	w := newWorld(t)
	for mark, want := range map[string]string{
		`{"annotations":{"org.opencontainers.image.revision":"` + w.commits["1.41.0"] + `"}}`:      "1.41.0",
		`{"annotations":{"org.opencontainers.image.revision":"` + w.commits["1.40.0"][:10] + `"}}`: "1.40.0",
		`{"labels":{"app.kubernetes.io/version":"v1.41.0"}}`:                                       "1.41.0",
		`{}`: "",
	} {
		w.objects["deployment/api"] = json.RawMessage(`{"spec":{"template":{"metadata":` + mark + `}}}`)
		h, err := w.method().Versions(t.Context(), component("shop/api@sha256:0123"), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if x := h.Current(); x != nil {
			got = x.Tag
		}
		if got != want {
			t.Errorf("%s: %q runs, want %q", mark, got, want)
		}
	}
}

// Objects are applied in the order in which they need each other, the operator's work
// tree and index stay as they are, and nothing is left behind.
func TestDo(t *testing.T) {
	w := newWorld(t)
	w.git.Write("deploy/all.yaml", "dirty")
	w.git.Write("new", "staged")
	w.git.Git("add", "new")
	before := w.git.Git("status", "--porcelain")
	m := w.method()
	pf := w.preflight(t, m, model.Version{}) // the tag before what runs
	if len(pf.Plans) != 1 || pf.Plans[0].To.Label != "1.41.0" {
		t.Fatalf("%+v", pf)
	}
	p := pf.Plans[0]
	var told []string
	r, err := m.Do(t.Context(), p, func(now model.Progress) { told = append(told, now.Text) })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(w.applied, []string{"configmap/flags", "deployment/api"}) || r.Text != "2 objects applied: configmap/flags, deployment/api" {
		t.Errorf("%v, %s", w.applied, r.Text)
	}
	if !slices.Contains(told, "applying deployment/api (2 of 2)") {
		t.Errorf("told %q", told)
	}
	if after := w.git.Git("status", "--porcelain"); after != before || after == "" {
		t.Errorf("the work tree is %q, before %q", after, before)
	}
	if left, err := os.ReadDir(w.options.Temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if got, err := m.Look(t.Context(), p); err != nil || got.State != model.SettledDone || got.By != "" {
		t.Errorf("%+v (%v)", got, err)
	}
	if text := string(p.Detail); strings.Contains(text, "shop/api") {
		t.Errorf("the plan keeps values: %s", text)
	}
}

// It stops at the first object that fails; what is done and what is left is told, by the
// receipt and after a crash by looking.
func TestStopsHalfWay(t *testing.T) {
	w := newWorld(t)
	m := w.method()
	p := w.plan(t, m, "1.41.0")
	w.fails["deployment/api"] = model.Told(model.ErrRefused, nil, "deployment/api was not applied: quota")
	r, err := m.Do(t.Context(), p, nil)
	if err != nil || r.Text != "1 of 2 objects applied: configmap/flags; deployment/api was not applied: quota; left: deployment/api" {
		t.Fatalf("%+v (%v)", r, err)
	}
	got := m.Judge(component("shop/api:1.42.0"), &p, &r)
	if got.Phase != model.PhaseFailed || !got.Left || got.Text != "stopped after 1 of 2 objects: deployment/api was not applied: quota; left: deployment/api" {
		t.Errorf("%+v", got)
	}
	looked, err := w.method().Look(t.Context(), p)
	if err != nil || looked.State != model.SettledDone || looked.Receipt == nil {
		t.Fatalf("%+v (%v)", looked, err)
	}
	if got := m.Judge(component("shop/api:1.42.0"), &p, looked.Receipt); got.Phase != model.PhaseFailed || !got.Left || !strings.HasSuffix(got.Text, "left: deployment/api") {
		t.Errorf("%+v", got)
	}
	// The first one that fails is a failure of all: nothing was written.
	w = newWorld(t)
	m, w.fails["configmap/flags"] = w.method(), model.Told(model.ErrRefused, nil, "no")
	if _, err := m.Do(t.Context(), w.plan(t, m, "1.41.0"), nil); !errors.Is(err, model.ErrRefused) || len(w.applied) > 0 {
		t.Errorf("%v, %v", err, w.applied)
	}
	// An answer that is lost half way is lost, whatever came before it.
	w = newWorld(t)
	m, w.fails["deployment/api"] = w.method(), model.Told(model.ErrLost, nil, "no answer")
	if _, err := m.Do(t.Context(), w.plan(t, m, "1.41.0"), nil); !errors.Is(err, model.ErrLost) || !strings.Contains(err.Error(), "1 of 2 objects applied before it") {
		t.Errorf("%v", err)
	}
}

// What changed since the confirmation is not written over, in the cluster or in git.
func TestChanged(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world)
		says   string
	}{
		"an object": {func(w *world) {
			w.objects["configmap/flags"] = json.RawMessage(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"flags"},"data":{"invoice":"other"}}`)
		}, "configmap/flags changed since it was confirmed: by kubectl"},
		"an object that is gone": {func(w *world) { delete(w.objects, "configmap/flags") }, "configmap/flags is gone"},
		"done by somebody": {func(w *world) {
			w.objects["configmap/flags"] = json.RawMessage(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"flags"},"data":{"invoice":"1.41.0"}}`)
		}, "as wanted already"},
		"another owner": {func(w *world) { w.conflicts["deployment/api"] = []model.Owned{{Manager: "keel", Field: ".spec"}} }, "deployment/api changed"},
		"a moved tag":   {func(w *world) { w.git.Git("tag", "--force", "1.41.0", "1.40.0") }, "the tag 1.41.0 was moved from"},
		"a gone tag":    {func(w *world) { w.git.Git("tag", "--delete", "1.41.0") }, "the tag 1.41.0 is gone"},
	} {
		w := newWorld(t)
		m := w.method()
		p := w.plan(t, m, "1.41.0")
		c.change(w)
		if _, err := m.Do(t.Context(), p, nil); !errors.Is(err, model.ErrChanged) || !strings.Contains(err.Error(), c.says) || len(w.applied) > 0 {
			t.Errorf("%s: %v, applied %v", name, err, w.applied)
		}
	}
}

// Each line of the preflight, by what is so.
func TestPreflight(t *testing.T) {
	clone := func(w *world) *porttest.Repository {
		origin := t.TempDir()
		w.git.Git("clone", "--quiet", "--bare", w.git.Dir, origin)
		w.git.Git("remote", "add", "origin", origin)
		return &porttest.Repository{Dir: origin}
	}
	for name, c := range map[string]struct {
		change func(w *world)
		id     string
		state  model.CheckState
		hard   bool
		says   string
	}{
		"all is well": {nil, "dryrun", model.CheckOK, false, "accepts it (dry run of 2 objects): 2 to change"},
		"no conflict": {nil, "conflict", model.CheckOK, false, "no field belongs to another manager than rollbook"},
		"what runs":   {nil, "running", model.CheckOK, false, "1.42.0 runs"},
		"conflict": {func(w *world) {
			w.conflicts["deployment/api"] = []model.Owned{{Manager: "helm", Field: ".spec.replicas"}}
		}, "conflict:helm", model.CheckBlocked, false, "deployment/api .spec.replicas"},
		"refused": {func(w *world) { w.refused = map[string]string{"deployment/api": "no such field"} }, "dryrun:deployment/api", model.CheckBlocked, true, "no such field"},
		"a right": {func(w *world) { w.mayNot = "patch configmap/flags" }, "access.patch", model.CheckBlocked, true, "you may not patch configmap/flags"},
		"what is left": {func(w *world) {
			w.left = []model.Owned{{Manager: "ci", Field: `.spec.template.spec.containers[name="api"].image`}}
		}, "left:ci", model.CheckBlocked, false, "it stays"},
		"same at origin": {func(w *world) { clone(w) }, "tag", model.CheckOK, false, "at the same commit"},
		"moved at origin": {func(w *world) {
			w.git.Git("-C", clone(w).Dir, "tag", "--force", "1.41.0", "1.40.0")
		}, "tag", model.CheckBlocked, false, "was moved"},
		"origin is away": {func(w *world) { w.git.Git("remote", "add", "origin", "/nowhere") }, "tag", model.CheckUnknown, false, "the one here is taken"},
	} {
		w := newWorld(t)
		if c.change != nil {
			c.change(w)
		}
		ch := check(t, w.preflight(t, w.method(), w.version("1.41.0")), c.id)
		if ch.State != c.state || ch.Hard != c.hard || !strings.Contains(ch.Text, c.says) {
			t.Errorf("%s: %+v", name, ch)
		}
	}
}

// What others own is taken over only by what was confirmed so.
func TestForce(t *testing.T) {
	w := newWorld(t)
	w.conflicts["deployment/api"] = []model.Owned{{Manager: "helm", Field: ".spec.replicas"}}
	m := w.method()
	p := w.plan(t, m, "1.41.0")
	if !strings.Contains(p.Command, "--force-conflicts") {
		t.Error(p.Command)
	}
	if _, err := m.Do(t.Context(), p, nil); err != nil || !slices.Equal(w.applied, []string{"configmap/flags", "deployment/api by force"}) {
		t.Errorf("%v, %v", err, w.applied)
	}
}

// Objects that the version does not have are named, and stay.
func TestNothingIsDeleted(t *testing.T) {
	w := newWorld(t)
	w.git.Write("deploy/more.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: more}}")
	w.git.Write("deploy/all.yaml", manifest("1.42.0"))
	w.git.Git("add", "--all")
	w.git.Git("commit", "--quiet", "-m", "more")
	w.git.Git("tag", "--force", "1.42.0")
	pf := w.preflight(t, w.method(), w.version("1.41.0"))
	if ch := check(t, pf, "prune"); ch.State != model.CheckWarning || !strings.Contains(ch.Text, "configmap/more") {
		t.Errorf("%+v", ch)
	}
	if stays := strings.Join(pf.Plans[0].Stays, "; "); !strings.Contains(stays, "not deleted: configmap/more") {
		t.Error(stays)
	}
}

// The repository's own address is cloned and kept; when it is away, what was fetched last
// is used, and that is said.
func TestKeptClone(t *testing.T) {
	w := newWorld(t)
	away := t.TempDir() + "/away"
	w.target.Repository = "file://" + w.git.Dir
	m := w.method()
	if _, err := m.Versions(t.Context(), component("shop/api:1.42.0"), time.Now()); err != nil {
		t.Fatal(err)
	}
	w.commits["1.43.0"] = w.git.Tag("1.43.0")
	h, err := m.Versions(t.Context(), component("shop/api:1.42.0"), time.Now())
	if err != nil || h.Candidate(w.version("1.43.0").Key) == nil {
		t.Fatalf("%+v (%v)", h, err)
	}
	if err := os.Rename(w.git.Dir, away); err != nil {
		t.Fatal(err)
	}
	if h, err = m.Versions(t.Context(), component("shop/api:1.42.0"), time.Now()); err != nil || len(h.Candidates) != 4 {
		t.Fatalf("%+v (%v)", h, err)
	}
	pf := w.preflight(t, m, w.version("1.41.0"))
	if ch := check(t, pf, "fetch"); ch.State != model.CheckUnknown || len(pf.Plans) != 1 {
		t.Errorf("%+v", ch)
	}
	w.options.Kept = ""
	if _, err := w.method().Versions(t.Context(), component(""), time.Now()); err == nil || !strings.Contains(err.Error(), "name a clone of yours") {
		t.Error(err)
	}
}

// The team's own command prints the manifests, in the version's own files; what it says
// when it fails is told.
func TestCommand(t *testing.T) {
	w := newWorld(t)
	w.target.Manifests, w.target.Command = "", []string{"sh", "-c", `test "$0 $1" = "1.41.0 ` + w.commits["1.41.0"] + `" && cat deploy/all.yaml`, "{tag}", "{commit}"}
	m := w.method()
	p := w.plan(t, m, "1.41.0")
	if _, err := m.Do(t.Context(), p, nil); err != nil || image(w.objects["deployment/api"]) != "shop/api:1.41.0" {
		t.Errorf("%v, %s", err, w.objects["deployment/api"])
	}
	t.Setenv("GIT_DIR", "/elsewhere")
	t.Setenv("ROLLBOOK_SECRET", "x")
	for name, c := range map[string]struct {
		command []string
		says    string
	}{
		"fails":              {[]string{"sh", "-c", "echo Error: no chart >&2; exit 3"}, "sh: no chart"},
		"no program":         {[]string{"no-such-program"}, "no-such-program is not installed, or not in PATH"},
		"no objects":         {[]string{"true"}, "has no objects"},
		"no YAML":            {[]string{"echo", "{"}, "no YAML"},
		"no name":            {[]string{"echo", "{kind: A, apiVersion: b}"}, "without apiVersion, kind or name"},
		"no workload":        {[]string{"echo", "{kind: A, apiVersion: b, metadata: {name: c}}"}, "has no deployment/api in namespace shop"},
		"twice the same":     {[]string{"printf", "%s", manifest("1") + "---\n" + manifest("2")}, "has configmap/flags twice"},
		"no variable of git": {[]string{"sh", "-c", `test -z "$GIT_DIR$ROLLBOOK_SECRET" && echo Error: none >&2; exit 1`}, "sh: none"},
		"a secret":           {[]string{"sh", "-c", "echo password=hunter2hunter2 >&2; exit 1"}, "sh: password="},
	} {
		w.target.Command = c.command
		pf := w.preflight(t, w.method(), w.version("1.41.0"))
		if len(pf.Plans) != 0 || !strings.Contains(pf.Err, c.says) || strings.Contains(pf.Err, "hunter2") {
			t.Errorf("%s: %s", name, pf.Err)
		}
	}
}

// A link or a name in git leads to no file outside.
func TestNothingOutsideIsRead(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret.yaml")
	if err := os.WriteFile(secret, []byte(manifest("stolen")), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	if err := os.Symlink(secret, filepath.Join(w.git.Dir, "deploy/link.yaml")); err != nil {
		t.Fatal(err)
	}
	w.commits["1.43.0"] = w.git.Tag("1.43.0")
	pf := w.preflight(t, w.method(), w.version("1.43.0"))
	if len(pf.Plans) != 0 || !strings.Contains(pf.Err, "cannot be read") {
		t.Errorf("%+v", pf)
	}
	w.target.Manifests = "../.."
	if pf := w.preflight(t, w.method(), w.version("1.41.0")); len(pf.Plans) != 0 {
		t.Errorf("%+v", pf)
	}
}

func TestReadOnly(t *testing.T) {
	w := newWorld(t)
	p := w.plan(t, w.method(), "1.41.0")
	w.options.ReadOnly = true
	if _, err := w.method().Do(t.Context(), p, nil); !errors.Is(err, model.ErrReadOnly) || len(w.applied) > 0 {
		t.Errorf("%v", err)
	}
}

// A component without a target, or whose folder is not there, is told so.
func TestNotConfigured(t *testing.T) {
	w := newWorld(t)
	m := w.method()
	c := component("")
	c.ID = "web"
	if _, err := m.Versions(t.Context(), c, time.Now()); m.Serves("web") || !m.Serves("api") || err == nil || !strings.Contains(err.Error(), "rollbook.yaml") {
		t.Errorf("%v", err)
	}
	w.target.Repository = "/nowhere"
	for _, ch := range w.method().Check(t.Context(), "api", component("").Workload) {
		if ch.State != model.CheckBlocked || ch.Do == "" || !strings.Contains(ch.Text, "no such folder") {
			t.Errorf("%+v", ch)
		}
	}
	w.target.Repository = w.git.Dir
	ids := map[string]model.CheckState{}
	for _, ch := range w.method().Check(t.Context(), "api", component("").Workload) {
		ids[ch.ID] = ch.State
	}
	if want := map[string]model.CheckState{"repository": model.CheckOK, "build": model.CheckOK, "access.patch": model.CheckOK, "dryrun": model.CheckOK}; !maps.Equal(ids, want) {
		t.Errorf("%v", ids)
	}
}
