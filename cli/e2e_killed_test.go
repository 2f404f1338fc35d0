//go:build e2e

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"rollbook/engine"
	"rollbook/engine/journal"
	"rollbook/engine/porttest"
	"rollbook/incident"
	"rollbook/kube"
	"rollbook/model"
)

// The process that killing kills: the program but for its screen and its figures,
// and an operator who does what there is to do.

const (
	killedName   = "ROLLBOOK_TEST_KILLED"
	rescuedName  = "ROLLBOOK_TEST_RESCUED"
	drilledName  = "ROLLBOOK_TEST_DRILLED"
	killedConfig = "ROLLBOOK_TEST_KILLED_CONFIG"
	killedKube   = "ROLLBOOK_TEST_KILLED_KUBECONFIG"
	killedDir    = "ROLLBOOK_TEST_KILLED_DIR"
)

func init() {
	for who, by := range map[string]func(e *engine.Engine, name string) func() bool{killedName: attends, rescuedName: rescues, drilledName: rehearses} {
		otherPrograms[who] = func() int {
			if err := workToTheEnd(os.Getenv(who), os.Getenv(killedDir), by); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			return 0
		}
	}
}

// byImage are figures that follow the image on the board: api:2 is bad.
type byImage struct {
	name  string
	board func() *model.Component
}

func (m byImage) To() (string, string) { return "prometheus", "" }

func (m byImage) Poll(context.Context, model.Poll) (map[string]*model.Figures, error) {
	c := m.board()
	ratio := 0.0002
	if c != nil && slices.Contains(c.Images, "api:2") {
		ratio = 0.3
	}
	figure := func(v float64) model.Figure {
		f := model.Figure{Step: 15 * time.Second, Now: model.Reading{Known: true, Value: v, At: time.Now()}}
		for n := 20; n >= 0; n-- {
			f.Samples = append(f.Samples, model.Sample{At: time.Now().Add(-time.Duration(n) * f.Step), V: v})
		}
		return f
	}
	errs, p95 := figure(ratio), figure(0.1)
	one := model.Reading{Known: true, Value: 1, At: time.Now()}
	return map[string]*model.Figures{m.name: {Errors: errs, P95: p95, Up: one, Targets: one,
		HoldErrors: errs.Now, HoldP95: p95.Now, HoldRequests: one}}, nil
}

func (m byImage) Behaviour(_ context.Context, _ model.Target, owners []string, _ time.Time) (map[string]model.Behaviour, error) {
	out := map[string]model.Behaviour{}
	known := func(v float64) model.Reading { return model.Reading{Known: true, Value: v, At: time.Now()} }
	for _, o := range owners {
		ratio := 0.001
		if c := m.board(); c != nil && c.OwnerName != "" && c.OwnerName == o {
			ratio = 0.3
		}
		out[o] = model.Behaviour{Errors: known(ratio), P95: known(0.1), Requests: known(9000)}
	}
	return out, nil
}

func (m byImage) Baseline(context.Context, []model.Target, time.Time) (map[string]model.Baseline, error) {
	return map[string]model.Baseline{}, nil
}

// workToTheEnd works on the incident of a component until it is closed and reported. by is
// the operator: it does the next thing, and says whether all is done.
func workToTheEnd(name, dir string, by func(e *engine.Engine, name string) func() bool) error {
	config, kubeconfig := os.Getenv(killedConfig), os.Getenv(killedKube)
	f := &flags{kube: kube.Flags{Kubeconfig: kubeconfig}, config: config, journalDir: dir}
	if os.Getenv(drilledName) != "" {
		f.drill = (&rehearsal{flags: f}).settings
	}
	cfg, err := loadConfig(f)
	if err != nil {
		return err
	}
	c, err := kube.Connect(&f.kube, kube.Options{Version: "kill", Warn: func(string) {}, Now: time.Now})
	if err != nil {
		return err
	}
	set, err := settings(cfg, c, f, nil)
	if err != nil {
		return err
	}
	if set.Drill != nil {
		set.Drill.Healthy = 300 * time.Millisecond
	}
	set.Verify.Hold, set.Poll, set.Scrape = 300*time.Millisecond, 100*time.Millisecond, 15*time.Second
	c.SetTargets(set.Components)
	prom := &prometheus{}
	prom.because("not configured")
	all, _ := journalsIn(dir) // one that was killed before its header is none
	over := len(all) > 0 && all[0].Closed()
	var e *engine.Engine
	board := func() *model.Component { return e.Snapshot().Seen.Component(name) }
	e = engine.New(closing(engine.Config{Cluster: c, Methods: methods(c, cfg, false, nil), Metrics: byImage{name, board}, Settings: set, Version: "kill",
		Host: "laptop", Journals: []string{dir}, IdlePoll: 100 * time.Millisecond}, cfg, c, prom))
	ctx, stop := context.WithTimeout(context.Background(), porttest.Patience(50*time.Second))
	defer stop()
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	act := by(e, name)
	for {
		select {
		case err := <-done:
			s := e.Snapshot()
			return errors.Join(err, fmt.Errorf("not closed in time: at %s: %s; asked %s; trouble %q", s.Incident.Step.Name(),
				s.Incident.Step.Blocked(s), s.Incident.AskText, s.Seen.Trouble))
		case <-e.Changed():
		case <-time.After(20 * time.Millisecond):
		}
		if s := e.Snapshot(); s.Seen.Journal != "" {
			if c, err := journal.Read(s.Seen.Journal); err == nil {
				fmt.Println(len(c.Facts)) // these are on disk
			}
		}
		if over && reportedIn(dir) || !over && act() {
			stop()
			return <-done
		}
	}
}

