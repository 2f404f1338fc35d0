package report

import (
	"math"
	"slices"
	"strconv"
	"strings"

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
		if !b.i.Onset.IsZero() && s.Later() {
			to = &c.Later
		}
		*to = append(*to, Culprit{Component: Text(s.Component), Version: Text(s.Version.Full()), At: Moment{s.At}, By: Text(s.By), Why: Text(s.ChangeCause), Text: Text(words)})
	}
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
			if !seen[p.Component] && !later(p) && b.failed(p.Component) && !slices.ContainsFunc(c.Suspects, func(s Culprit) bool { return string(s.Component) == p.Component }) {
				c.Suspects = append(c.Suspects, Culprit{Component: Text(p.Component), Version: Text(p.From.Full()), Text: "it ran when the rollback was confirmed"})
			}
			seen[p.Component] = true
			if len(p.Changes) > 0 && !known(p) {
				told = append(told, p)
				c.Diffs = append(c.Diffs, Diffed{Component: Text(p.Component), From: Text(p.To.Full()), To: Text(p.From.Full()), Lines: released(p.Changes)})
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

// failed reports whether a component had a trigger; each did where nobody knows of any.
func (b *builder) failed(component string) bool {
	return len(b.i.Triggers) == 0 || slices.ContainsFunc(b.i.Triggers, func(t incident.Trigger) bool { return t.Component == component })
}

// released are the changes of a release, which a rollback takes back, one a line: "- "
// what it took away, "+ " what it brought, both for what it changed. A value that may be
// a secret is not told: "! " where only that it changed is known.
func released(back []model.Change) (out []Text) {
	for _, ch := range back {
		what := strings.TrimSpace(ch.Kind + " " + ch.What)
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
		return Impact{Why: Text(why), All: Cost{Failed: u, Requests: u, MinutesOver: u, NoData: u, BudgetShare: u}}
	}
	out := Impact{Known: true, From: Moment{m.From}, To: Moment{m.To}, All: cost(m.All, m)}
	for _, c := range m.Components {
		out.Components = append(out.Components, cost(c, m))
	}
	return out
}

func cost(c model.ComponentImpact, m *model.Impact) Cost {
	budget := func(v float64) string {
		return model.Percent(v) + " of the error budget of " + model.Short(m.Period)
	}
	return Cost{Component: Text(c.Component), Failed: figure(c.Failed, number), Requests: figure(c.Requests, number),
		MinutesOver: figure(c.MinutesOver, minutes), NoData: figure(c.NoData, minutes), BudgetShare: figure(c.BudgetShare, budget)}
}

func figure(r model.Reading, show func(float64) string) Figure {
	f := Figure{Query: Text(r.Query), Value: Value{r}}
	switch {
	case !r.Known && r.Why == "":
		f.Text = "unknown"
	case !r.Known:
		f.Text = Text("unknown: " + r.Why)
	case r.AtLeast && r.Why != "":
		f.Text = Text("at least " + show(r.Value) + " (" + r.Why + ")")
	case r.AtLeast:
		f.Text = Text("at least " + show(r.Value))
	default:
		f.Text = Text(show(r.Value))
	}
	return f
}

// number is a count as a person says it: "none", "873", "8.6k", "191k", "1.2M".
// Prometheus extrapolates to the window's ends, so that what it counts is not whole.
func number(v float64) string {
	switch v = math.Round(v); {
	case v <= 0:
		return "none"
	case v < 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v < 999_500:
		return digits(v/1e3) + "k"
	}
	return digits(v/1e6) + "M"
}

// digits prints a number with one digit after the point while it is below ten.
func digits(v float64) string {
	if v < 9.95 {
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

func minutes(v float64) string {
	switch s := digits(v); s {
	case "0":
		return "none"
	case "1":
		return "1 minute"
	default:
		return s + " minutes"
	}
}
