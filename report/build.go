package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rollbook/incident"
	"rollbook/model"
	"rollbook/text"
)

// New makes a report of a journal's facts, with the list of the evidence that lies
// beside it; nil = there is none.
func New(facts []incident.Fact, kept *Manifest) Data {
	b := builder{i: incident.Fold(facts), facts: facts, kept: kept}
	b.begin = b.earliest()
	i := &b.i
	set := &i.Settings
	d := Data{begin: b.begin, ID: Text(i.ID), State: b.state(), Namespace: Text(set.Namespace), Context: Text(set.Context), Server: Text(set.Server), Production: set.Production, Rule: Text(set.Why),
		Severity: Text(i.Severity.Severity), Users: Text(i.Severity.Users)}
	if i.End != nil {
		d.Outcome, d.Reason = Text(i.End.Outcome), Text(i.End.Reason)
	}
	for _, c := range b.components() {
		d.Components = append(d.Components, Text(c))
	}
	for _, o := range b.operators() {
		d.Operators = append(d.Operators, Text(o))
	}
	d.Times, d.Took = b.times()
	d.Triggers = b.triggers()
	d.Impact = b.impact()
	d.Downtime = b.downtime()
	d.DetectedBy, d.DetectedHow, d.Noticed = Text(i.DetectedBy.String()), string(i.DetectedBy.Source), b.noticed()
	d.Cause = b.cause()
	d.Decision = b.decision()
	d.Escalations = b.escalations()
	d.Attempts = b.attempts()
	d.Drill, d.Recoveries = b.drill(), b.recoveries()
	d.Left = b.left()
	d.Proof = b.proof()
	d.Timeline = b.timeline()
	d.Evidence = b.evidence()
	d.Config = b.version()
	d.Actions, d.Checklist = b.items()
	for _, l := range set.Links {
		d.Links = append(d.Links, Link{Text(l.Name), Text(l.URL)})
	}
	d.Summary = b.summary(d)
	return d
}

// builder reads the fold, and of the facts what it does not keep.
type builder struct {
	i     incident.Incident
	facts []incident.Fact
	kept  *Manifest
	dated time.Time // what the summary told of last; zero = nothing so far
	begin time.Time // the earliest that is told of: times of another day bear their date
}

// each calls f with every fact of one kind.
func each[T incident.Body](facts []incident.Fact, f func(incident.Fact, T)) {
	for _, x := range facts {
		if b, ok := x.Body.(T); ok {
			f(x, b)
		}
	}
}

