package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestListedScenarios(t *testing.T) {
	all, err := List()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range all {
		got = append(got, s.Name)
		if s.Title == "" || s.Learn == "" || strings.Contains(s.Learn, "\n") {
			t.Errorf("%s: title %q, learn %q", s.Name, s.Title, s.Learn)
		}
		for step := 1; step <= 7 && s.Name != Random; step++ {
			if s.Hints.Of(step) == "" {
				t.Errorf("%s has no hint for step %d", s.Name, step)
			}
		}
	}
	if want := append(slices.Clone(names), Random); !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
	entries, err := files.ReadDir("scenarios")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), ".yaml"); name != Drill && !slices.Contains(names, name) {
			t.Errorf("%s is in no list", e.Name())
		}
	}
}

// A random scenario does not tell which one it is, in nothing that is shown.
func TestRandomDoesNotTell(t *testing.T) {
	for range 20 {
		s, err := Load(Random)
		if err != nil {
			t.Fatal(err)
		}
		if s.Name != Random || s.Hints != (Hints{}) || slices.Contains(names, s.Title) {
			t.Fatalf("tells %q, %q, %+v", s.Name, s.Title, s.Hints)
		}
	}
}

func TestOwnScenario(t *testing.T) {
	s, err := Load("testdata/own.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "own" || len(s.Objects) != 1 || len(s.Releases) != 2 || s.Hints.RollBack != "wait" {
		t.Errorf("read %+v", s)
	}
	if b := (&behaviours{images: s.Images}).of("hotel:2", nil); b.Errors != 0.5 || b.RPS != 5 {
		t.Errorf("the bad image behaves %+v", b)
	}
}

func TestMistakesAreToldWithTheirPlace(t *testing.T) {
	const end = "end: {none: healed}\n"
	for text, want := range map[string]string{
		"learn: x\nhintz: {}\n" + end:                                        `own.yaml:2:1: unknown field "hintz"`,
		end + "releases: [{at: 7m, workload: frontend, image: x}]\n":         `own.yaml:2:17: "7m" says neither before (-) nor after (+) the opening`,
		end + "releases: [{at: -7 minutes, workload: frontend, image: x}]\n": `own.yaml:2:17: "7 minutes" is not a duration`,
		end + "images:\n  x:1:\n    errors: 0.3\n":                           `own.yaml:4:13: "0.3" is not a share of the requests: write it in percent`,
		end + "images: {\"x:1\": {p95: soon}}\n":                             `own.yaml:2:23: "soon" is neither a duration`,
		end + "images: {\"x:1\": {error: 3%}}\n":                             `own.yaml:2:18: unknown field "error"`,
		"learn: [\n":                                                         `own.yaml:1:8:`,
		end + "releases: [{at: -7m, workload: nobody, image: x}]\n":          `release x of nobody: no object is such a workload`,
		end + "releases: [{at: +7m, workload: frontend, image: x}]\n":        `it comes after the opening`,
		"learn: x\n": `end: say which images the components should run, or none with the reason`,
		end + "objects: [{apiVersion: example.org/v1, kind: Canary, metadata: {name: a}}]\n":                     `own.yaml: a: the sandbox does not serve objects of the kind Canary in example.org/v1`,
		end + "objects: [{apiVersion: apps/v1, kind: Deployment, metadata: {name: b, namespace: production}}]\n": `Deployment production/b has no container in its template`,
		end + "gitlab: {workload: frontend}\n":                                                                   `gitlab: project is missing`,
		end + "gitlab: {workload: nobody, project: a/b}\n":                                                       `gitlab: no object is the workload "nobody"`,
		end + "git: {workload: nobody}\n":                                                                        `git: no object is the workload "nobody"`,
		end + "schema: {workload: frontend}\n":                                                                   `schema: there are no migrations`,
		end + "schema: {workload: frontend, migrations: [{key: a, since: x}]}\n":                                 `schema: migration "a": it needs a key, and since names an image that was released`,
		end + "objects: []\n": `nothing was ever released`,
		end + "objects: [{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: production}}]\n": `deployment/production/a was never released`,
	} {
		_, err := parse("own.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestNoSuchScenario(t *testing.T) {
	_, err := Load("eror")
	if err == nil || !strings.Contains(err.Error(), `there is no scenario "eror": there are crash-loop, errors`) {
		t.Errorf("got %v", err)
	}
	if _, err = Load("testdata/none.yaml"); err == nil || !strings.Contains(err.Error(), "none.yaml: no such file") {
		t.Errorf("got %v", err)
	}
}

func TestBesideTheShop(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.yaml")
	const text = `end: {none: nothing}
beside:
- {apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: frontend, namespace: production}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: frontend}, minReplicas: 2, maxReplicas: 4}}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := Load("errors")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Objects) != len(bare.Objects)+1 || s.Objects[len(s.Objects)-1]["kind"] != "HorizontalPodAutoscaler" {
		t.Errorf("%d objects, the shop has %d", len(s.Objects), len(bare.Objects))
	}
}
