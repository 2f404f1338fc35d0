package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// beside are the ports of closing an incident. A call that the test did not
// prepare fails it.
type beside struct {
	t  *testing.T
	mu sync.Mutex

	gather func(ctx context.Context, dir string, m model.Moment) (model.Evidence, error)
	impact func(w model.ImpactOf) (model.Impact, error)
	write  func(i *incident.Incident, dir string) (string, error)
	send   func(ctx context.Context, channel string, m model.Message) (model.Delivery, error)
	probe  func(h model.Health) model.ProbeSeen
	oncall func() ([]model.OnCall, time.Time, error)
	lease  func(a model.LeaseAsk) (model.Lease, error)
	calls  []string
}

// with changes, or reads, what the answers rest on.
func (b *beside) with(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

func (b *beside) called(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, fmt.Sprintf(format, args...))
}

func (b *beside) count(what string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.calls {
		if strings.HasPrefix(c, what) {
			n++
		}
	}
	return n
}

var errNotExpected = errors.New("not expected")

func (b *beside) Gather(ctx context.Context, dir string, s *incident.Snapshot, m model.Moment) (model.Evidence, error) {
	b.called("gather %s", m)
	if b.gather == nil {
		b.t.Errorf("evidence (%s) that the test did not expect", m)
		return model.Evidence{}, errNotExpected
	}
	return b.gather(ctx, dir, m)
}

func (b *beside) Impact(ctx context.Context, w model.ImpactOf) (model.Impact, error) {
	b.called("impact")
	if b.impact == nil {
		b.t.Error("an impact that the test did not expect")
		return model.Impact{}, errNotExpected
	}
	return b.impact(w)
}

func (b *beside) Write(ctx context.Context, i *incident.Incident, dir string) (string, error) {
	b.called("report")
	if b.write == nil {
		b.t.Error("a report that the test did not expect")
		return "", errNotExpected
	}
	return b.write(i, dir)
}

func (b *beside) Send(ctx context.Context, channel string, m model.Message) (model.Delivery, error) {
	b.called("send %s", channel)
	if b.send == nil {
		b.t.Error("a message that the test did not expect")
		return model.Delivery{}, errNotExpected
	}
	return b.send(ctx, channel, m)
}

func (b *beside) Probe(ctx context.Context, h model.Health) model.ProbeSeen {
	b.called("probe %s", h.URL)
	if b.probe == nil {
		b.t.Error("a probe that the test did not expect")
		return model.ProbeSeen{}
	}
	return b.probe(h)
}

func (b *beside) Selected(ctx context.Context, namespace, selector string) model.SelectedSeen {
	b.called("selected %s/%s", namespace, selector)
	return model.SelectedSeen{Ready: 3, Total: 3, At: time.Now()}
}

func (b *beside) Tail(ctx context.Context, c *model.Component, lines int, bad string) model.TailSeen {
	b.called("tail %s %d %s", c.ID, lines, bad)
	return model.TailSeen{Pod: "p", Lines: []string{"served"}, At: time.Now()}
}

func (b *beside) Own(ctx context.Context, t model.Target) []model.OwnSeen {
	b.called("own %s", t.ID)
	return []model.OwnSeen{{Name: t.Promql[0].Name, Reading: model.Reading{Known: true, Value: 1, At: time.Now()}}}
}

func (b *beside) OnCall(ctx context.Context) ([]model.OnCall, time.Time, error) {
	b.called("oncall")
	if b.oncall == nil {
		b.t.Error("asked who is on call, and the test did not expect it")
		return nil, time.Time{}, errNotExpected
	}
	return b.oncall()
}

func (b *beside) Lease(ctx context.Context, a model.LeaseAsk) (model.Lease, error) {
	kind := "take"
	switch {
	case a.Release:
		kind = "release"
	case a.Force:
		kind = "force"
	case a.Look:
		kind = "look"
	}
	b.called("lease %s %s", kind, a.Step)
	if b.lease == nil {
		b.t.Error("a lease that the test did not expect")
		return model.Lease{}, errNotExpected
	}
	return b.lease(a)
}

