package migrate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/engine"
	"rollbook/engine/porttest"
	"rollbook/model"
	"rollbook/sandbox/schema"
	"rollbook/ways/migrate"
)

// The migrations of a shop: the first two came with 1.41.0, the others with 1.42.0.
func shop() *schema.Schema {
	s := schema.New(
		schema.Migration{Key: "a1b2c3d4e5f6", Title: "create users", SQL: []string{"DROP TABLE users;"}},
		schema.Migration{Key: "b2c3d4e5f6a1", Title: "add email", SQL: []string{"ALTER TABLE users DROP COLUMN email;"}},
		schema.Migration{Key: "c3d4e5f6a1b2", Title: "index names", SQL: []string{"DROP INDEX users_name;"}},
		schema.Migration{Key: "d4e5f6a1b2c3", Title: "shorter names", SQL: []string{"ALTER TABLE users ALTER COLUMN name TYPE TEXT;"}})
	s.Env = "settings are read"
	return s
}

// cluster runs Alembic in pods that there are not.
type cluster struct {
	*schema.Schema
	mu     sync.Mutex
	pods   []model.Pod
	known  map[string]int // migrations that a version's code knows, by owner
	writes int
	lose   int
	answer *porttest.Answer
	cut    bool // the connection is cut off while a downgrade runs
	procs  string
	noProc bool // the processes of a container cannot be listed
	denied bool
	ends   chan struct{} // of the command whose connection was cut off
}

func newCluster(s *schema.Schema) *cluster {
	return &cluster{Schema: s, known: map[string]int{"api-old": 2, "api-new": 4}, ends: make(chan struct{}, 1), pods: []model.Pod{
		{Name: "api-new-1", Owner: "api-new", Ready: true, Names: []string{"api"}}, {Name: "api-old-1", Owner: "api-old", Ready: true, Names: []string{"api"}}}}
}

func (c *cluster) KubectlIn(namespace, what string) string {
	return "kubectl --context prod -n " + namespace + " " + what
}

func (c *cluster) MayExec(context.Context, string, string) (bool, error) { return !c.denied, nil }

func (c *cluster) RunningPods(context.Context, model.Workload) ([]model.Pod, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.pods), nil
}

func (c *cluster) leave(owner string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pods = slices.DeleteFunc(c.pods, func(p model.Pod) bool { return p.Owner == owner })
}

// Writes, Lose and Instead make it a trial's Wire, of the commands that change something.
func (c *cluster) Writes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes
}

func (c *cluster) Lose(after bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lose = -1; after {
		c.lose = 1
	}
}

func (c *cluster) Instead(a porttest.Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = &a
}

// Exec runs what a pod would run. A process goes on when its connection is cut off.
func (c *cluster) Exec(ctx context.Context, _, pod, _ string, args []string, line func(bool, string)) (int, error) {
	c.mu.Lock()
	owner := pod[:strings.LastIndexByte(pod, '-')]
	there, procs, noProc := slices.ContainsFunc(c.pods, func(p model.Pod) bool { return p.Name == pod }), c.procs, c.noProc
	changes := args[0] == "alembic" && args[1] == "downgrade" && !slices.Contains(args, "--sql")
	lose, answer, cut := 0, (*porttest.Answer)(nil), false
	if changes {
		c.writes++
		lose, answer, cut = c.lose, c.answer, c.cut
		c.lose, c.answer, c.cut = 0, nil, false
	}
	c.mu.Unlock()
	say := func(stderr bool, s string) {
		for l := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
			line(stderr, l)
		}
	}
	switch {
	case !there:
		return 0, model.Told(model.ErrRefused, nil, "pods %q not found", pod)
	case c.denied:
		return 0, model.Told(model.ErrRefused, nil, "forbidden: you may not create pods/exec")
	case answer != nil && answer.Code == 429: // which the cluster's client waits for
		say(true, "the API server is overloaded (429): trying again in 2s")
		time.Sleep(2 * time.Second)
		c.mu.Lock()
		c.writes++
		c.mu.Unlock()
	case answer != nil:
		return 0, model.Told(model.ErrLost, nil, "what answers is not the API server: %d", answer.Code)
	case lose < 0:
		return 0, model.Told(model.ErrLost, nil, "the connection was cut")
	}
	if args[0] == "sh" {
		if noProc {
			return 127, nil
		}
		line(false, "gunicorn shop "+procs)
		return 0, nil
	}
	if args[0] != "alembic" {
		return 0, model.Told(model.ErrRefused, nil, "exec: %q: executable file not found in $PATH", args[0])
	}
	if cut || lose > 0 {
		c.mu.Lock()
		c.procs = strings.Join(args, " ")
		c.mu.Unlock()
		code := make(chan struct{})
		go func() {
			c.Alembic(context.Background(), c.known[owner], args[1:], func(bool, string) {})
			c.mu.Lock()
			c.procs = ""
			c.mu.Unlock()
			close(code)
			c.ends <- struct{}{}
		}()
		if lose > 0 {
			<-code
		}
		return 0, model.Told(model.ErrLost, nil, "the connection was cut")
	}
	return c.Alembic(ctx, c.known[owner], args[1:], say), ctx.Err()
}

