package status

import (
	"slices"
	"strings"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// Of returns how it stands. now is what was seen first, by which all is judged; then is
// what was seen once the histories and the preflights were read, by which these are
// told: nil = they were not read. unread is what else could not be read.
func Of(now, then *incident.Snapshot, unread []string) Data {
	i, set := &now.Incident, &now.Incident.Settings
	nodes := incident.Tree(now)
	d := Data{Format: Format, At: now.Now.UTC().Truncate(time.Millisecond), Unread: append(notRead(now), unread...), Debts: debts(now), Suspects: []Suspect{}, Histories: []History{},
		Preflights: []Checked{}, Questions: questions(nodes), Components: []Line{},
		Place: Place{Context: set.Context, Namespace: set.Namespace, Server: set.Server, Production: set.Production, Operator: now.Operator(),
			Focus: set.Focus, Prometheus: now.Seen.Metrics.To}}
	v, why := incident.VerdictOf(now, nodes)
	head := incident.HeadlineOf(now, v, why, now.Afterwards(), incident.Calm(now, nodes))
	d.Verdict.Headline = head.String()
	quiet := []Line{}
	for _, l := range now.Judgement().Lines {
		line := lineOf(now, l)
		if line.calm() {
			quiet = append(quiet, line)
		} else {
			d.Components = append(d.Components, line)
		}
	}
	d.Components = append(d.Components, quiet...)
	if head.Kind != incident.HeadCalm { // where nothing is wrong nothing is suspected
		for _, x := range now.Suspects() {
			d.Suspects = append(d.Suspects, suspectOf(now, x))
		}
	}
	if i.ID != "" {
		d.Incident = incidentOf(now)
	}
	for _, o := range now.Seen.Open {
		d.Left = append(d.Left, Left{ID: o.ID, Touched: o.Touched.UTC(), Component: o.Component, Operator: o.Operator, Damage: o.Damage})
	}
	if then != nil {
		d.Histories, d.Preflights = histories(then), preflights(then)
	}
	d.Verdict.State = d.state(head, v, nodes)
	d.Verdict.Code = Codes[d.Verdict.State]
	return d
}

// state is the headline in a name that a script can rest on.
func (d *Data) state(h incident.Headline, v incident.Verdict, nodes []incident.Node) State {
	kind := h.Kind
	if kind == incident.HeadEndedOver { // what is over now counts, ended or not
		kind = map[incident.Verdict]incident.HeadlineKind{incident.Now: incident.HeadNow, incident.Within10: incident.HeadWithin}[v]
		if kind == incident.HeadUnknown {
			return Watch
		}
	}
	out := Unknown
	switch kind {
	case incident.HeadNow:
		return Now
	case incident.HeadWithin:
		return Within
	case incident.HeadNothing:
		return NoRelease
	case incident.HeadWatch:
		if out = Nothing; slices.ContainsFunc(nodes, func(n incident.Node) bool { return n.Rising }) {
			return Watch
		}
	case incident.HeadCalm:
		if out = Nothing; h.Alert != nil {
			return Watch
		}
	case incident.HeadAfter:
		switch h.After {
		case incident.AfterVerified:
			out = Nothing
		case incident.AfterNoBetter, incident.AfterWorse:
			return NoHelp
		case incident.AfterUnknown:
			return Unknown
		case incident.AfterStopped:
			return Owed
		default:
			return Settling
		}
	case incident.HeadEnded:
		out = Nothing
	}
	if out == Nothing && len(d.Debts) > 0 {
		return Owed
	}
	return out
}

// notRead says what of the board and its figures could not be read.
func notRead(s *incident.Snapshot) []string {
	out := []string{}
	add := func(what, why string) {
		if why != "" {
			out = append(out, what+": "+why)
		}
	}
	switch c := s.Seen.Cluster; {
	case c.Heard.IsZero() && c.Err != "":
		add("the cluster", c.Err)
	case c.Heard.IsZero():
		add("the cluster", "no answer yet from "+c.To)
	case c.Lost(s.Now, incident.ClusterFresh):
		add("the cluster", "nothing heard for "+model.Short(s.Now.Sub(c.Heard)))
	case s.Seen.Reading:
		add("pods", "still being read")
	}
	add("workloads", s.Seen.Identity.ListPods)
	switch m := s.Seen.Metrics; {
	case m.Off != "":
		add("figures", m.Off)
	case m.Err != "":
		add("figures", m.Err)
	case m.Heard.IsZero() && m.To != "":
		add("figures", "no answer yet from "+m.To)
	}
	add("the configuration in the cluster", s.Seen.ConfigE)
	if s.Seen.Searching {
		add("incidents of earlier runs", "still being looked for")
	}
	for _, t := range s.Seen.Trouble {
		add("journals", t)
	}
	add("journal", s.Seen.JournalE)
	return out
}

func incidentOf(s *incident.Snapshot) *Incident {
	i := &s.Incident
	out := &Incident{ID: i.ID, Opened: i.Opened.UTC(), Onset: i.Onset.UTC(), Operator: i.Operator, Step: i.Step.Name(), LookedOn: s.Seen.LookingOn != "",
		Attempts: len(i.Attempts), Verified: i.Verified.UTC(), Asks: i.AskText, Resumed: s.Seen.Resumed, Journal: s.Seen.Journal, NotYours: s.Seen.TheyLeft}
	if i.End != nil {
		out.Ended = string(i.End.Outcome)
	}
	total, blind := incident.Downtime(s)
	out.Downtime, out.NotKnown = total.Round(time.Second).Seconds(), blind.Round(time.Second).Seconds()
	return out
}

func debts(s *incident.Snapshot) []Debt {
	out := []Debt{}
	for _, o := range s.Owed() {
		of := s.Incident.ID
		if o.Foreign {
			of = o.Incident
			if slices.ContainsFunc(s.Seen.Open, func(j incident.OpenIncident) bool { return j.ID == of && len(j.Owes) > 0 }) {
				continue // its journal, which is here, tells of it
			}
		}
		out = append(out, Debt{Incident: of, Component: o.Component, What: o.Words(), Since: o.Since.UTC(), By: o.By, Paying: o.Paying, Unsure: o.Unsure})
	}
	for _, o := range s.Seen.Open {
		for _, what := range o.Owes {
			out = append(out, Debt{Incident: o.ID, What: what, By: o.Operator})
		}
	}
	return out
}

func questions(nodes []incident.Node) []Question {
	out := []Question{}
	for _, n := range nodes {
		out = append(out, Question{ID: n.Question, Title: n.Title, Answer: n.Answer, By: n.By, Text: n.Text, Query: n.Query, OnPath: n.Lit})
	}
	return out
}

// lineOf returns a component's line.
func lineOf(s *incident.Snapshot, l *incident.Line) (out Line) {
	c, limits := l.Component, s.Incident.Settings.Limits
	out = Line{ID: c.ID, Workload: c.Workload.String(), Missing: c.Missing, Tag: c.Running().Tag, Revision: c.Revision, Since: c.RevisionStart.UTC(), By: c.RevisionBy,
		Pods: Pods{Desired: c.Desired, Ready: c.Ready, Available: c.Available, Updated: c.Updated, Terminating: c.Terminating,
			NoneReady: c.NoneReady.UTC(), Unread: c.PodsNo}, Notes: c.Hints}
	out.Rollout, _ = c.StuckAt(s.Now)
	stop := s.StopOf(c.ID)
	if stop != nil {
		out.Stopped = stop.Words()
	}
	if c.Paused {
		out.Notes = append([]string{"the rollout is paused"}, out.Notes...)
	}
	for _, o := range c.Owners {
		text := strings.TrimSpace(o.Manager + ", " + o.Name)
		if o.Reverts {
			text += ": known to put its own version back"
		}
		out.Owners = append(out.Owners, text)
	}
	for _, g := range incident.FailingPods(c) {
		f := Failing{Text: g.Words(c), Last: g.Last.UTC()}
		for _, p := range g.Pods {
			f.Pods = append(f.Pods, p.Name)
		}
		for w := range strings.SplitSeq(g.Message, "\n") {
			if w = strings.TrimSpace(w); w != "" {
				f.Words = append(f.Words, w)
			}
		}
		out.Pods.Failing = append(out.Pods.Failing, f)
	}
	if f := l.Figures; stop != nil {
		out.Errors, out.P95 = Figure{Why: "no pod runs"}, Figure{Why: "no pod runs"}
	} else if f == nil {
		out.Errors, out.P95 = Figure{Why: "not read"}, Figure{Why: "not read"}
	} else {
		out.Errors = measured(f.Errors, l.Errors, limits.Errors, model.Percent)
		out.P95 = measured(f.P95, l.P95, limits.P95.Seconds(), model.Seconds)
		if f.NotMeasured {
			out.Errors, out.P95 = Figure{None: true}, Figure{None: true}
		}
		for _, a := range f.Alerts {
			out.Alerts = append(out.Alerts, Alert{a.Name, a.Severity, a.Since.UTC(), a.Before})
		}
		out.NoAlerts = f.AlertsNo
	}
	return out
}

// calm reports whether nothing about a component is to be looked at.
func (l *Line) calm() bool {
	return l.Missing == "" && l.Stopped == "" && len(l.Pods.Failing) == 0 && l.Rollout == "" && l.Pods.NoneReady.IsZero() && l.Pods.Unread == "" && len(l.Alerts) == 0 &&
		l.Errors.fine() && l.P95.fine()
}

func (f Figure) fine() bool { return f.None || f.Known && f.Over == model.TriNo }

func measured(f model.Figure, run incident.Run, limit float64, show func(float64) string) Figure {
	out := read(f.Now, show)
	out.Limit, out.Over, out.OverFor, out.Held = limit, run.State, run.For.Seconds(), run.Held
	switch {
	case !out.Known:
		if out.Why == "" {
			out.Why = "not read"
		}
		return out
	case run.State == model.TriYes:
		out.text += ", over " + show(limit) + " for " + model.Short(run.For)
	case run.State == model.TriUnknown && run.Why != "":
		out.text += ", " + run.Why
	}
	if out.Trend = incident.Trend(f); out.Trend != "" && run.State == model.TriYes {
		out.text += ", " + out.Trend
	}
	return out
}

func read(r model.Reading, show func(float64) string) Figure {
	out := Figure{Known: r.Known, Value: r.Value, AtLeast: r.AtLeast, Why: r.Why, At: r.At.UTC()}
	if r.Known {
		out.text = show(r.Value)
		if r.AtLeast {
			out.text = "at least " + out.text
		}
	}
	return out
}

func suspectOf(s *incident.Snapshot, x incident.Suspect) Suspect {
	return Suspect{Component: x.Component, Version: x.Version.Full(), At: x.At.UTC(), Before: x.Before.Seconds(), Words: x.Words(s), By: x.By,
		Cause: x.ChangeCause, Later: x.Later() && !s.Incident.Onset.IsZero()}
}

// slots are what histories and preflights are told of, in the order of the choices,
// then what else was read.
func slots(s *incident.Snapshot) []model.Slot {
	var out []model.Slot
	for _, c := range s.Incident.Choices {
		out = append(out, c.Slot)
	}
	for _, c := range s.Seen.Board {
		if slot := model.Release(c.ID); s.Seen.History[slot] != nil && !slices.Contains(out, slot) {
			out = append(out, slot)
		}
	}
	return out
}

func histories(s *incident.Snapshot) []History {
	out := []History{}
	limits := s.Incident.Settings.Limits
	for _, slot := range slots(s) {
		h := s.Seen.History[slot]
		if h == nil {
			continue
		}
		x := History{Component: slot.Component, Err: h.Err, NoFigures: h.FiguresErr, Versions: []Version{}}
		if h.Pending() {
			x.NoFigures = "still being read"
		}
		to, why := s.Proposal(h)
		x.Proposed, x.Why = to.Key, why
		if m := s.MigrationsSince(slot.Component); m != nil && slot.Role == model.RoleRelease {
			x.Migrations = m.Words()
		}
		for n := range h.Candidates {
			r := &h.Candidates[n]
			errors, p95 := s.FiguresOfVersion(h, r)
			v := Version{Key: r.Key, Label: r.Label, Tag: r.Tag, Start: r.Start.UTC(), Guessed: r.Guessed, By: s.ReleasedBy(h, r), Cause: r.Cause, Images: r.Images,
				Current: r.Current, Mark: s.MarkOf(h, r).Word(), Errors: read(errors, model.Percent), P95: read(p95, model.Seconds), Refused: r.Refused}
			v.Errors.Limit, v.P95.Limit = limits.Errors, limits.P95.Seconds()
			for _, f := range []*Figure{&v.Errors, &v.P95} {
				if f.Known {
					f.Over = incident.OverLimit(model.Sample{V: f.Value, AtLeast: f.AtLeast}, f.Limit)
				}
			}
			x.Versions = append(x.Versions, v)
		}
		out = append(out, x)
	}
	return out
}

func preflights(s *incident.Snapshot) []Checked {
	out := []Checked{}
	for _, c := range s.Incident.Open() {
		p := s.Seen.Preflight[c.Slot]
		if p == nil || p.To != c.To.Key {
			continue
		}
		x := Checked{Component: c.Component, To: c.To.Full(), Checks: incident.CheckLines(s, c), Err: p.Err, Unread: !p.Done}
		if !c.From.IsZero() {
			x.From = c.From.Full()
		}
		for _, plan := range p.Plans {
			x.Command, x.Changes, x.Stays = plan.Command, append(x.Changes, plan.Changes...), append(x.Stays, plan.Stays...)
		}
		out = append(out, x)
	}
	return out
}
