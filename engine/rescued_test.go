package engine

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// rescued is a cluster of one Deployment with an HPA and a maintenance page, in which
// nothing is lost when the engine ends. What its methods plan is a state of it, and they
// write it in parts, one after the other, as those of the real cluster do.
type rescued struct {
	mu     sync.Mutex
	now    standing
	gen    int64
	writes []string // the parts that were written: "replicas 0"
}

// standing is all of it that is written.
type standing struct {
	Replicas int
	Held     bool   // the HPA, at one replica
	Owed     int    // by the mark on the workload; 0 = none
	Page     bool   // the maintenance page is shown
	Hash     string // of the template
}

// parts are what a write brings one after the other: the name of each, whether the state
// has it, and how it gets it.
func (s *standing) parts(to standing) (names []string, has []bool, set []func(*standing)) {
	add := func(name string, is bool, f func(*standing)) {
		names, has, set = append(names, name), append(has, is), append(set, f)
	}
	held := func() {
		add(fmt.Sprint("held ", to.Held), s.Held == to.Held, func(s *standing) { s.Held = to.Held })
	}
	if to.Held {
		held()
	}
	add("replicas "+strconv.Itoa(to.Replicas), s.Replicas == to.Replicas && (to.Owed == 0 || s.Owed == to.Owed), func(s *standing) {
		if s.Replicas = to.Replicas; to.Owed > 0 {
			s.Owed = to.Owed
		}
	})
	if !to.Held {
		held()
	}
	add(fmt.Sprint("owed ", to.Owed), s.Owed == to.Owed, func(s *standing) { s.Owed = to.Owed })
	add(fmt.Sprint("page ", to.Page), s.Page == to.Page, func(s *standing) { s.Page = to.Page })
	add("template "+to.Hash, s.Hash == to.Hash, func(s *standing) { s.Hash = to.Hash })
	return names, has, set
}

// brings writes as many parts of what is still missing as it may, and returns how many
// those were, and how many are left.
func (r *rescued) brings(to standing, most int) (done, left int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	names, _, set := r.now.parts(to)
	for n := range names {
		if _, has, _ := r.now.parts(to); has[n] {
			continue
		}
		if done == most {
			left++
			continue
		}
		set[n](&r.now)
		r.gen++
		r.writes = append(r.writes, names[n])
		done++
	}
	return done, left
}

func (r *rescued) state() standing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rescued) component() *model.Component {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.now.Replicas
	return &model.Component{ID: "backend-python", Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "backend-python"},
		UID: "uid-b", Revision: 42, OwnerName: "rs-" + r.now.Hash[len("hash-"):], TemplateHash: r.now.Hash, Desired: n, Replicas: n, Updated: n, Ready: n, Available: n,
		Generation: r.gen, Observed: r.gen, RevisionStart: time.Now().Add(-11 * time.Minute)}
}