// journalsIn reads the journals in a folder.
func journalsIn(dir string) (found []*journal.Content, errs []error) {
	files, errs := journal.Find([]string{dir})
	for _, f := range files {
		c, err := journal.Read(f.Path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found = append(found, c)
	}
	return found, errs
}

func reportedIn(dir string) bool {
	all, _ := journalsIn(dir)
	return len(all) == 1 && !all[0].Unreported()
}

func attends(e *engine.Engine, name string) func() bool { return (&attendant{e: e, name: name}).act }

// attendant is the operator of a rollback.
type attendant struct {
	e          *engine.Engine
	name, last string
}

// act does the next thing, and says whether all is done.
func (o *attendant) act() bool {
	s := o.e.Snapshot()
	i := &s.Incident
	once := func(what string, in incident.Act) {
		if o.last != what {
			o.last = what
			o.e.Send(in)
		}
	}
	p := s.Seen.Preflight[model.Release(o.name)]
	blocked := i.Step.Blocked(s)
	switch {
	case i.ID == "" && i.Verdict.Verdict != incident.Now:
	case i.Step == incident.Choose && blocked != "":
		slot := model.Release(o.name)
		switch c, h := i.Choice(slot), s.Seen.History[slot]; {
		case c == nil:
			once("select", incident.Select{Component: o.name, On: true})
		case c.To.IsZero() && h != nil && len(h.Candidates) > 0:
			once("pick", incident.Pick{Component: o.name, To: h.Candidates[len(h.Candidates)-1].Key})
		}
	case i.Step == incident.Confirm && blocked == "":
		once(fmt.Sprint("confirm ", len(i.Attempts)), incident.ConfirmWrite{Word: incident.ConfirmWord(i), Plans: []string{p.Plans[0].ID}, Sentences: s.Sentences()})
	case i.Step == incident.Confirm:
		if p != nil {
			for _, k := range p.Checks { // what is deleted and made anew is meant
				if strings.HasPrefix(k.ID, "anew:") && !i.Overridden(p.Slot, k) {
					once(fmt.Sprint("override ", len(i.Timeline)), incident.OverrideCheck{Slot: p.Slot, Check: k.ID, Reason: "there is no other way"})
					return false
				}
			}
		}
		if p != nil && p.Done && !strings.HasPrefix(blocked, "asking") {
			once(fmt.Sprint("recheck ", len(i.Timeline)), incident.Recheck{})
		}
	case i.Step == incident.Close && i.Closed.IsZero():
		o.closing(s, once)
	case i.Step == incident.Close:
		return !i.ReportStale() && s.Seen.Reporting.IsZero()
	case blocked == "":
		once("next from "+i.Step.Name(), incident.Next{})
	case i.Asked == incident.AskNotGreen || i.Asked == incident.AskDeadline:
		once(fmt.Sprint("wait ", len(i.Timeline)), incident.Answered{With: incident.ReplyWait})
	}
	return false
}

// closing sends, writes and settles, one after the other.
func (o *attendant) closing(s *incident.Snapshot, once func(string, incident.Act)) {
	i := &s.Incident
	for _, m := range i.Messages {
		if m.State == incident.MessageSending {
			return
		}
	}
	for _, c := range i.Settings.Channels {
		if !slices.ContainsFunc(i.Messages, func(m incident.MessageRecord) bool { return m.Message.Channel == c.ID }) {
			d := incident.Draft(s, c, model.MessageResolved)
			once("send "+c.ID, incident.SendMessage{Channel: c.ID, Kind: d.Kind, Title: d.Title, Text: d.Text})
			return
		}
	}
	switch {
	case i.Report.At.IsZero():
		once("report", incident.WriteReport{})
	case i.Evidence[model.InFull].At.IsZero():
	default:
		for _, it := range i.Items {
			if it.State == "" {
				once("settle "+it.ID, incident.SettleItem{ID: it.ID, Reason: "by hand"})
				return
			}
		}
	}
}
