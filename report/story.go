package report

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rollbook/incident"
	"rollbook/model"
)

// summary tells what happened in plain sentences, each from a fact.
func (b *builder) summary(d Data) (out []Text) {
	i := &b.i
	say := func(format string, args ...any) { out = append(out, Text(fmt.Sprintf(format, args...))) }
	t := d.Times
	first := true
	each(b.facts, func(f incident.Fact, r incident.Rose) {
		if first {
			say("The first sample over a limit was at %s: %s.", Moment{r.Trigger.Onset}, r.Trigger.Text)
		}
		first = false
	})
	for _, a := range d.Decision.Answers {
		if a.Answer == "yes" {
			say("%s answered yes at %s: %s%s.", string(a.By), a.At, string(a.What), quoted(string(a.Reason)))
			first = false
		}
	}
	if first {
		say("No limit was seen to be broken.")
	}
	if !t.Detected.IsZero() {
		how := ""
		if d.DetectedBy != "" {
			how = " by " + string(d.DetectedBy)
		}
		gap := after(d.Took.Detect, "the onset")
		if t.Detected.Before(t.Onset.Time) {
			gap = ", before the limit was passed"
		}
		say("It was detected at %s%s%s.", t.Detected, how, gap)
	}
	switch dec := d.Decision; {
	case t.Decided.IsZero() && d.Outcome == "":
		say("Nothing was decided yet.")
	case t.Decided.IsZero():
		say("No rollback was decided.")
	case dec.NoRollback && dec.Overruled:
		say("The decision at %s was: no rollback (verdict: %s, against the figures%s).", t.Decided, string(dec.Verdict), quoted(string(dec.Reason)))
	case dec.NoRollback:
		say("The decision at %s was: no rollback (verdict: %s: %s).", t.Decided, string(dec.Verdict), string(dec.Text))
	case dec.Overruled:
		say("The decision at %s was: %s, against the figures%s.", t.Decided, string(dec.Verdict), quoted(string(dec.Reason)))
	default:
		say("The decision at %s was: %s (%s).", t.Decided, string(dec.Verdict), string(dec.Text))
	}
	for _, a := range d.Attempts {
		outcome := string(a.Outcome)
		if rest, ok := strings.CutPrefix(outcome, "rolled out"); ok {
			outcome = "rolled out after " + a.Took.String() + rest
		}
		say("Attempt %d, confirmed by %s at %s: %s: %s.", a.N, string(a.By), a.Confirmed, string(a.Title), outcome)
	}
	switch {
	case !t.Recovered.IsZero():
		say("The figures were good from %s on%s; the result at %s: %s.", t.Recovered, after(d.Took.Recover, "the detection"), t.Verified, string(d.Proof.Text))
	case len(d.Attempts) > 0:
		say("The rollback is not verified.")
	}
	if down := d.Downtime; down.Down.Known && down.Down.Seconds+down.NoData.Seconds >= 1 {
		text := "It was down for " + down.Down.String()
		if down.NoData.Seconds >= 1 {
			text += ", and for " + down.NoData.String() + " nothing is known"
		}
		if !down.Until.IsZero() {
			text += "; the clock still runs"
		}
		say("%s.", text)
	}
	if all := d.Impact.All; d.Impact.Known && all.Failed.Value.Known && all.Requests.Value.Known {
		say("From %s to %s, of %s requests %s failed.", d.Impact.From.Clock(), d.Impact.To.Clock()+" UTC", string(all.Requests.Text), string(all.Failed.Text))
	}
	ended := string(d.Outcome)
	if i.End != nil && i.End.Against != "" {
		ended += ", though " + i.End.Against
	}
	switch {
	case d.Outcome != "" && i.Closed.IsZero():
		say("It ended: %s%s. Its checklist is not done yet.", ended, quoted(string(d.Reason)))
	case i.Closed.IsZero():
		say("The incident is still open.")
	case d.Outcome != "":
		say("It ended: %s%s. It was closed at %s.", ended, quoted(string(d.Reason)), t.Closed)
	default:
		say("It was closed at %s.", t.Closed)
	}
	return out
}

