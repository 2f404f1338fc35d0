package sandbox

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

//go:embed scenarios/*.yaml shop/*.yaml
var files embed.FS

// A Scenario is an incident to practise on: what the cluster runs, what was
// released when, and how the images behave. It is data, so that a team can
// bring its own.
type Scenario struct {
	Name  string `yaml:"name"`
	Title string `yaml:"title"` // a few words for the picker
	Learn string `yaml:"learn"` // one line
	Hints Hints  `yaml:"hints"`
	End   End    `yaml:"end"`
	World `yaml:",inline"`

	File string `yaml:"-"` // where it was read from
}

// Random is the scenario that does not tell which one it is.
const Random = "random"

// Drill is the scenario in which nothing is wrong, for a drill: it is in no list.
const Drill = "drill"

// Hints lead through the walk, one sentence for each step.
type Hints struct {
	Assess, Decide, Choose, Confirm string
	RollBack                        string `yaml:"roll_back"`
	Verify, Close                   string
}

// Of is the hint for a step of the walk, 1 to 7; "" = none.
func (h Hints) Of(step int) string {
	all := []string{h.Assess, h.Decide, h.Choose, h.Confirm, h.RollBack, h.Verify, h.Close}
	if step < 1 || step > len(all) {
		return ""
	}
	return all[step-1]
}

// End is where the walk should end.
type End struct {
	Images map[string]string // which image each component should run
	None   string            // why there should be no rollback: healed
	Schema string            // newest migration that should be applied; "" = whichever
}

// World is what there is: objects, releases and images. What a scenario leaves
// out it has from the shop.
type World struct {
	Objects  []Object         `yaml:"objects"` // nil = the shop's
	Beside   []Object         `yaml:"beside"`  // others, beside those
	Releases []Release        `yaml:"releases"`
	Images   map[string]Image `yaml:"images"`
	Flux     []Flux           `yaml:"flux"`
	Forbid   []Forbid         `yaml:"forbid"` // what the operator may not do
	GitLab   *GitLab          `yaml:"gitlab"` // nil = there is none
	Git      *Git             `yaml:"git"`    // nil = there is no repository
	Schema   *Schema          `yaml:"schema"` // nil = there is no database that knows migrations
}

// An Object is a Kubernetes object, as in a manifest.
type Object map[string]any

// copy is the object with its numbers as Kubernetes has them.
func (o Object) copy() *unstructured.Unstructured {
	m, _ := plain(map[string]any(o)).(map[string]any)
	return &unstructured.Unstructured{Object: m}
}

func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = plain(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = plain(x)
		}
		return out
	case uint64:
		return int64(v)
	case int:
		return int64(v)
	}
	return v
}

// A Release sets a workload's image, as a pipeline does. The first release of
// a workload is its creation.
type Release struct {
	At       Moment            `yaml:"at"`
	Workload string            `yaml:"workload"` // NAME, or KIND/NAMESPACE/NAME
	Image    string            `yaml:"image"`
	By       string            `yaml:"by"`    // field manager; "" = gitlab-ci
	Cause    string            `yaml:"cause"` // change-cause
	Env      map[string]string `yaml:"env"`   // set
	Unset    []string          `yaml:"unset"` // removed from env
	// Config is what it sets in ConfigMaps of its namespace, by their name and key.
	Config map[string]map[string]string `yaml:"config"`
}

// names are the scenarios in the order in which they are learnt.
var names = []string{"crash-loop", "errors", "slow", "stuck-rollout", "two-bad-releases", "two-components", "no-metrics", "healed", "no-pod-left",
	"healthy-neighbour", "innocent-hotfix", "dependency", "made-worse", "old-bad-too", "gitops", "gitlab-only", "bad-migration", "config-drift"}

