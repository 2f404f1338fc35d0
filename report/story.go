package report

import (
	"math"
	"slices"
	"strings"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// cause returns what the journal suspects, the likeliest first; for a component
// rolled back without a suspicion, what ran when that was confirmed.
func (b *builder) cause() Cause {
	c := Cause{Note: "A suspicion, to be confirmed by a person."}
	for _, s := range b.i.Suspects {
		words := "released shortly before the incident was opened"
		if !b.i.Onset.IsZero() {
			words = "released " + s.Distance(&b.i)
		}
		to := &c.Suspects
		if own := b.suspect(s.Component); !b.i.Onset.IsZero() && s.Later() {
			if to = &c.Later; own != nil && own.Version.Is(s.Version) { // later than what failed first, but not than its own failing
				to, words = &c.Suspects, "released before "+s.Component+" failed"
			}
		}
		*to = append(*to, Culprit{Component: Text(s.Component), Version: Text(s.Version.Full()), At: Moment{s.At}, By: Text(s.By), Why: Text(s.ChangeCause), Text: Text(words)})
	}
	unchanged := b.decision().Verdict == "nothing to roll back"
	later := func(p model.Plan) bool {
		return slices.ContainsFunc(b.i.Suspects, func(s incident.Suspect) bool {
			return !b.i.Onset.IsZero() && s.Later() && s.Component == p.Component && s.Version.Is(p.From)
		})
	}
	seen := map[string]bool{}
	var told []model.Plan // what was told of a component one way is not told the other way
	known := func(p model.Plan) bool {
		return slices.ContainsFunc(told, func(o model.Plan) bool {
			return o.Component == p.Component && (o.From.Is(p.From) && o.To.Is(p.To) || o.From.Is(p.To) && o.To.Is(p.From))
		})
	}
	for _, a := range b.i.Attempts {
		for _, w := range a.Writes {
			p := w.Plan
			if p.Role != model.RoleRelease {
				continue
			}
			if !seen[p.Component] && !unchanged && !later(p) && b.failed(p.Component) && !slices.ContainsFunc(c.Suspects, func(s Culprit) bool { return string(s.Component) == p.Component }) {
				c.Suspects = append(c.Suspects, Culprit{Component: Text(p.Component), Version: Text(p.From.Full()), Text: "it ran when the rollback was confirmed"})
			}
			seen[p.Component] = true
			if len(p.Changes) > 0 && !known(p) {
				told = append(told, p)
				c.Diffs = append(c.Diffs, Diffed{Component: Text(p.Component), From: Text(p.To.Full()), To: Text(p.From.Full()), Between: b.between(&p), Lines: released(p.Changes)})
			}
		}
	}
	c.Said = b.said()
	switch {
	case len(c.Suspects) == 0:
		c.Note = "No suspect is known: nothing was seen to have changed shortly before the onset. The cause is to be found by a person."
	case b.i.Hold.Green && len(b.i.Attempts) > 0:
		c.Note = "A suspicion, to be confirmed by a person: the figures were good again after the rollback."
	}
	return c
}

// between are the versions of a component that were released between the two of a plan.
func (b *builder) between(p *model.Plan) (out []Text) {
	at := func(v model.Version) (at time.Time) {
		for _, s := range b.i.Suspects {
			if s.Component == p.Component && s.Version.Is(v) {
				at = s.At
			}
		}
		return at
	}
	for _, s := range b.i.Suspects {
		if s.Component == p.Component && !s.Version.Is(p.From) && !s.Version.Is(p.To) && s.At.Before(at(p.From)) && s.At.After(at(p.To)) {
			out = append(out, Text(s.Version.Full()))
		}
	}
	return out
}

// failed reports whether a component had a trigger; each did where nobody knows of any.
func (b *builder) failed(component string) bool {
	return len(b.i.Triggers) == 0 || slices.ContainsFunc(b.i.Triggers, func(t incident.Trigger) bool { return t.Component == component })
}

// released are the changes of a release, which a rollback takes back, one a line: "- "
// what it took away, "+ " what it brought, both for what it changed. A value that may be
// a secret is not told: "! " where only that it changed is known.
func released(back []model.Change) (out []Text) {
	for _, ch := range back {
		if ch.What == "kubernetes.io/change-cause" { // which is told with the release
			continue
		}
		if ch.Kind == "commit" { // by the tag that was gone back to
			ch.What = ""
		}
		what := strings.TrimSpace(strings.TrimPrefix(ch.Kind, "other") + " " + ch.What)
		was, is := ch.To, ch.From
		switch {
		case was == is || was == model.LiteralChanged:
			out = append(out, Text("! "+what+": value changed (hidden)"))
			continue
		case was != "":
			out = append(out, Text("- "+what+": "+hidden(was)))
		}
		if is != "" {
			out = append(out, Text("+ "+what+": "+hidden(is)))
		}
	}
	return out
}

// hidden says of a value that may be a secret only that it is one.
func hidden(v string) string {
	if v == model.Literal {
		return "(value hidden)"
	}
	return v
}

func (b *builder) impact() Impact {
	m := &b.i.Impact.Impact
	if b.i.Impact.At.IsZero() {
		why := b.i.Impact.Err
		if why == "" {
			why = "it was not measured"
		}
		u := Figure{Text: Text("unknown: " + why), Value: Value{model.Reading{Why: why}}}
		return Impact{Why: Text(why), Text: Text("how many requests failed is not known: " + why), All: Cost{Failed: u, Requests: u, MinutesOver: u, NoData: u, BudgetShare: u}}
	}
	out := Impact{Known: true, From: Moment{m.From}, To: Moment{m.To}, All: cost(m.All, m)}
	out.Text = Text(failedOf(out.All, ""))
	if out.Reported = b.i.Reported; out.Reported {
		out.Text = "how many requests failed before " + Text(b.clock(out.From)) + " is not known; after it " + out.Text
	}
	for _, c := range m.Components {
		out.Components = append(out.Components, cost(c, m))
	}
	return out
}

func cost(c model.ComponentImpact, m *model.Impact) Cost {
	budget := func(v float64) string {
		return model.Percent(v) + " of the error budget of " + model.Short(m.Period)
	}
	out := Cost{Component: Text(c.Component), Failed: figure(c.Failed, number), Requests: figure(c.Requests, number),
		MinutesOver: figure(c.MinutesOver, minutes), NoData: figure(c.NoData, minutes), BudgetShare: figure(c.BudgetShare, budget)}
	if f, r := c.Failed, c.Requests; !f.Known && !r.Known && f.Why == r.Why {
		out.Requests.Text = "unknown" // why is said with the other
	}
	return out
}

func figure(r model.Reading, show func(float64) string) Figure {
	f := Figure{Query: Text(r.Query), Value: Value{r}}
	least := "at least " + show(r.Value)
	if show(r.Value) == "none" {
		least = "none was counted"
	}
	switch {
	case !r.Known && r.Why == "":
		f.Text = "unknown"
	case !r.Known:
		f.Text = Text("unknown: " + r.Why)
	case r.AtLeast && r.Why != "":
		f.Text = Text(least + " (" + r.Why + ")")
	case r.AtLeast:
		f.Text = Text(least)
	default:
		f.Text = Text(show(r.Value))
	}
	return f
}

// number is a count as a person says it: "none", "873", "8.6k", "191k", "1.2M".
// Prometheus extrapolates to the window's ends, so that what it counts is not whole.
func number(v float64) string {
	if math.Round(v) <= 0 {
		return "none"
	}
	return model.Count(v)
}

// minutes is a number of minutes, as the other times of a report are told.
func minutes(v float64) string {
	d := time.Duration(v * float64(time.Minute)).Round(time.Second)
	if d <= 0 {
		return "none"
	}
	return model.Short(d)
}