func quoted(reason string) string {
	if reason == "" {
		return ""
	}
	return ", because “" + reason + "”"
}

func after(s Span, what string) string {
	if !s.Known {
		return ""
	}
	return ", " + s.String() + " after " + what
}

// cause returns what the journal suspects, the likeliest first; for a component
// rolled back without a suspicion, what ran when that was confirmed.
func (b *builder) cause() Cause {
	c := Cause{Note: "A suspicion, to be confirmed by a person."}
	for _, s := range b.i.Suspects {
		words := "released shortly before the incident was opened"
		if !b.i.Onset.IsZero() {
			words = "released " + s.Distance()
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
	for _, a := range b.i.Attempts {
		for _, w := range a.Writes {
			p := w.Plan
			if p.Role != model.RoleRelease {
				continue
			}
			if !seen[p.Component] && !later(p) && !slices.ContainsFunc(c.Suspects, func(s Culprit) bool { return string(s.Component) == p.Component }) {
				c.Suspects = append(c.Suspects, Culprit{Component: Text(p.Component), Version: Text(p.From.Full()), Text: "it ran when the rollback was confirmed"})
			}
			seen[p.Component] = true
			if len(p.Changes) > 0 {
				c.Diffs = append(c.Diffs, Diffed{Component: Text(p.Component), From: Text(p.From.Label), To: Text(p.To.Label), Lines: changes(p.Changes)})
			}
		}
	}
	switch {
	case len(c.Suspects) == 0:
		c.Note = "No suspect is known: nothing was seen to have changed shortly before the onset. The cause is to be found by a person."
	case b.i.Hold.Green && len(b.i.Attempts) > 0:
		c.Note = "A suspicion, to be confirmed by a person: the figures were good again after the rollback."
	}
	return c
}

// changes are one a line: "- " what went, "+ " what came, both for what changed,
// "! " where only that is known.
func changes(all []model.Change) (out []Text) {
	for _, ch := range all {
		what := strings.TrimSpace(ch.Kind + " " + ch.What)
		if ch.From == ch.To { // a value that is not kept: "changed"
			out = append(out, Text(strings.TrimSuffix("! "+what+": "+ch.From, ": ")))
			continue
		}
		if ch.From != "" {
			out = append(out, Text("- "+what+": "+ch.From))
		}
		if ch.To != "" {
			out = append(out, Text("+ "+what+": "+ch.To))
		}
	}
	return out
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

// number is a count as a person writes it. Prometheus extrapolates to the window's
// ends, so that what it counts is not whole.
func number(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for n := len(s) - 3; n > 0 && s[n-1] != '-'; n -= 3 {
		s = s[:n] + "," + s[n:]
	}
	return "about " + s
}

func minutes(v float64) string {
	s := strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	if s == "1" {
		return "1 minute"
	}
	return s + " minutes"
}

// picName is a picture whose name may stand in a link. The manifest is a file that
// anybody may have changed.
var picName = regexp.MustCompile(`^[A-Za-z0-9._/-]+\.svg$`)

func (b *builder) evidence() Kept {
	m := b.kept
	if m == nil {
		return Kept{Text: "nothing: no evidence was gathered"}
	}
	k := Kept{}
	var bytes int64
	newest := map[string]Text{}
	var order []string
	for _, f := range m.Files {
		bytes += f.Bytes
		words := f.Source
		if f.Note != "" {
			words += " (" + f.Note + ")"
		}
		k.Files = append(k.Files, Item{Text(f.Name), Text(words)})
		if picName.MatchString(f.Name) {
			if newest[f.Source] == "" {
				order = append(order, f.Source)
			}
			newest[f.Source] = Text(Folder + "/" + f.Name)
		}
	}
	for _, s := range order {
		k.Pictures = append(k.Pictures, newest[s])
	}
	for _, x := range m.Missing {
		k.Missing = append(k.Missing, Item{Text(x.What), Text(x.Why)})
	}
	k.Text = Text(fmt.Sprintf("%d files, %s, in the folder %s", len(m.Files), size(bytes), Folder))
	return k
}
