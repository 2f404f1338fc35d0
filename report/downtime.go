package report

import (
	"slices"
	"strings"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// downtime is the clock's, up to the journal's last fact.
func (b *builder) downtime() Downtime {
	if !b.clocked() {
		const why = "the journal is of an older version and has no clock of it"
		return Downtime{Down: Span{Why: why}, NoData: Span{Why: why}, What: b.outage(), Text: Text("unknown: " + why)}
	}
	last := b.facts[len(b.facts)-1].At
	total, blind := incident.Downtime(&incident.Snapshot{Incident: b.i, Now: last})
	span := func(d time.Duration) Span { return Span{Known: true, Seconds: d.Seconds()} }
	d := Downtime{Down: span(total - blind), NoData: span(blind)}
	each(b.facts, func(_ incident.Fact, c incident.ClockRan) {
		if c.Running && d.From.IsZero() {
			d.From = Moment{c.Since}
		}
	})
	switch {
	case !b.i.Down.Since.IsZero():
		d.Until = Moment{last}
	case !d.From.IsZero():
		d.To = Moment{b.i.Down.Until}
	}
	d.What = b.outage()
	words := "none"
	if total-blind >= time.Second {
		words = model.Short(total - blind)
	}
	if blind >= time.Second {
		words += ", and " + model.Short(blind) + " without data"
	}
	// When it was, since the impact may have been measured of another time.
	switch {
	case words == "none":
	case !d.Until.IsZero():
		words += ", since " + b.minute(d.From) + " and still going on at " + b.minute(d.Until)
	case b.minute(d.From) == b.minute(d.To):
		words += ", at " + b.minute(d.From)
	default:
		words += ", between " + b.minute(d.From) + " and " + b.minute(d.To)
	}
	d.Text = Text(words)
	return d
}

// minute is clock without the seconds.
func (b *builder) minute(m Moment) string {
	if m.IsZero() {
		return "a time that is not known"
	}
	return strings.TrimSuffix(b.clock(m), m.UTC().Format(":05"))
}

// outage says what the downtime is of: of what only answered slowly nobody says that it
// was down.
func (b *builder) outage() Text {
	var kinds []incident.TriggerKind
	each(b.facts, func(_ incident.Fact, r incident.Rose) {
		if k := r.Trigger.Kind; k != incident.TStuck && k != incident.TBurn && !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	})
	if len(kinds) == 1 {
		return map[incident.TriggerKind]Text{incident.TErrors: "Errors over their limit", incident.TP95: "P95 over its limit", incident.TNoPod: "Without an available pod"}[kinds[0]]
	}
	return "Over a limit, or without an available pod"
}

// clocked says whether the journal would tell of a downtime: whatever rises but a
// stuck rollout starts the clock at once.
func (b *builder) clocked() bool {
	rose := false
	for _, f := range b.facts {
		switch x := f.Body.(type) {
		case incident.ClockRan:
			return true
		case incident.Rose:
			rose = rose || x.Trigger.Kind != incident.TStuck && x.Trigger.Kind != incident.TBurn
		}
	}
	return !rose && len(b.facts) > 0
}

// escalations are those that came true, in their order.
func (b *builder) escalations() (out []Call) {
	for _, e := range b.i.Escalations {
		c := Call{At: Moment{e.At}, Text: Text(e.Text), Who: Text(e.Who), Answer: Text(e.Answer), By: Text(e.By), Answered: Moment{e.Done}, Reason: Text(e.Reason)}
		if c.Answer == "" {
			c.Answer = "not answered; its reason is over"
			if slices.ContainsFunc(b.i.Calls(), func(o incident.Escalation) bool { return o.ID == e.ID }) {
				c.Answer = "open"
			}
		}
		out = append(out, c)
	}
	return out
}