// kept is evidence that is whole at once.
func kept(_ context.Context, dir string, m model.Moment) (model.Evidence, error) {
	return model.Evidence{At: time.Now(), Moment: m, Dir: dir, Files: 3, Bytes: 9000}, nil
}

// startWith is start with the ports that change sets.
func startWith(t *testing.T, c *fakeCluster, m *fakeMetrics, change func(*Config), dirs ...string) *run {
	set := incident.Settings{Namespace: "production", Production: true, Operator: "maria", Limits: model.DefaultLimits(),
		Verify: incident.DefaultVerify(), Scrape: 15 * time.Second, Poll: 5 * time.Second,
		Components: []model.Target{{ID: "backend-python"}}}
	cfg := Config{Cluster: c, Metrics: m, Methods: []Method{fakeUndo{c}}, Settings: set, Version: "test", Host: "laptop", Journals: dirs, IdlePoll: 15 * time.Second}
	change(&cfg)
	e := New(cfg)
	ctx, stop := context.WithCancel(context.Background())
	r := &run{Engine: e, t: t, stop: stop, done: make(chan error, 1)}
	go func() { r.done <- e.Run(ctx) }()
	return r
}

func (r *run) toClose(m *fakeMetrics) *incident.Snapshot {
	r.t.Helper()
	r.confirm()
	m.set(0.0002, nil)
	r.wait(10 * time.Second)
	r.Send(incident.Next{})
	r.wait(150 * time.Second)
	r.Send(incident.Next{})
	s := r.wait(2 * time.Second)
	if s.Incident.Step != incident.Close {
		r.t.Fatalf("at %s: %s", s.Incident.Step.Name(), s.Incident.Step.Blocked(s))
	}
	return s
}

func TestEvidenceDoesNotHoldTheWrite(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m, b := newCluster(t), &fakeMetrics{ratio: 0.3}, &beside{t: t}
		b.gather = func(ctx context.Context, into string, mo model.Moment) (model.Evidence, error) {
			if st, err := os.Stat(into); err != nil || !st.IsDir() {
				t.Errorf("the folder %q: %v", into, err)
			}
			<-ctx.Done() // logs that never end
			return model.Evidence{}, ctx.Err()
		}
		c.undo = written(c)
		r := startWith(t, c, m, func(cfg *Config) { cfg.Evidence = b }, dir)
		s := r.toConfirm()
		if b.count("gather opened") != 1 || b.count("gather confirm") != 1 {
			t.Errorf("before the confirmation: %q", b.calls)
		}
		if _, under := s.Seen.Gathering[model.AtOpening]; !under {
			t.Error("the screen does not know that it is being gathered")
		}
		began := time.Now()
		r.Send(incident.ConfirmWrite{Word: "backend-python", Plans: plans(s)})
		synctest.Wait()
		if c.count("undo") != 1 || time.Since(began) != 0 {
			t.Errorf("%d writes after %s", c.count("undo"), time.Since(began))
		}
		if s = r.wait(5 * time.Minute); s.Incident.Evidence[model.AtOpening].Err == "" || len(s.Seen.Gathering) != 0 {
			t.Errorf("it never ends: %+v, %v", s.Incident.Evidence, s.Seen.Gathering)
		}
		r.end()
	})
}

func TestEvidenceWaitsForItsFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c, m, b := newCluster(t), &fakeMetrics{ratio: 0.3}, &beside{t: t}
		r := startWith(t, c, m, func(cfg *Config) { cfg.Evidence = b }, filepath.Join(file, "nowhere"))
		s := r.toConfirm()
		if len(b.calls) != 0 || !strings.Contains(s.Incident.Evidence[model.AtOpening].Err, "no folder") {
			t.Errorf("without a folder: %q, %+v", b.calls, s.Incident.Evidence)
		}
		r.end()
	})
}

