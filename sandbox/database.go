package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rollbook/sandbox/api"
	"rollbook/sandbox/schema"
	"rollbook/sandbox/store"
)

// Schema is that of a database, with the migrations that the releases of a workload
// brought. Its pods have Alembic.
type Schema struct {
	Workload   string      `yaml:"workload"` // as of a release
	Migrations []Migration `yaml:"migrations"`
}

// A Migration is one step of a schema.
type Migration struct {
	Key    string   `yaml:"key"`
	Title  string   `yaml:"title"`
	SQL    []string `yaml:"sql"`    // of going back
	Since  string   `yaml:"since"`  // image that brought it; "" = before all that are told
	Raises string   `yaml:"raises"` // by its downgrade(); "" = it can be undone
}

// stepTakes is how long it takes to undo a migration.
const stepTakes = 3 * time.Second

func (x *Schema) workload() workload { return (Release{Workload: x.Workload}).workload() }

// database is a schema that runs.
type database struct {
	*schema.Schema
	of    *Schema
	known map[string]int // by image: how many migrations its code knows

	mu      sync.Mutex
	running []string // commands in pods
}

// open returns the database of a scenario, before its first release; nil = it has none.
func (x *Schema) open() *database {
	if x == nil {
		return nil
	}
	d := &database{Schema: schema.New(), of: x, known: map[string]int{}}
	d.Takes = stepTakes
	for _, m := range x.Migrations {
		d.All = append(d.All, schema.Migration{Key: m.Key, Title: m.Title, SQL: m.SQL, Raises: m.Raises})
	}
	return d
}

// released takes it that a release was made: it brings its migrations before its pods.
func (d *database) released(r Release) {
	if r.workload() != d.of.workload() {
		return
	}
	known := 0
	for n, m := range d.of.Migrations {
		if m.Since == "" || m.Since == r.Image || d.known[m.Since] > 0 {
			known = n + 1
		}
	}
	d.mu.Lock()
	d.known[r.Image] = known
	d.mu.Unlock()
	if known > 0 {
		d.Set(d.of.Migrations[known-1].Key)
	}
}

// head returns the migration at which the code of an image ends; "" = none is known.
func (x *Schema) head(s *Scenario, image string) string {
	came := map[string]bool{}
	for _, r := range s.releasesOf(x.workload()) {
		if came[r.Image] = true; r.Image == image {
			break
		}
	}
	key := ""
	for _, m := range x.Migrations {
		if m.Since == "" || came[m.Since] {
			key = m.Key
		}
	}
	return key
}

// commands run what the containers of the schema's workload have.
type commands struct{ *world }

// Exec runs Alembic, and the one command that tells which processes there are.
func (c commands) Exec(ctx context.Context, q api.ExecQuery, say func(stderr bool, text string)) (int, error) {
	d := c.schema
	image := c.imageOf(q)
	d.mu.Lock()
	known, has := d.known[image]
	d.mu.Unlock()
	line := strings.Join(q.Args, " ")
	switch {
	case has && q.Args[0] == "alembic":
		d.mu.Lock()
		d.running = append(d.running, line)
		d.mu.Unlock()
		defer func() {
			d.mu.Lock()
			n := slices.Index(d.running, line)
			d.running = slices.Delete(d.running, n, n+1)
			d.mu.Unlock()
		}()
		return d.Alembic(ctx, known, q.Args[1:], say), nil
	case q.Args[0] == "sh" && strings.Contains(line, "/proc/"):
		d.mu.Lock()
		defer d.mu.Unlock()
		say(false, strings.Join(append([]string{"uvicorn shop:app"}, d.running...), " ")+"\n")
		return 0, nil
	}
	return 0, fmt.Errorf("exec: %q: executable file not found in $PATH", q.Args[0])
}

// imageOf returns the image of the container that a command is for.
func (c commands) imageOf(q api.ExecQuery) string {
	u, err := c.store.Get(store.Pods, q.Namespace, q.Pod)
	if err != nil {
		return ""
	}
	containers, _, _ := unstructured.NestedSlice(u.Object, "spec", "containers")
	for _, x := range containers {
		if m, ok := x.(map[string]any); ok && m["name"] == q.Container {
			image, _ := m["image"].(string)
			return image
		}
	}
	return ""
}