// as is the method as somebody has it.
func (c *cluster) as(set ...func(*migrate.Target, *migrate.Options)) *migrate.Migrate {
	t, o := migrate.Target{Tool: migrate.Alembic}, migrate.Options{Now: time.Now}
	for _, f := range set {
		f(&t, &o)
	}
	return migrate.New(c, map[string]migrate.Target{"api": t}, o)
}

func readOnly(_ *migrate.Target, o *migrate.Options) { o.ReadOnly = true }

func component() *model.Component {
	return &model.Component{ID: "api", Workload: model.Workload{Kind: model.Deployment, Namespace: "shop", Name: "api"}, OwnerName: "api-new", Revision: 42,
		Images: []string{"shop/api:1.42.0"}, Past: []model.Earlier{{Owner: "api-old", Revision: 41, Images: []string{"shop/api:1.41.0"}}}}
}

func to(key string) model.Version { return model.Version{Key: key} }

func TestContract(t *testing.T) {
	porttest.RunMethod(t, func(t *testing.T, f func(t *testing.T, x *porttest.Trial)) {
		synctest.Test(t, func(t *testing.T) {
			f(t, contractTrial())
		})
	})
}

func contractTrial() *porttest.Trial {
	c := newCluster(shop())
	denied := newCluster(c.Schema)
	denied.denied = true
	return &porttest.Trial{Method: c.as(), Wire: c, To: to("b2c3d4e5f6a1"), Changed: model.SettledForeign, Component: component,
		Again:    func(*testing.T) engine.Method { return c.as() },
		ReadOnly: func(*testing.T) engine.Method { return c.as(readOnly) },
		State:    func(*testing.T) string { return c.At() },
		Change:   func(*testing.T) { c.Set("a1b2c3d4e5f6") },
		Denied:   []porttest.Denial{{User: "viewer", Method: denied.as()}}}
}

func preflight(t *testing.T, m *migrate.Migrate, to model.Version) model.Preflight {
	t.Helper()
	var last model.Preflight
	m.Plan(t.Context(), component(), to, func(p model.Preflight) { last = p })
	if !last.Done {
		t.Fatalf("no end: %+v", last)
	}
	return last
}

func planFor(t *testing.T, m *migrate.Migrate, key string) model.Plan {
	t.Helper()
	pf := preflight(t, m, to(key))
	if len(pf.Plans) != 1 {
		t.Fatalf("%d plans: %s", len(pf.Plans), pf.Err)
	}
	return pf.Plans[0]
}

func follow(t *testing.T, m *migrate.Migrate, p model.Plan, r model.Receipt) (all []model.Progress) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	if err := m.Follow(ctx, p, r, func(p model.Progress) { all = append(all, p) }); err != nil {
		t.Fatal(err)
	}
	return all
}