func (r *rescued) Watch(ctx context.Context, out func(model.Observation)) {
	for ctx.Err() == nil {
		out(model.Observation{Board: []*model.Component{r.component()}, Connection: model.Connection{To: "api", Heard: time.Now()},
			Identity: model.Identity{Cluster: "uid-1", User: "maria@corp"}})
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (r *rescued) PostEvent(context.Context, model.Workload, string, string) error { return nil }

// rescueDetail is what a plan keeps: where it goes from, and to.
type rescueDetail struct{ From, To standing }

// rescueWay is one of the methods of a rescued cluster.
type rescueWay struct {
	r    *rescued
	name model.Method
}

func (w rescueWay) Name() model.Method { return w.name }

func (w rescueWay) Versions(context.Context, *model.Component, time.Time) (*model.History, error) {
	return &model.History{Component: "backend-python", Method: w.name}, nil
}

func (w rescueWay) Plan(_ context.Context, c *model.Component, to model.Version, out func(model.Preflight)) {
	now := w.r.state()
	p := model.Plan{Method: w.name, Component: c.ID, Workload: c.Workload, To: to}
	d := rescueDetail{now, now}
	switch w.name {
	case model.MethodScale:
		had := max(now.Replicas, now.Owed)
		p.Role, d.To.Replicas = model.RoleSwitch, number(to.Key)
		d.To.Held, d.To.Owed = d.To.Replicas == 1, had
		if d.To.Replicas < had {
			p.From, p.Owes = model.Replicas(had), fmt.Sprintf("%s is scaled to 0, it had %d", c.ID, had)
		} else {
			p.From, d.To.Owed = model.Replicas(now.Replicas), 0
		}
	case model.MethodMaintenance:
		p.Role, d.To.Page = model.RoleMaintenance, to.Key == model.MaintenancePage(true).Key
		p.From = model.MaintenancePage(now.Page)
		if d.To.Page {
			p.Owes = "the maintenance page is on"
		}
	}
	p.Same, p.Title, p.Detail = d.From == d.To, fmt.Sprintf("%s to %s", c.ID, to), raw(d)
	p.ID = model.Digest(w.name, d)
	out(model.Preflight{Plans: []model.Plan{p}, Done: true})
}

func number(s string) (n int) {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

// rescueReceipt tells how many parts were left.
type rescueReceipt struct{ Left int }

func (w rescueWay) Do(_ context.Context, p model.Plan, _ func(model.Progress)) (model.Receipt, error) {
	d := parsed[rescueDetail](p.Detail)
	if now := w.r.state(); now != d.From {
		return model.Receipt{}, fmt.Errorf("%w: it is %+v", model.ErrChanged, now)
	}
	w.r.brings(d.To, 9)
	return model.Receipt{At: time.Now(), Text: "written", Detail: raw(rescueReceipt{})}, nil
}

func (w rescueWay) Look(_ context.Context, p model.Plan) (model.Looked, error) {
	d, now := parsed[rescueDetail](p.Detail), w.r.state()
	_, before, _ := d.From.parts(d.To)
	_, has, _ := now.parts(d.To)
	done, left := 0, 0
	for n := range has {
		switch {
		case !has[n]:
			left++
		case !before[n]:
			done++
		}
	}
	if done == 0 {
		return model.Looked{State: model.SettledNot}, nil
	}
	return model.Looked{State: model.SettledDone, Receipt: &model.Receipt{At: time.Now(), Detail: raw(rescueReceipt{left})}}, nil
}

func (w rescueWay) Judge(c *model.Component, p *model.Plan, got *model.Receipt) model.Progress {
	d := parsed[rescueDetail](p.Detail)
	switch {
	case len(got.Detail) > 0 && parsed[rescueReceipt](got.Detail).Left > 0:
		return model.Progress{Phase: model.PhaseFailed, Text: "stopped: it was cut short"}
	case c == nil || w.name == model.MethodScale && c.Desired != d.To.Replicas:
		return model.Progress{Text: "waiting for the cluster to show it"}
	}
	return model.Progress{Phase: model.PhaseFinished, Share: 1, Text: "done"}
}

// rescueUndo is its undo: it leaves all but the template as it is.
type rescueUndo struct{ rescueWay }

func (u rescueUndo) Title() string      { return "Kubernetes undo" }
func (u rescueUndo) Serves(string) bool { return true }
func (u rescueUndo) Near()              {}

func (u rescueUndo) Versions(_ context.Context, c *model.Component, _ time.Time) (*model.History, error) {
	return undoHistory(c), nil
}

func (u rescueUndo) Plan(_ context.Context, c *model.Component, to model.Version, out func(model.Preflight)) {
	p := undoPlan(c, to)
	d := rescueDetail{u.r.state(), u.r.state()}
	d.To.Hash = templateOf(to)
	p.Detail = raw(d)
	out(model.Preflight{Plans: []model.Plan{p}, Done: true})
}

// figuresOf are figures that follow the template: all but one are bad.
type figuresOf struct {
	fakeMetrics
	r *rescued
}

func (m *figuresOf) Poll(ctx context.Context, p model.Poll) (map[string]*model.Figures, error) {
	m.set(0.0002, nil)
	if m.r.state().Hash != "hash-40" {
		m.set(0.3, nil)
	}
	return m.fakeMetrics.Poll(ctx, p)
}

// config is how an engine works with it.
func (r *rescued) config(dir string) Config {
	verify := incident.DefaultVerify()
	verify.Hold = 5 * time.Second
	return Config{Cluster: r, Metrics: &figuresOf{r: r}, Version: "test", Host: "laptop", Journals: []string{dir}, IdlePoll: 5 * time.Second,
		Methods: []Method{rescueUndo{rescueWay{r, undoName}}, rescueWay{r, model.MethodScale}, rescueWay{r, model.MethodMaintenance}},
		Settings: incident.Settings{Namespace: "production", Production: true, Operator: "maria", Limits: model.DefaultLimits(), Verify: verify,
			Scrape: 15 * time.Second, Poll: 5 * time.Second, Components: []model.Target{{ID: "backend-python"}},
			Recovery: incident.Recovery{Maintenance: "/srv/page.yaml", Restore: "https://wiki.example/restore"}}}
}