func TestCloseToTheEnd(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m, b := newCluster(t), &fakeMetrics{ratio: 0.3}, &beside{t: t}
		c.undo, b.gather = written(c), kept
		b.impact = func(w model.ImpactOf) (model.Impact, error) {
			if len(w.Targets) != 1 || w.From.IsZero() || !w.To.After(w.From) {
				t.Errorf("the impact of %+v", w)
			}
			return model.Impact{From: w.From, To: w.To}, nil
		}
		var last *incident.Incident
		b.write = func(i *incident.Incident, into string) (string, error) {
			last = i
			found, _ := journalsIn(dir)
			if got := incident.Fold(found[0].Facts); len(got.Timeline) < len(i.Timeline) {
				t.Errorf("the report tells %d lines, the journal %d", len(i.Timeline), len(got.Timeline))
			}
			path := filepath.Join(into, "report.md")
			return path, os.WriteFile(path, []byte("# report\n"), 0o600)
		}
		var attached string
		b.send = func(_ context.Context, ch string, msg model.Message) (model.Delivery, error) {
			found, _ := journalsIn(dir)
			if f, ok := found[0].Facts[len(found[0].Facts)-1].Body.(incident.MessageIntended); !ok || f.Channel != ch {
				t.Errorf("the message goes out, and the journal ends with %T", found[0].Facts[len(found[0].Facts)-1].Body)
			}
			attached = msg.Report
			return model.Delivery{Ref: "1", URL: "https://there/1"}, nil
		}
		r := startWith(t, c, m, func(cfg *Config) {
			cfg.Evidence, cfg.Impact, cfg.Reporter, cfg.Messages = b, b, b, b
			cfg.Settings.Channels = []model.Channel{{ID: "gitlab/shop", Kind: model.ChannelGitLab}}
		}, dir)
		s := r.toClose(m)
		if s.Incident.Impact.At.IsZero() {
			t.Error("the impact was not measured")
		}
		r.Send(incident.WriteReport{})
		r.wait(time.Second)
		r.Send(incident.SendMessage{Channel: "gitlab/shop", Kind: model.MessageResolved, Title: "Follow-up", Text: "x"})
		s = r.wait(time.Second)
		if attached != "# report\n" {
			t.Errorf("attached %q", attached)
		}
		done := map[string]bool{}
		for _, it := range s.Incident.Items {
			done[it.ID] = it.State == "done"
		}
		if !done["evidence"] || !done["report"] || !done["follow-up"] || done["chat"] {
			t.Errorf("settled by itself: %v", done)
		}
		r.post(func() { // and leaves at once: the end comes before what is queued
			for _, it := range s.Incident.Items {
				r.Send(incident.SettleItem{ID: it.ID})
			}
			r.stop()
			<-r.ready
		})
		r.end() // the last report is waited for
		if s = r.Snapshot(); s.Incident.Closed.IsZero() || last.Closed.IsZero() || s.Incident.ReportStale() {
			t.Errorf("closed %s; the last report knows of %s; %+v of %d: %+v", s.Incident.Closed, last.Closed, s.Incident.Report, len(s.Incident.Timeline), s.Incident.Timeline[len(s.Incident.Timeline)-4:])
		}
	})
}

func TestMessageOutcomes(t *testing.T) {
	for _, c := range []struct {
		name  string
		err   error
		state incident.MessageState
	}{
		{"refused", fmt.Errorf("slack: %w", &model.SendError{To: "x", Why: "404", Certain: true, RetryAfter: time.Minute}), incident.MessageNotOut},
		{"no answer", &model.SendError{To: "x", Why: "timeout"}, incident.MessageUnsure},
		{"an error without a word", errors.New("reset"), incident.MessageUnsure},
		{"taken", nil, incident.MessageOut},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				cl, m, b := newCluster(t), &fakeMetrics{ratio: 0.3}, &beside{t: t}
				b.send = func(ctx context.Context, _ string, _ model.Message) (model.Delivery, error) {
					select {
					case <-time.After(3 * time.Second):
					case <-ctx.Done():
						t.Error("the message was cut short")
					}
					return model.Delivery{}, c.err
				}
				r := startWith(t, cl, m, func(cfg *Config) {
					cfg.Messages = b
					cfg.Settings.Channels = []model.Channel{{ID: "slack/x", Kind: model.ChannelSlack}}
				}, dir)
				r.wait(2 * time.Second)
				r.Send(incident.Next{})
				r.wait(time.Second)
				r.Send(incident.SendMessage{Channel: "slack/x", Kind: model.MessageStarted, Text: "x"})
				r.wait(time.Second)
				r.end() // leaving waits for its answer
				found, _ := journalsIn(dir)
				inc := incident.Fold(found[0].Facts)
				if got := inc.Message(1); got.State != c.state || b.count("send") != 1 {
					t.Errorf("%d sent; the journal says %+v", b.count("send"), got)
				}
			})
		})
	}
}

