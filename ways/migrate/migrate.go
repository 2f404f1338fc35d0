// Package migrate takes a database's migrations back, by running the tool that brought
// them, Alembic or Django, in a pod of the version that has their code.
//
// https://alembic.sqlalchemy.org/en/latest/, https://docs.djangoproject.com/en/stable/ref/django-admin/
package migrate

import (
	"context"
	"slices"
	"sync"
	"time"

	"rollbook/model"
	"rollbook/text"
)

// MethodMigrate takes migrations back.
const MethodMigrate model.Method = "migrate"

// Pods runs commands in pods of the cluster.
type Pods interface {
	// Exec runs a command in a container, once, and calls line with each line that it
	// writes, as it was written. It returns its exit code. The error is
	// model.ErrRefused or ErrReadOnly, when it was not begun, or ErrLost, when nobody
	// knows how it ended.
	Exec(ctx context.Context, namespace, pod, container string, args []string, line func(stderr bool, text string)) (code int, err error)
	// MayExec reports whether the user may run commands in a pod.
	MayExec(ctx context.Context, namespace, pod string) (bool, error)
	// RunningPods lists the pods of a workload in which a command can be run, those
	// that are ready first.
	RunningPods(ctx context.Context, w model.Workload) ([]model.Pod, error)
	// KubectlIn returns the kubectl command that does something in a namespace.
	KubectlIn(namespace, what string) string
}

// Target says how a component's migrations are taken back.
type Target struct {
	Tool      string   // Alembic or Django
	Command   []string // that runs the tool; none = "alembic", or "python manage.py"
	Apps      []string // of Django
	Container string   // "" = the pod's first
	// Releases says at which migration the code of a release ends, by its image's tag,
	// as far as the team has written that down.
	Releases map[string]string
	Psql     Psql
}

// The tools.
const (
	Alembic = "alembic"
	Django  = "django"
)

// Options set what a Migrate may do.
type Options struct {
	ReadOnly bool // no command is run but those that look: the cluster lets none be run at all
	Now      func() time.Time
	// First sets for how long Do waits for the end of the command: one that fails at once
	// has changed nothing, most times; 0 = 4 s.
	First time.Duration
	// Every sets how long it waits between two looks at a schema; 0 = 3 s.
	Every time.Duration
	// Settle sets for how long a schema has to stand still until a command of an
	// earlier run of the program counts as ended, where its process cannot be looked
	// for; 0 = 3 min.
	Settle time.Duration
}

// Migrate takes migrations back. It is safe for concurrent use.
type Migrate struct {
	pods    Pods
	targets map[string]Target // by component
	Options
	mu   sync.Mutex
	runs map[string]*run // that this program began, by the plan's ID
}

// New returns what takes back the migrations of the components that have a target.
func New(p Pods, targets map[string]Target, o Options) *Migrate {
	if o.First == 0 {
		o.First = 4 * time.Second
	}
	if o.Every == 0 {
		o.Every = 3 * time.Second
	}
	if o.Settle == 0 {
		o.Settle = 3 * time.Minute
	}
	return &Migrate{pods: p, targets: targets, Options: o, runs: map[string]*run{}}
}

// Name returns MethodMigrate.
func (*Migrate) Name() model.Method { return MethodMigrate }

// Title names it on Choose.
func (*Migrate) Title() string { return "migrations" }

// Role returns RoleSchema: it is no way back for a release, but goes before one.
func (*Migrate) Role() model.Role { return model.RoleSchema }

// Serves reports whether a component has a target.
func (m *Migrate) Serves(component string) bool {
	_, ok := m.targets[component]
	return ok
}

func (m *Migrate) target(component string) (Target, error) {
	t, ok := m.targets[component]
	if !ok {
		return t, model.Told(nil, nil, "%s: no migrations are configured for it: set migrations: {tool: …} of the component in your own rollbook.yaml", component)
	}
	return t, nil
}

// tool returns what knows the target's program.
func (t *Target) tool() tool {
	if t.Tool == Django {
		return django{t}
	}
	return alembic{t}
}

// command returns what runs the tool with some arguments.
func (t *Target) command(args ...string) []string {
	base := t.Command
	switch {
	case len(base) > 0:
	case t.Tool == Django:
		base = []string{"python", "manage.py"}
	default:
		base = []string{"alembic"}
	}
	return append(append([]string(nil), base...), args...)
}

// place names a container, and the version whose code is in it.
type place struct {
	Namespace string `json:"namespace"`
	Pod       string `json:"pod"`
	Container string `json:"container,omitempty"`
	Owner     string `json:"owner,omitempty"` // ReplicaSet or ControllerRevision
}

// places returns a container of each version of a workload that runs, by owner.
func (m *Migrate) places(ctx context.Context, t *Target, w model.Workload) (map[string]place, error) {
	pods, err := m.pods.RunningPods(ctx, w)
	if err != nil {
		return nil, err
	}
	out := map[string]place{}
	for n := range pods {
		p := &pods[n]
		if _, has := out[p.Owner]; has {
			continue
		}
		at := place{w.Namespace, p.Name, t.Container, p.Owner}
		if at.Container == "" && len(p.Names) > 0 {
			at.Container = p.Names[0]
		}
		out[p.Owner] = at
	}
	return out, nil
}

// newest returns the container of the version that runs, whose code knows all
// migrations. The error says that there is none.
func newest(all map[string]place, c *model.Component) (place, error) {
	at, ok := all[c.OwnerName]
	if !ok {
		return at, model.Told(nil, nil, "no pod of %s, which has the code of the newest migrations, runs: a command can be run in none; run one with that image by hand, such as with kubectl debug, and take them back there", c.Running().Full())
	}
	return at, nil
}

// detail keeps in a plan what it rests on.
type detail struct {
	Tool  string   `json:"tool"`
	At    place    `json:"at"`
	From  string   `json:"from"`
	To    string   `json:"to"`
	Steps []string `json:"steps"` // that are undone, in the order in which they are
	Args  []string `json:"args"`  // the command
	// Then are the commands after it, each of which is run when the one before is proved.
	Then []command `json:"then,omitempty"`
}

// command is one of several that a plan runs.
type command struct {
	Args  []string `json:"args"`
	Steps []string `json:"steps"` // of the plan's, that it undoes
}

// commands returns all that a plan runs, in their order.
func (d *detail) commands() []command {
	first := command{Args: d.Args}
	for _, key := range d.Steps {
		if !slices.ContainsFunc(d.Then, func(c command) bool { return slices.Contains(c.Steps, key) }) {
			first.Steps = append(first.Steps, key)
		}
	}
	return append([]command{first}, d.Then...)
}

// version returns a migration as something that the schema can be brought to.
func version(key string) model.Version {
	key = text.Line(key)
	short := key
	if len(short) > 12 {
		short = short[:12]
	}
	if key == alembicBase || key == djangoBase {
		return model.Version{Key: key, Label: "no migration (" + key + ")", Short: key}
	}
	return model.Version{Key: key, Label: "migration " + key, Short: short}
}