// What is listed says where the schema is, at which migration each release's code ends,
// and what cannot be undone.
func TestVersions(t *testing.T) {
	s := shop()
	s.All[2].Raises = "NotImplementedError: the old index is gone"
	c := newCluster(s)
	h, err := c.as(func(t *migrate.Target, _ *migrate.Options) { t.Releases = map[string]string{"1.40.0": "a1b2c3d4e5f6"} }).Versions(t.Context(), component(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range h.Candidates {
		got = append(got, fmt.Sprintf("%s|%s|%v|%s|%s", k.Key, k.Cause, k.Current, k.Final, k.Refused))
	}
	refused := "migration c3d4e5f6a1b2 cannot be undone: NotImplementedError: the old index is gone"
	want := []string{"d4e5f6a1b2c3|shorter names|true||", "c3d4e5f6a1b2|index names|false|NotImplementedError: the old index is gone|",
		"b2c3d4e5f6a1|add email|false||" + refused, "a1b2c3d4e5f6|create users|false||" + refused, "base|no migration at all|false||" + refused}
	if !slices.Equal(got, want) {
		t.Errorf("listed\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	heads := []model.Head{{Owner: "api-old", Key: "b2c3d4e5f6a1", By: "a pod of it"}, {Tag: "1.40.0", Key: "a1b2c3d4e5f6", By: "rollbook.yaml"}}
	if !slices.Equal(h.Heads, heads) {
		t.Errorf("heads %+v", h.Heads)
	}
}

// What has to be told before anything is written.
func TestPreflight(t *testing.T) {
	for name, x := range map[string]struct {
		set   func(c *cluster, s *schema.Schema)
		to    string
		id    string
		state model.CheckState
		hard  bool
		says  string
	}{
		"where it is":     {nil, "b2c3d4e5f6a1", "schema", model.CheckOK, false, "the schema is at d4e5f6a1b2c3, by the database"},
		"drops nothing":   {nil, "b2c3d4e5f6a1", "drop", model.CheckOK, false, "drops no table"},
		"drops a column":  {nil, "a1b2c3d4e5f6", "drop:b2c3d4e5f6a1:0", model.CheckWarning, false, "ALTER TABLE users DROP COLUMN email;"},
		"raises":          {func(_ *cluster, s *schema.Schema) { s.All[3].Raises = "NotImplementedError" }, "c3d4e5f6a1b2", "irreversible:d4e5f6a1b2c3", model.CheckBlocked, true, "cannot be undone: NotImplementedError"},
		"does nothing":    {func(_ *cluster, s *schema.Schema) { s.All[3].SQL = nil }, "c3d4e5f6a1b2", "nothing:d4e5f6a1b2c3", model.CheckBlocked, false, "does nothing: what it did stays"},
		"has no SQL":      {func(_ *cluster, s *schema.Schema) { s.All[3].Raises = "AttributeError: no connection" }, "c3d4e5f6a1b2", "sql:d4e5f6a1b2c3", model.CheckBlocked, false, "is not known: AttributeError"},
		"after one of it": {func(_ *cluster, s *schema.Schema) { s.All[3].Raises = "NotImplementedError" }, "a1b2c3d4e5f6", "drop:b2c3d4e5f6a1:0", model.CheckWarning, false, "DROP COLUMN"},
		"code is ahead":   {func(c *cluster, s *schema.Schema) { s.Set("c3d4e5f6a1b2") }, "b2c3d4e5f6a1", "schema.behind", model.CheckNote, false, "d4e5f6a1b2c3, is not applied"},
		"no pod":          {func(c *cluster, _ *schema.Schema) { c.leave("api-new") }, "b2c3d4e5f6a1", "", 0, false, "no pod of 1.42.0 (revision 42)"},
		"no right":        {func(c *cluster, _ *schema.Schema) { c.denied = true }, "b2c3d4e5f6a1", "", 0, false, "forbidden"},
		"no tool":         {func(c *cluster, _ *schema.Schema) {}, "no tool", "", 0, false, "executable file not found"},
		"rolled back":     {func(c *cluster, _ *schema.Schema) { c.known["api-new"] = 2 }, "a1b2c3d4e5f6", "", 0, false, "a pod of the version that brought it is needed"},
		"not applied":     {func(c *cluster, s *schema.Schema) { s.Set("b2c3d4e5f6a1") }, "c3d4e5f6a1b2", "", 0, false, "is not applied"},
	} {
		t.Run(name, func(t *testing.T) {
			s := shop()
			c := newCluster(s)
			if x.set != nil {
				x.set(c, s)
			}
			m := c.as(func(t *migrate.Target, _ *migrate.Options) {
				if x.to == "no tool" {
					t.Command = []string{"poetry"}
				}
			})
			pf := preflight(t, m, to(x.to))
			if c.Writes() != 0 || s.Downgrades() != 0 {
				t.Error("something was written")
			}
			if x.id == "" {
				if len(pf.Plans) != 0 || !strings.Contains(pf.Err, x.says) {
					t.Errorf("%d plans, %q", len(pf.Plans), pf.Err)
				}
				return
			}
			n := slices.IndexFunc(pf.Checks, func(k model.Check) bool { return k.ID == x.id })
			if n < 0 {
				t.Fatalf("no line %s: %s %+v", x.id, pf.Err, pf.Checks)
			}
			if k := pf.Checks[n]; k.State != x.state || k.Hard != x.hard || !strings.Contains(k.Text, x.says) {
				t.Errorf("%+v", k)
			}
		})
	}
}

// The plan shows its SQL, says what must be typed, and is to be copied.
func TestPlanShowsItsSQL(t *testing.T) {
	p := planFor(t, newCluster(shop()).as(), "a1b2c3d4e5f6")
	var all []string
	for _, c := range p.Changes {
		all = append(all, c.Kind+": "+c.What)
	}
	want := []string{"migration: d4e5f6a1b2c3 shorter names", "sql: ALTER TABLE users ALTER COLUMN name TYPE TEXT;", "migration: c3d4e5f6a1b2 index names", "sql: DROP INDEX users_name;",
		"migration: b2c3d4e5f6a1 add email", "DROP: ALTER TABLE users DROP COLUMN email;"}
	if !slices.Equal(all, want) {
		t.Errorf("%q", all)
	}
	if p.Sentence != "data of api will be lost" || p.Role != model.RoleSchema || p.From.Key != "d4e5f6a1b2c3" {
		t.Errorf("%+v", p)
	}
	if want := "kubectl --context prod -n shop exec api-new-1 -c api -- alembic downgrade a1b2c3d4e5f6"; p.Command != want {
		t.Errorf("%s", p.Command)
	}
	if p := planFor(t, newCluster(shop()).as(), "b2c3d4e5f6a1"); p.Sentence != "data of api may be lost" {
		t.Errorf("%s", p.Sentence)
	}
}

// The ends that a downgrade may come to: what is so is asked of the database.
func TestEnds(t *testing.T) {
	for name, x := range map[string]struct {
		set   func(*schema.Schema)
		phase model.Phase
		says  string
		at    string
	}{
		"goes through": {func(*schema.Schema) {}, model.PhaseFinished, "the schema is at a1b2c3d4e5f6, by the database: 3 migrations undone", "a1b2c3d4e5f6"},
		"half-way": {func(s *schema.Schema) {
			s.Each, s.All[2].Fails = true, `psycopg2.errors.DependentObjectsStillExist: cannot drop it`
		}, model.PhaseFailed, "half-way: 1 of 3 migrations undone, the schema is at c3d4e5f6a1b2", "c3d4e5f6a1b2"},
		"nothing was done": {func(s *schema.Schema) {
			s.Takes, s.All[2].Fails = 5*time.Second, "psycopg2.errors.LockNotAvailable: timeout"
		}, model.PhaseFailed, "psycopg2.errors.LockNotAvailable: timeout; nothing was undone: the schema is still at d4e5f6a1b2c3", "d4e5f6a1b2c3"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := shop()
				s.Takes = 5 * time.Second
				x.set(s)
				c := newCluster(s)
				m := c.as()
				p := planFor(t, m, "a1b2c3d4e5f6")
				r, err := m.Do(t.Context(), p, nil)
				if err != nil {
					t.Fatal(err)
				}
				all := follow(t, m, p, r)
				last := all[len(all)-1]
				if last.Phase != x.phase || !strings.Contains(last.Text, x.says) || s.At() != x.at || s.Downgrades() != 1 {
					t.Errorf("%+v at %s after %d", last, s.At(), s.Downgrades())
				}
				if !slices.ContainsFunc(last.Lines, func(l string) bool { return strings.Contains(l, "Running downgrade d4e5f6a1b2c3 -> c3d4e5f6a1b2") }) && x.phase != model.PhaseFinished {
					t.Errorf("its lines: %q", last.Lines)
				}
			})
		})
	}
}

// One that fails at once, and leaves all as it was, was not done.
func TestFailsAtOnce(t *testing.T) {
	s := shop()
	s.All[2].Fails = "sqlalchemy.exc.OperationalError: could not connect to postgresql://shop:canary-of-the-database@db/shop"
	c := newCluster(s)
	m := c.as()
	_, err := m.Do(t.Context(), planFor(t, m, "a1b2c3d4e5f6"), nil)
	if !errors.Is(err, model.ErrRefused) || !strings.Contains(err.Error(), "it is still at d4e5f6a1b2c3: alembic failed (exit 1)") {
		t.Errorf("%v", err)
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("a secret is told: %v", err)
	}
}

// Secrets in what the tool writes are neither in its lines nor in the plan's JSON.
func TestSecretsAreMasked(t *testing.T) {
	s := shop()
	s.Env = "connecting to postgresql://shop:canary-of-the-database@db.shop/shop"
	s.Takes = 50 * time.Millisecond
	s.All[3].Title = "password=canary-of-the-title"
	c := newCluster(s)
	m := c.as()
	p := planFor(t, m, "b2c3d4e5f6a1")
	r, err := m.Do(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := m.Versions(t.Context(), component(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{p, r, h, follow(t, m, p, r)} {
		raw, err := json.Marshal(v)
		if text := fmt.Sprintf("%s %+v", raw, v); err != nil || strings.Contains(text, "canary") {
			t.Errorf("%v: %s", err, text)
		}
	}
}

// A program that ends while the command runs cannot join it again: the schema and the
// pod's processes are asked until it is over.
func TestTakenUpWhileItRuns(t *testing.T) {
	for name, noProc := range map[string]bool{"its process is seen": false, "no process can be seen": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := shop()
				s.Takes = 10 * time.Second
				c := newCluster(s)
				c.noProc, c.cut = noProc, true
				m := c.as()
				p := planFor(t, m, "b2c3d4e5f6a1")
				if _, err := m.Do(t.Context(), p, nil); !errors.Is(err, model.ErrLost) {
					t.Fatalf("%v", err)
				}
				again := c.as()
				got, err := again.Look(t.Context(), p)
				if want := map[bool]model.Settled{false: model.SettledDone, true: model.SettledNot}[noProc]; err != nil || got.State != want {
					t.Errorf("looked: %+v, %v", got, err)
				}
				all := follow(t, again, p, model.Receipt{})
				if first, last := all[0], all[len(all)-1]; first.Phase != model.PhaseRunning || !strings.Contains(first.Text, "cannot be joined again") || last.Phase != model.PhaseFinished || c.Writes() != 1 {
					t.Errorf("%+v … %+v after %d writes", first, last, c.Writes())
				}
				<-c.ends
			})
		})
	}
}

