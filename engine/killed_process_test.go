package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

// The process that the kill loop kills: the engine with ports to the outside,
// and an operator who does what there is to do.

// remote are the ports: everything that lasts is outside.
type remote struct{ url string }

func (r remote) ask(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(out)
}

func (r remote) component(ctx context.Context) (*model.Component, error) {
	var s stateOf
	if err := r.ask(ctx, "/state", nil, &s); err != nil {
		return nil, err
	}
	return &model.Component{ID: "backend-python",
		Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "backend-python"},
		UID:      "uid-b", Revision: s.Revision, OwnerName: "rs-" + strings.TrimPrefix(s.Hash, "hash-"), TemplateHash: s.Hash, Desired: 3, Replicas: 3, Updated: 3, Ready: 3, Available: 3,
		Generation: s.Gen, Observed: s.Gen, RevisionStart: time.Now().Add(-11 * time.Minute)}, nil
}

func (r remote) Watch(ctx context.Context, out func(model.Observation)) {
	for ctx.Err() == nil {
		if c, err := r.component(ctx); err == nil {
			out(model.Observation{Board: []*model.Component{c}, Connection: model.Connection{To: "api", Heard: time.Now()},
				Identity: model.Identity{Cluster: "uid-1", User: "maria@corp"}})
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (r remote) Name() model.Method { return undoName }

func (r remote) Title() string { return "Kubernetes undo" }

func (r remote) Serves(string) bool { return true }

func (r remote) Versions(_ context.Context, c *model.Component, _ time.Time) (*model.History, error) {
	return undoHistory(c), nil
}

func (r remote) Plan(ctx context.Context, _ *model.Component, to model.Version, out func(model.Preflight)) {
	now, err := r.component(ctx)
	if err != nil {
		out(model.Preflight{Done: true, Err: err.Error()})
		return
	}
	out(model.Preflight{Plans: []model.Plan{undoPlan(now, to)}, Done: true})
}

func (r remote) Do(ctx context.Context, p model.Plan, _ func(model.Progress)) (model.Receipt, error) {
	var a struct {
		Changed string
		Gen     int64
	}
	if err := r.ask(ctx, "/undo", p, &a); err != nil {
		return model.Receipt{}, fmt.Errorf("%w: %w", model.ErrLost, err)
	}
	if a.Changed != "" {
		return model.Receipt{}, fmt.Errorf("%w: %s", model.ErrChanged, a.Changed)
	}
	return model.Receipt{At: time.Now(), Text: fmt.Sprintf("resourceVersion 9, generation %d", a.Gen), Detail: raw(undoReceipt{Generation: a.Gen})}, nil
}

func (r remote) Look(ctx context.Context, p model.Plan) (model.Looked, error) {
	c, err := r.component(ctx)
	d := parsed[undoDetail](p.Detail)
	switch {
	case err != nil:
		return model.Looked{}, err
	case c.TemplateHash == d.ToHash:
		// What is looked up may be newer than the board.
		return model.Looked{State: model.SettledDone, Receipt: &model.Receipt{At: time.Now(), Detail: raw(undoReceipt{Generation: c.Generation})}}, nil
	case c.TemplateHash == d.FromHash:
		return model.Looked{State: model.SettledNot}, nil
	}
	return model.Looked{State: model.SettledForeign, By: "somebody"}, nil
}

func (r remote) Judge(c *model.Component, p *model.Plan, got *model.Receipt) model.Progress {
	return judgeUndo(c, p, got)
}

func (r remote) PostEvent(context.Context, model.Workload, string, string) error { return nil }

func (r remote) Send(ctx context.Context, channel string, m model.Message) (model.Delivery, error) {
	var out model.Delivery
	err := r.ask(ctx, "/send", m, &out)
	return out, err
}

func (r remote) Lease(ctx context.Context, a model.LeaseAsk) (model.Lease, error) {
	var out struct {
		Lease         model.Lease
		Mine, Expired bool
	}
	err := r.ask(ctx, "/lease", a, &out)
	out.Lease.Mine, out.Lease.Expired = out.Mine, out.Expired
	return out.Lease, err
}

func (r remote) Gather(ctx context.Context, dir string, s *incident.Snapshot, m model.Moment) (model.Evidence, error) {
	return model.Evidence{At: time.Now(), Moment: m, Dir: dir, Files: 1, Bytes: 3},
		whole(filepath.Join(dir, "evidence-"+string(m)), []byte("log"))
}

func (r remote) Write(ctx context.Context, i *incident.Incident, dir string) (string, error) {
	raw, err := json.Marshal(i.Timeline)
	if err != nil {
		return "", err
	}
	return reportFile(dir), whole(reportFile(dir), raw)
}

// whole writes a file whole or not at all.
func whole(path string, raw []byte) error {
	if err := os.WriteFile(path+".part", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

// byHash are figures that follow the template: the release is bad.
type byHash struct {
	fakeMetrics
	r remote
}

func (m *byHash) Poll(ctx context.Context, p model.Poll) (map[string]*model.Figures, error) {
	c, err := m.r.component(ctx)
	if err != nil {
		return nil, err
	}
	m.set(0.0002, nil)
	if c.TemplateHash == "hash-42" {
		m.set(0.3, nil)
	}
	return m.fakeMetrics.Poll(ctx, p)
}

// workOnIncident goes on with the incident in dir until it is closed and its
// report complete. It prints how many facts are on disk.
func workOnIncident(url, dir string) error {
	r := remote{url}
	verify := incident.DefaultVerify()
	verify.Hold = 200 * time.Millisecond
	cfg := Config{Cluster: r, Metrics: &byHash{r: r}, Methods: []Method{r}, Version: "test", Host: "laptop", Journals: []string{dir}, IdlePoll: 30 * time.Millisecond,
		Evidence: r, Reporter: r, Messages: r, Leases: r,
		Settings: incident.Settings{Namespace: "production", Production: true, Operator: "maria", Limits: model.DefaultLimits(),
			Verify: verify, Scrape: 15 * time.Second, Poll: 30 * time.Millisecond,
			Components: []model.Target{{ID: "backend-python", Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "backend-python"}}},
			Channels:   []model.Channel{{ID: "slack/x", Kind: model.ChannelSlack}, {ID: "statuspage/y", Kind: model.ChannelStatuspage}}}}
	found, _ := journalsIn(dir) // one that was killed before its header is none
	over := slices.ContainsFunc(found, (*journal.Content).Closed)
	e := New(cfg)
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	o := &scripted{e: e}
	for {
		select {
		case err := <-done:
			if err == nil {
				err = errors.New("the incident was not closed within a minute")
			}
			return err
		case <-e.Changed():
		case <-time.After(20 * time.Millisecond):
		}
		// What is said to be on disk is said from outside: a kill takes it not back.
		e.post(func() {
			if e.book != nil && e.acked > 0 {
				fmt.Println(e.acked)
			}
		})
		if over && reported(dir) || !over && o.act() {
			stop()
			return <-done
		}
	}
}

func reported(dir string) bool {
	found, _ := journalsIn(dir)
	return len(found) == 1 && !found[0].Unreported()
}

// scripted is the operator.
type scripted struct {
	e    *Engine
	last string // what was done last: nothing is done twice before it shows
}

// act does the next thing, and says whether all is done.
func (o *scripted) act() bool {
	s := o.e.Snapshot()
	i := &s.Incident
	once := func(what string, in incident.Act) {
		if o.last != what {
			o.last = what
			o.e.Send(in)
		}
	}
	next := func() {
		if i.Step.Blocked(s) == "" {
			once("next from "+i.Step.Name(), incident.Next{})
		}
	}
	switch {
	case i.ID == "" && i.Verdict.Verdict != incident.Now:
	case i.Step == incident.Confirm:
		if i.Step.Blocked(s) == "" {
			once(fmt.Sprint("confirm ", len(i.Attempts)), incident.ConfirmWrite{Word: incident.ConfirmWord(i),
				Plans: plans(s)})
		} else if p := s.Seen.Preflight[model.Release("backend-python")]; i.Asked == incident.AskFailed && p != nil && p.Done {
			once(fmt.Sprint("recheck ", len(i.Timeline)), incident.Recheck{})
		}
	case i.Step == incident.Close && i.Closed.IsZero():
		o.closing(s, once)
	case i.Step == incident.Close:
		return !i.ReportStale() && s.Seen.Reporting.IsZero()
	default:
		next()
	}
	return false
}

// closing sends, writes and settles, one after the other.
func (o *scripted) closing(s *incident.Snapshot, once func(string, incident.Act)) {
	i := &s.Incident
	for _, m := range i.Messages {
		if m.State == incident.MessageSending {
			return
		}
	}
	for _, c := range i.Settings.Channels {
		sent := false
		for _, m := range i.Messages {
			sent = sent || m.Message.Channel == c.ID
		}
		if !sent { // one that may have been sent is looked after by hand
			d := incident.Draft(s, c, model.MessageResolved)
			once("send "+c.ID, incident.SendMessage{Channel: c.ID, Kind: d.Kind, Title: d.Title, Text: d.Text})
			return
		}
	}
	if i.Report.At.IsZero() {
		once("report", incident.WriteReport{})
		return
	}
	for _, it := range i.Items {
		if it.State == "" {
			once("settle "+it.ID, incident.SettleItem{ID: it.ID, Reason: "by hand"})
			return
		}
	}
}