func TestNoMessageWithoutAJournal(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m, b := newCluster(t), &fakeMetrics{ratio: 0.3}, &beside{t: t}
		r := startWith(t, c, m, func(cfg *Config) {
			cfg.Messages = b
			cfg.Settings.Channels = []model.Channel{{ID: "slack/x", Kind: model.ChannelSlack}}
		}, dir)
		r.wait(2 * time.Second)
		r.Send(incident.Next{})
		r.wait(time.Second)
		r.post(func() { r.acked = -1 }) // a disk that hangs
		r.post(func() {
			r.handle(incident.Input{At: time.Now(), By: "maria", Do: incident.SendMessage{Channel: "slack/x", Kind: model.MessageStarted, Text: "x"}})
			r.refuseHeld(errors.New("disk full"))
		})
		s := r.wait(time.Second)
		if got := s.Incident.Message(1); got == nil || got.State != incident.MessageNotOut || !strings.Contains(got.Err, "disk full") {
			t.Errorf("its intent is on no disk: %+v", got)
		}
		r.end()
	})
}

func TestChecksAreAskedFromTheRollbackOn(t *testing.T) {
	top := 2.0
	target := model.Target{ID: "backend-python", Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "backend-python"},
		Health: []model.Health{{URL: "https://a"}, {URL: "https://b"}}, Pods: "app=x", Logs: 20, LogsBad: "panic",
		Promql: []model.OwnCheck{{Name: "queue", Query: "q", Max: &top}}}
	run := func(t *testing.T, configured bool) {
		synctest.Test(t, func(t *testing.T) {
			c, m, b := newCluster(t), &fakeMetrics{ratio: 0.3}, &beside{t: t}
			state := model.TriNo
			b.probe = func(h model.Health) model.ProbeSeen {
				out := model.ProbeSeen{Text: "503", At: time.Now()}
				b.with(func() { out.State = state })
				return out
			}
			c.undo = written(c)
			r := startWith(t, c, m, func(cfg *Config) {
				cfg.Settings.Components = []model.Target{target}
				if configured {
					cfg.Checks = b
				}
			}, t.TempDir())
			r.toConfirm()
			if len(b.calls) != 0 {
				t.Errorf("asked before the rollback: %q", b.calls)
			}
			s := r.Snapshot()
			r.Send(incident.ConfirmWrite{Word: "backend-python", Plans: plans(s)})
			r.wait(12 * time.Second)
			first := r.Snapshot().Seen.Probes["backend-python"]
			m.set(0.0002, nil)
			b.with(func() { state = model.TriYes })
			s = r.wait(30 * time.Second)
			verdicts := map[string]model.Tri{}
			for _, v := range incident.VerifyChecks(s) {
				verdicts[v.Name] = v.State
			}
			if !configured {
				if verdicts["health https://a"] != model.TriUnknown || !s.Incident.Verified.IsZero() {
					t.Errorf("not configured, and %v", verdicts)
				}
				r.end()
				return
			}
			for _, name := range []string{"health https://a", "health https://b", "pods app=x", "queue", "log"} {
				if verdicts[name] != model.TriYes {
					t.Errorf("%s is %v", name, verdicts[name])
				}
			}
			now := s.Seen.Probes["backend-python"]
			if len(first) != 2 || first[0].State != model.TriNo || !now[0].Since.After(first[0].Since) || now[0].At.Equal(now[0].Since) {
				t.Errorf("since when: %+v, then %+v", first, now)
			}
			if n := b.count("selected production/app=x"); n < 6 || n > 10 {
				t.Errorf("asked %d times in 42 seconds", n)
			}
			r.end()
		})
	}
	t.Run("configured", func(t *testing.T) { run(t, true) })
	t.Run("not configured", func(t *testing.T) { run(t, false) })
}

func TestContacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m, b := newCluster(t), &fakeMetrics{}, &beside{t: t}
		read := time.Now()
		fail := error(nil)
		b.oncall = func() ([]model.OnCall, time.Time, error) {
			var err error
			b.with(func() { err = fail })
			return []model.OnCall{{Name: "Ada"}}, read, err
		}
		r := startWith(t, c, m, func(cfg *Config) { cfg.Contacts = b }, t.TempDir())
		s := r.wait(20 * time.Minute)
		if b.count("oncall") != 1 || len(s.Seen.OnCall) != 1 {
			t.Errorf("looking asks %d times: %+v", b.count("oncall"), s.Seen.OnCall)
		}
		b.with(func() { fail = errors.New("503") })
		r.Send(incident.Next{})
		s = r.wait(11 * time.Minute)
		if n := b.count("oncall"); n != 4 {
			t.Errorf("an open incident asks %d times in eleven minutes", n-1)
		}
		if s.Seen.OnCallErr != "503" || len(s.Seen.OnCall) != 1 || !s.Seen.OnCallAt.Equal(read) {
			t.Errorf("while it does not answer: %+v, %q", s.Seen.OnCall, s.Seen.OnCallErr)
		}
		r.end()
	})
}

// leaseBoard is the Leases of a cluster.
type leaseBoard struct {
	mu   sync.Mutex
	held model.Lease
}

func (l *leaseBoard) Lease(_ context.Context, a model.LeaseAsk) (model.Lease, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	mine := l.held.Holder == a.Holder
	expired := time.Since(l.held.Renewed) > model.LeaseLife
	switch {
	case a.Look:
	case a.Release && mine:
		l.held = model.Lease{}
	case a.Release:
	case mine || l.held.Holder == "" || expired || a.Force:
		next := model.Lease{Holder: a.Holder, Incident: a.Incident, Step: a.Step, Since: l.held.Since, Renewed: time.Now()}
		if !mine {
			next.Since = time.Now()
			if a.Force {
				next.From = l.held.Holder
			}
		}
		l.held = next
	}
	out := l.held
	out.Mine = out.Holder == a.Holder
	out.Expired = out.Holder != "" && time.Since(out.Renewed) > model.LeaseLife
	return out, nil
}

func (l *leaseBoard) now() model.Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held
}

// Two people are two to the Lease, also on one account and one machine.
func TestTwoOperators(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		leases := &leaseBoard{}
		ca, cb, m := newCluster(t), newCluster(t), &fakeMetrics{ratio: 0.3}
		ca.undo, cb.undo = written(ca), written(cb)
		as := func(cfg *Config) { cfg.Leases, cfg.Settings.Operator, cfg.Host = leases, "ubuntu", "bastion" }
		a := startWith(t, ca, m, as, first)
		sa := a.toConfirm()
		if l := sa.Seen.Leases["backend-python"]; !l.Mine || !strings.HasPrefix(leases.now().Holder, "maria@corp on bastion (INC-") {
			t.Fatalf("at the confirmation: %+v of %s", l, leases.now().Holder)
		}
		b := startWith(t, cb, m, as, second)
		sb := b.toConfirm()
		if sa.Incident.ID != sb.Incident.ID || sa.Incident.Operator != "maria@corp" {
			t.Errorf("two incidents: %q and %q of %s", sa.Incident.ID, sb.Incident.ID, sa.Incident.Operator)
		}
		if why := sb.Incident.Step.Blocked(sb); !strings.Contains(why, "maria@corp on bastion (") || !strings.Contains(why, "at Confirm") {
			t.Errorf("the second is told %q", why)
		}
		confirm := func(r *run) {
			s := r.Snapshot()
			r.Send(incident.ConfirmWrite{Word: "backend-python", Plans: plans(s)})
			r.wait(time.Second)
		}
		confirm(b)
		if cb.count("undo") != 0 {
			t.Error("the second wrote beside the first")
		}
		a.wait(time.Minute)
		b.Send(incident.TakeOver{Component: "backend-python", Reason: "maria is asleep"})
		sb = b.wait(time.Second)
		if why := sb.Incident.Step.Blocked(sb); why != "" {
			t.Errorf("taken over, and blocked: %s", why)
		}
		sa = a.wait(16 * time.Second)
		if why := sa.Incident.Step.Blocked(sa); !strings.Contains(why, "maria@corp on bastion (") {
			t.Errorf("the first is told %q", why)
		}
		confirm(a)
		confirm(b)
		if ca.count("undo") != 0 || cb.count("undo") != 1 {
			t.Errorf("%d and %d writes", ca.count("undo"), cb.count("undo"))
		}
		told := func(s *incident.Snapshot, what string) bool {
			return slices.ContainsFunc(s.Incident.Timeline, func(e incident.Entry) bool { return strings.Contains(e.Text, what) })
		}
		if !told(b.Snapshot(), "took backend-python over from maria@corp") || !told(sa, "took backend-python over") {
			t.Error("not recorded on both sides")
		}
		if leases.now().Step != "Roll back" {
			t.Errorf("others see it at %s", leases.now().Step)
		}
		b.end()
		if leases.now().Holder != "" {
			t.Errorf("left, and still held by %s", leases.now().Holder)
		}
		sa = a.wait(16 * time.Second)
		if l := sa.Seen.Leases["backend-python"]; !l.Mine || sa.Incident.Step.Blocked(sa) != "" {
			t.Errorf("given back: %+v, %q", l, sa.Incident.Step.Blocked(sa))
		}
		a.end()
	})
}

func TestLeaseThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m, b := newCluster(t), &fakeMetrics{ratio: 0.3}, &beside{t: t}
		c.undo = written(c)
		b.lease = func(model.LeaseAsk) (model.Lease, error) {
			return model.Lease{}, errors.New("you may not create leases")
		}
		r := startWith(t, c, m, func(cfg *Config) { cfg.Leases = b }, t.TempDir())
		s := r.confirm()
		if c.count("undo") != 1 {
			t.Errorf("a missing right held up the rollback: %s", s.Incident.Step.Blocked(s))
		}
		if k := incident.LeaseCheck(s, "backend-python"); k == nil || k.State != model.CheckWarning {
			t.Errorf("it is said as %+v", k)
		}
		r.end()
	})
}

func TestReadOnlyOnlyLooksAtLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m, b := newCluster(t), &fakeMetrics{ratio: 0.3}, &beside{t: t}
		b.lease = func(a model.LeaseAsk) (model.Lease, error) {
			return model.Lease{Holder: "jonas@y", Renewed: time.Now()}, nil
		}
		r := startWith(t, c, m, func(cfg *Config) { cfg.Leases, cfg.Settings.ReadOnly = b, true }, t.TempDir())
		r.toConfirm()
		r.wait(time.Minute)
		r.end()
		if n := b.count("lease look"); n < 4 || n != b.count("lease") {
			t.Errorf("asked %q", b.calls)
		}
	})
}

// The terminal is given away when the journal has it, and not where no disk takes it.
func TestTerminalIsLentWhenItIsWrittenDown(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		r := start(t, c, m, dir)
		r.wait(2 * time.Second)
		r.Send(incident.Next{})
		r.wait(time.Second)
		open := func() {
			r.seen.Ways = append(r.seen.Ways, incident.Way{Method: "migrate", Role: model.RoleSchema, Serves: func(string) bool { return true }})
			r.handle(incident.Input{At: time.Now(), By: "maria", Do: incident.OpenShell{Component: "backend-python", Command: "psql"}})
		}
		r.post(func() {
			if open(); r.seen.Lent != 0 {
				t.Error("it was lent before the disk had it")
			}
		})
		if s := r.wait(time.Second); s.Seen.Lent != 1 || len(s.Incident.Shells) != 1 {
			t.Errorf("lent %d, %+v", s.Seen.Lent, s.Incident.Shells)
		}
		r.post(func() { r.acked = -1 }) // a disk that hangs
		r.post(func() {
			open()
			r.refuseHeld(errors.New("disk full"))
		})
		if s := r.wait(time.Second); s.Seen.Lent != 1 || len(s.Incident.Shells) != 2 || !strings.Contains(s.Incident.Shells[1].Err, "disk full") {
			t.Errorf("lent %d, %+v", s.Seen.Lent, s.Incident.Shells)
		}
		r.end()
	})
}