// One whose process is gone, or that stands still for long, has ended where it is.
func TestEndedUnseen(t *testing.T) {
	for name, x := range map[string]struct {
		at     string
		noProc bool
		says   string
	}{
		"half-way":      {"c3d4e5f6a1b2", false, "nobody saw how; half-way: 1 of 2 migrations undone"},
		"not begun":     {"d4e5f6a1b2c3", false, "nothing was undone: the schema is still at d4e5f6a1b2c3"},
		"stands still":  {"c3d4e5f6a1b2", true, "has stood still for 3m, and whether alembic still runs in the pod is not known"},
		"brought ahead": {"a1b2c3d4e5f6", false, "somebody else brought it there"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(shop())
				p := planFor(t, c.as(), "b2c3d4e5f6a1")
				c.Set(x.at)
				c.noProc = x.noProc
				all := follow(t, c.as(), p, model.Receipt{})
				if last := all[len(all)-1]; !strings.Contains(last.Text, x.says) {
					t.Errorf("%+v", last)
				}
			})
		})
	}
}

// After the application went back first, its code does not know the migrations.
func TestWrongOrderIsRefused(t *testing.T) {
	c := newCluster(shop())
	m := c.as()
	p := planFor(t, m, "b2c3d4e5f6a1")
	c.leave("api-new")
	if _, err := m.Do(t.Context(), p, nil); !errors.Is(err, model.ErrChanged) || !strings.Contains(err.Error(), "no pod of the version that it was confirmed for") {
		t.Errorf("%v", err)
	}
	back := component()
	back.OwnerName = "api-old"
	var pf model.Preflight
	m.Plan(t.Context(), back, to("b2c3d4e5f6a1"), func(p model.Preflight) { pf = p })
	if len(pf.Plans) != 0 || !strings.Contains(pf.Err, "does not know the migration at which the schema is") {
		t.Errorf("%+v", pf)
	}
	if _, err := m.Versions(t.Context(), back, time.Time{}); err == nil || !strings.Contains(err.Error(), "a pod of the version that brought it is needed") {
		t.Errorf("%v", err)
	}
	if c.Writes() != 0 {
		t.Error("something was written")
	}
}