// components are those that it was about: chosen, written, or over a limit.
func (b *builder) components() (out []string) {
	add := func(c string) {
		if c != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	each(b.facts, func(_ incident.Fact, r incident.Rose) { add(r.Trigger.Component) })
	for _, a := range b.i.Attempts {
		for _, w := range a.Writes {
			add(w.Plan.Component)
		}
	}
	for _, c := range b.i.Choices {
		add(c.Component)
	}
	return out
}

func (b *builder) operators() (out []string) {
	for _, f := range b.facts {
		if f.By != "" && !slices.Contains(out, f.By) {
			out = append(out, f.By)
		}
	}
	return out
}

// earliest is the first moment that the report tells of.
func (b *builder) earliest() (at time.Time) {
	add := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for _, s := range b.i.Suspects {
		add(s.At)
	}
	for _, a := range b.i.Alerts {
		add(a.Since)
	}
	add(b.i.Onset)
	add(b.i.Told.At)
	if len(b.facts) > 0 {
		add(b.facts[0].At)
	}
	return at
}

// clock says a time of day, with its date on another day than the report's first.
func (b *builder) clock(m Moment) string { return Data{begin: b.begin}.Clock(m) }

func (b *builder) times() (Times, Took) {
	i := &b.i
	t := Times{Onset: Moment{i.BeganAt()}, Detected: Moment{i.Detected}, Opened: Moment{b.opened()}, Decided: Moment{i.Decided}, Confirmed: Moment{i.ConfirmedAt()},
		RolledOut: Moment{i.RolledOut}, Recovered: Moment{i.Recovered}, Verified: Moment{i.Verified}, Closed: Moment{i.Closed}}
	const (
		onset, detected = "when it began is not known", "when it was detected is not known"
		noRecovery      = "it was not verified"
	)
	return t, Took{
		Detect:       between(i.BeganAt(), i.Detected, onset, detected),
		Decide:       between(i.Detected, i.Decided, detected, "nothing was decided"),
		RollBack:     between(i.ConfirmedAt(), i.RolledOut, "nothing was rolled back", "it was not rolled out"),
		Recover:      between(i.Detected, i.Recovered, detected, noRecovery),
		RecoverOnset: between(i.BeganAt(), i.Recovered, onset, noRecovery),
	}
}

func (b *builder) opened() (at time.Time) {
	each(b.facts, func(f incident.Fact, _ incident.Opened) { at = f.At })
	return at
}

// noticed returns the alerts about what failed, and what the operator said of how they
// came to know of it.
func (b *builder) noticed() (out []Text) {
	for _, a := range b.i.Alerts {
		text := "alert " + a.Words() + " fired from " + b.clock(Moment{a.Since})
		if !a.Over.IsZero() {
			text += " to " + b.clock(Moment{a.Over})
		}
		out = append(out, Text(text))
	}
	said := Text("when somebody was paged is not known")
	if b.i.Told.How != incident.SourceUnknown {
		said = Text(b.i.ToldBy + ": " + b.i.Told.WordsAs(func(at time.Time) string { return b.clock(Moment{at}) }))
	}
	return append(out, said)
}

// triggers are all that rose, also those that the operator let fall.
func (b *builder) triggers() (out []Text) {
	each(b.facts, func(f incident.Fact, r incident.Rose) {
		t := Text(r.Trigger.Text)
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	})
	return out
}

func (b *builder) attempts() (out []Try) {
	for _, a := range b.i.Attempts {
		if a.OfDrill() {
			continue
		}
		for _, w := range a.Writes {
			p := w.Plan
			t := Try{N: a.N, Component: Text(p.Component), Role: string(p.Role), Method: Text(p.Method), Title: Text(p.Title), From: Text(p.From.Full()), To: Text(p.To.Full()),
				By: Text(a.By), Confirmed: Moment{a.Confirmed}, Written: Moment{w.Receipt.At}, RolledOut: Moment{w.RolledOut}, Outcome: outcome(w), Command: Text(p.Command),
				Took: between(a.Confirmed, w.RolledOut, "", "not rolled out")}
			for _, s := range p.Stays {
				t.Stays = append(t.Stays, Text(s))
			}
			out = append(out, t)
		}
	}
	return out
}

// left says of each component once what its rollbacks did not bring back.
func (b *builder) left() (out []Item) {
	for _, a := range b.i.Attempts {
		if a.OfDrill() {
			continue
		}
		for _, w := range a.Writes {
			stays := slices.DeleteFunc(slices.Clone(w.Plan.Stays), func(s string) bool { return s == "schema" && b.tookSchemaBack(w.Plan.Component) })
			x := Item{Text(w.Plan.Component), Text(strings.Join(stays, ", "))}
			if len(stays) > 0 && w.InPlace() && !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
	}
	return out
}

// tookSchemaBack reports whether a component's schema was brought to another migration.
func (b *builder) tookSchemaBack(component string) bool {
	for _, a := range b.i.Attempts {
		for _, w := range a.Writes {
			if w.Plan.Component == component && w.Plan.Role == model.RoleSchema && w.State == incident.Done {
				return true
			}
		}
	}
	return false
}

func outcome(w incident.Write) Text {
	done := "rolled out"
	if w.Plan.Role == model.RoleSchema {
		done = "taken back, by the database"
	}
	if w.Asleep {
		done = "version set; 0 replicas ran it"
	}
	word := map[incident.AttemptState]string{incident.Pending: "not begun", incident.Writing: "no answer yet", incident.Unsettled: "whether it was written is unknown",
		incident.Rolling: "written, not rolled out", incident.Done: done, incident.Refused: "nothing was written: it had changed",
		incident.Failed: "nothing was written: refused", incident.Stopped: "did not finish"}[w.State]
	switch {
	case w.State == incident.Reverted: // Err says by whom
		how := done
		if w.RolledOut.IsZero() {
			how = "written"
		}
		return Text(how + ", then " + w.Err)
	case w.Err != "":
		word += ": " + w.Err
	}
	return Text(word)
}

// proved says whether it was verified, and with how much that nobody knows.
func (b *builder) proved() Text {
	switch h := b.i.Hold; {
	case h.Green && h.With > 0:
		return Text(fmt.Sprintf("verified with %d unknown", h.With))
	case h.Green:
		return "verified"
	case len(b.i.Attempts) == 0:
		return "there was nothing to verify: nothing was rolled back"
	}
	return "not verified"
}

func (b *builder) proof() Proof {
	v := b.i.Settings.Verify
	p := Proof{Limits: Text(fmt.Sprintf("error ratio at most %s, P95 at most %s, or the hour before the onset if that was higher; held for %s",
		model.Percent(v.Errors), model.Seconds(v.P95.Seconds()), model.Short(v.Hold)))}
	p.Text = b.proved()
	each(b.facts, func(f incident.Fact, w incident.WasVerified) {
		if f.At.Equal(b.i.Verified) {
			p.Checks = nil
			for _, s := range w.Figures {
				p.Checks = append(p.Checks, Text(s))
			}
		}
	})
	for _, k := range slices.Sorted(maps.Keys(b.i.Accepted)) {
		o := b.i.Accepted[k]
		p.Accepted = append(p.Accepted, Said{At: Moment{o.At}, By: Text(o.By), What: Text(incident.CheckName(k)), Answer: "accepted though unknown", Figure: Text(o.Text), Reason: Text(o.Reason)})
	}
	return p
}

// row finds the runbook's row in an item's text: "tests for the bug (P1)".
var row = text.Pattern(`^(.*) \(([A-Z]\d+)\)$`)

func (b *builder) items() (actions, checklist []Action) {
	for _, it := range b.i.Items {
		a := Action{Text: Text(it.Text), State: string(it.State), By: Text(it.By), At: Moment{it.At}, Reason: Text(it.Reason),
			Owner: Text(it.Task.Owner), Due: Text(it.Task.Due), Link: Text(it.Task.Link)}
		if a.State == "" {
			a.State = "open"
		}
		if m := row().FindStringSubmatch(it.Text); m != nil {
			a.Text, a.Row = Text(m[1]), m[2]
		}
		if strings.HasPrefix(a.Row, "P") {
			actions = append(actions, a)
		} else {
			checklist = append(checklist, a)
		}
	}
	return actions, checklist
}

func (b *builder) version() Version {
	v := Version{Hash: Text(b.i.Settings.ConfigHash)}
	for _, f := range b.i.Settings.ConfigFrom {
		v.From = append(v.From, Text(f))
	}
	each(b.facts, func(_ incident.Fact, x incident.Began) { v.Rollbook = Text(x.Version) })
	return v
}
