package engine

import (
	"context"
	"sync"
	"testing"
	"time"

	"rollbook/model"
)

// fakeCluster is a cluster of one Deployment. A call that the test did not
// prepare fails it.
type fakeCluster struct {
	t     *testing.T
	mu    sync.Mutex
	out   func(model.Observation)
	line  model.Component
	board []*model.Component
	id    string
	quiet bool // no heartbeat comes

	undo  func(ctx context.Context, p model.Plan) (model.Receipt, error)
	look  func() (model.Looked, error)
	calls []string
}

func newCluster(t *testing.T) *fakeCluster {
	return &fakeCluster{t: t, id: "uid-1", line: model.Component{ID: "backend-python",
		Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "backend-python"},
		UID:      "uid-b", Revision: 42, OwnerName: "rs-42", TemplateHash: "hash-42", Desired: 3, Replicas: 3, Updated: 3, Ready: 3, Available: 3,
		Generation: 7, Observed: 7, RevisionStart: time.Now().Add(-11 * time.Minute)}}
}

func (c *fakeCluster) called(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, what)
}

func (c *fakeCluster) count(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, x := range c.calls {
		if x == what {
			n++
		}
	}
	return n
}

func (c *fakeCluster) Watch(ctx context.Context, out func(model.Observation)) {
	c.mu.Lock()
	c.out = out
	c.mu.Unlock()
	c.show(nil)
	// The heartbeat of the real one.
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Second):
			c.mu.Lock()
			quiet := c.quiet
			c.mu.Unlock()
			if !quiet {
				c.show(nil)
			}
		}
	}
}

// hush takes the cluster away, or brings it back.
func (c *fakeCluster) hush(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quiet = on
}

func (c *fakeCluster) show(change func(*model.Component)) {
	c.mu.Lock()
	if change != nil {
		change(&c.line)
	}
	if change != nil || c.board == nil { // what did not change keeps its place
		line := c.line
		c.board = []*model.Component{&line}
	}
	board, out := c.board, c.out
	c.mu.Unlock()
	out(model.Observation{Board: board, Connection: model.Connection{To: "api", Heard: time.Now()},
		Identity: model.Identity{Cluster: c.id, User: "maria@corp"}})
}

func (c *fakeCluster) PostEvent(ctx context.Context, w model.Workload, uid, text string) error {
	c.called("event")
	return nil
}

// fakeMetrics serves the error ratio that the test sets.
type fakeMetrics struct {
	mu    sync.Mutex
	ratio float64
	fail  error
}

func (m *fakeMetrics) set(ratio float64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ratio, m.fail = ratio, err
}

func (m *fakeMetrics) To() (string, string) { return "prometheus", "" }

func (m *fakeMetrics) Poll(ctx context.Context, p model.Poll) (map[string]*model.Figures, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	f := model.Figure{Step: 15 * time.Second}
	now := time.Now()
	for n := 20; n >= 0; n-- {
		f.Samples = append(f.Samples, model.Sample{At: now.Add(-time.Duration(n) * f.Step), V: m.ratio})
	}
	f.Now = model.Reading{Known: true, Value: m.ratio, At: now}
	quick := f
	quick.Samples = nil
	for _, s := range f.Samples {
		quick.Samples = append(quick.Samples, model.Sample{At: s.At, V: 0.1})
	}
	quick.Now.Value = 0.1
	one := model.Reading{Known: true, Value: 3, At: now}
	all := &model.Figures{Errors: f, P95: quick, Up: one, Targets: one}
	if p.Hold > 0 {
		all.HoldErrors, all.HoldP95, all.HoldRequests = f.Now, quick.Now, one
	}
	return map[string]*model.Figures{"backend-python": all}, nil
}

func (m *fakeMetrics) Behaviour(ctx context.Context, t model.Target, owners []string, until time.Time) (map[string]model.Behaviour, error) {
	known := func(v float64) model.Reading { return model.Reading{Known: true, Value: v, At: until} }
	return map[string]model.Behaviour{
		"rs-42": {Errors: known(0.3), P95: known(0.1), Requests: known(900)},
		"rs-41": {Errors: known(0.28), P95: known(0.1), Requests: known(900)},
		"rs-40": {Errors: known(0.001), P95: known(0.1), Requests: known(9000)}}, nil
}

func (m *fakeMetrics) Baseline(ctx context.Context, t []model.Target, onset time.Time) (map[string]model.Baseline, error) {
	known := func(v float64) model.Reading { return model.Reading{Known: true, Value: v, At: onset} }
	return map[string]model.Baseline{"backend-python": {Errors: known(0.002), P95: known(0.1)}}, nil
}