// List returns the scenarios in the order in which they are best learnt, the
// random one last.
func List() ([]*Scenario, error) {
	var out []*Scenario
	for _, n := range names {
		s, err := embedded(n)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return append(out, &Scenario{Name: Random, Title: "any of these, and you are not told which", Learn: "To find out by yourself what is wrong, as in a real night."}), nil
}

// Load returns a scenario by its name, or from a file when the name has a dot
// or a slash. The random one has no hints.
func Load(name string) (*Scenario, error) {
	switch {
	case name == Random:
		var s *Scenario
		for s == nil || s.Git != nil { // that one needs programs which may not be there
			var err error
			if s, err = embedded(names[rand.IntN(len(names))]); err != nil { //nolint:gosec // which incident, not a secret
				return nil, err
			}
		}
		s.Name, s.Title, s.Learn, s.Hints = Random, "you are not told", "To find out by yourself what is wrong, as in a real night.", Hints{}
		return s, nil
	case name == Drill || slices.Contains(names, name):
		return embedded(name)
	case !strings.ContainsAny(name, "./"+string(os.PathSeparator)):
		return nil, fmt.Errorf("there is no scenario %q: there are %s and %s; a file of your own is given with its path, such as ./%[1]s.yaml", name, strings.Join(names, ", "), Random)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	return parse(name, data)
}

func embedded(name string) (*Scenario, error) {
	file := path.Join("scenarios", name+".yaml")
	data, err := fs.ReadFile(files, file)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", name, err)
	}
	return parse(file, data)
}

// parse reads a scenario, lays it over the shop, and says of each mistake where
// it is.
func parse(file string, data []byte) (*Scenario, error) {
	s := &Scenario{File: file}
	if err := decode(file, data, s); err != nil {
		return nil, err
	}
	if s.Name == "" {
		s.Name = strings.TrimSuffix(path.Base(file), path.Ext(file))
	}
	if s.Objects == nil {
		w, err := shop()
		if err != nil {
			return nil, err
		}
		s.Objects = w.Objects
		s.Releases = slices.Concat(w.Releases, s.Releases)
		images := maps.Clone(w.Images)
		maps.Copy(images, s.Images)
		s.Images = images
	}
	s.Objects = slices.Concat(s.Objects, s.Beside)
	slices.SortStableFunc(s.Releases, func(a, b Release) int { return cmp.Compare(a.At, b.At) })
	return s, s.check()
}

// shop is what a scenario has that brings no objects of its own. It is read once,
// and changed by nobody.
var shop = sync.OnceValues(func() (*World, error) {
	var w World
	for _, f := range []string{"shop/history.yaml", "shop/objects.yaml"} {
		data, err := fs.ReadFile(files, f)
		if err != nil {
			return nil, err
		}
		if err := decode(f, data, &w); err != nil {
			return nil, err
		}
	}
	return &w, nil
})

// decode reads a file strictly: a mistyped key would change nothing, silently.
func decode(file string, data []byte, into any) error {
	err := yaml.UnmarshalWithOptions(data, into, yaml.Strict())
	if err == nil {
		return nil
	}
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil && at.GetToken().Position != nil {
		p := at.GetToken().Position
		return fmt.Errorf("%s:%d:%d: %s", file, p.Line, p.Column, at.GetMessage())
	}
	return fmt.Errorf("%s: %w", file, err)
}

// check finds what could be read but makes no sense.
func (s *Scenario) check() error {
	var all []error
	complain := func(format string, args ...any) {
		all = append(all, fmt.Errorf("%s: "+format, append([]any{s.File}, args...)...))
	}
	if len(s.Releases) == 0 {
		complain("nothing was ever released: at least one release per workload is needed, its first one is its creation")
	}
	workloads := map[string]bool{}
	for _, o := range s.Objects {
		u := unstructured.Unstructured{Object: o}
		if _, ok := resourceOf(u.GroupVersionKind()); !ok {
			complain("%s: the sandbox does not serve objects of the kind %s in %s", u.GetName(), u.GetKind(), u.GetAPIVersion())
		}
		if w, ok := workloadOf(o); ok {
			workloads[w.String()] = true
			if _, err := containersOf(o.copy()); err != nil {
				complain("%v", err)
			}
		}
	}
	released := map[string]bool{}
	for _, r := range s.Releases {
		w := r.workload()
		if !workloads[w.String()] {
			complain("release %s of %s: no object is such a workload; a workload is named NAME (a Deployment in production) or KIND/NAMESPACE/NAME", r.Image, r.Workload)
		}
		if r.At > 0 {
			complain("release %s of %s: it comes after the opening; what happens later is said by the image's then", r.Image, r.Workload)
		}
		released[w.String()] = true
	}
	for _, text := range s.checkWays(workloads) {
		complain("%s", text)
	}
	for w := range workloads {
		if !released[w] {
			complain("%s was never released: say when, with which image", w)
		}
	}
	if (len(s.End.Images) == 0) == (s.End.None == "") {
		complain("end: say which images the components should run, or none with the reason")
	}
	return errors.Join(all...)
}