// An error is told by the line that names it, not by the last one.
func TestErrorOfATraceback(t *testing.T) {
	s := shop()
	s.All[2].Raises = "sqlalchemy.exc.InternalError: (psycopg2.errors.RaiseException) somebody holds it\nCONTEXT:  line 1\n\n[SQL: ALTER TABLE users]"
	pf := preflight(t, newCluster(s).as(), to("b2c3d4e5f6a1"))
	want := "what undoing c3d4e5f6a1b2 does is not known: sqlalchemy.exc.InternalError: (psycopg2.errors.RaiseException) somebody holds it"
	if !slices.ContainsFunc(pf.Checks, func(k model.Check) bool { return k.Text == want }) {
		t.Errorf("%+v", pf.Checks)
	}
}

// Doctor looks whether the tool is there, and changes nothing.
func TestCheck(t *testing.T) {
	poetry := func(t *migrate.Target, _ *migrate.Options) { t.Command = []string{"poetry"} }
	for name, x := range map[string]struct {
		set   func(*cluster)
		as    func(*migrate.Target, *migrate.Options)
		state model.CheckState
		says  string
	}{
		"it is there":   {func(*cluster) {}, nil, model.CheckOK, "alembic runs in pod api-"},
		"no tool":       {func(*cluster) {}, poetry, model.CheckBlocked, "alembic cannot be run in pod api-"},
		"no right":      {func(c *cluster) { c.denied = true }, nil, model.CheckBlocked, "forbidden"},
		"no pod":        {func(c *cluster) { c.leave("api-old"); c.leave("api-new") }, nil, model.CheckUnknown, "no pod of deployment/api runs"},
		"read-only":     {func(*cluster) {}, readOnly, model.CheckNote, "rollbook runs read-only"},
		"older than it": {func(c *cluster) { c.leave("api-new") }, nil, model.CheckWarning, "where the schema is cannot be seen"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(shop())
			c.leave("api-old")
			if name == "older than it" {
				c = newCluster(shop())
			}
			x.set(c)
			m := c.as()
			if x.as != nil {
				m = c.as(x.as)
			}
			got := m.Check(t.Context(), "api", component().Workload)
			last := got[len(got)-1]
			if last.State != x.state || !strings.Contains(last.Text, x.says) || c.Writes() != 0 {
				t.Errorf("%+v", got)
			}
			may := model.Check{ID: "access.exec", State: model.CheckOK, Text: "you may run commands in pods of shop (create and get pods/exec)"}
			if !c.denied && (len(got) != 2 || got[0] != may) {
				t.Errorf("the right: %+v", got)
			}
		})
	}
}
