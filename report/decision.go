package report

import (
	"slices"
	"strings"

	"rollbook/incident"
	"rollbook/model"
)

// decision returns why it was, or was not, rolled back.
func (b *builder) decision() Decision {
	v := b.i.Verdict
	basis := v.Basis
	d := Decision{Verdict: shouted(v.Verdict, basis), Text: Text(v.Text), Overruled: v.Overruled, Reason: Text(v.Reason)}
	// With what Decide was left first is what was decided; what the figures said
	// later, while it was rolled back, is not.
	var left *incident.Moved
	each(b.facts, func(_ incident.Fact, m incident.Moved) {
		if left == nil && m.To == incident.Choose && m.Text != "" {
			left = &m
		}
	})
	if left != nil {
		basis = left.Basis
		d.Verdict, d.Text = shouted(left.Verdict, basis), Text(left.Text)
		d.Query = Text(left.Query)
	}
	// The limits that were broken are told of where it was detected.
	switch d.Figure = d.Text; basis {
	case incident.BasisLimits:
		d.Figure = ""
	case incident.BasisNothing:
		d.Figure = incident.NothingReleased
	}
	d.Warned = b.warned()
	// Ending the incident there is a decision too.
	each(b.facts, func(f incident.Fact, m incident.Moved) {
		d.NoRollback = d.NoRollback || left == nil && m.To == incident.Close && f.At.Equal(b.i.Decided)
	})
	each(b.facts, func(f incident.Fact, o incident.Overruled) {
		if b.i.Decided.IsZero() || !f.At.After(b.i.Decided) {
			d.Overruled, d.Reason = o.Verdict != o.Against, Text(o.Reason)
			d.Answers = append(d.Answers, Said{At: Moment{f.At}, By: Text(f.By), What: "verdict", Answer: verdict(o.Verdict),
				Figure: "the figures said: " + verdict(o.Against), Reason: Text(o.Reason)})
		}
	})
	if d.Query == "" && len(b.i.Triggers) > 0 {
		d.Query = Text(b.i.Triggers[0].Query)
	}
	each(b.facts, func(f incident.Fact, s incident.Said) {
		a := s.Answer
		word := map[model.Tri]Text{model.TriYes: "yes", model.TriNo: "no"}[a.Answer]
		if word == "" {
			word = "unknown"
		}
		d.Answers = append(d.Answers, Said{At: Moment{a.At}, By: Text(a.By), What: Text(question(s.Question)), Answer: word, Figure: Text(a.Figure), Reason: Text(a.Reason)})
	})
	each(b.facts, func(f incident.Fact, o incident.CheckOverridden) {
		d.Overrides = append(d.Overrides, Said{At: Moment{f.At}, By: Text(f.By), What: Text(o.Component + ": " + o.Text), Answer: "overridden", Reason: Text(o.Reason)})
	})
	slices.SortStableFunc(d.Answers, func(x, y Said) int { return x.At.Compare(y.At.Time) })
	return d
}

// ownerCheck begins the IDs of the checks that tell who else sets a component's version.
const ownerCheck = "owner."

// warned are the lines of the checks before the writes that were not plainly good, each
// once, less those that were overridden, which are told of with the reason.
func (b *builder) warned() (out []Item) {
	overridden := map[string]bool{}
	each(b.facts, func(_ incident.Fact, o incident.CheckOverridden) { overridden[o.Component+"/"+o.Text] = true })
	each(b.facts, func(_ incident.Fact, c incident.Confirmed) {
		for _, k := range c.Checks {
			x := Item{Text(k.Component), Text(k.Text)}
			good := k.State == model.CheckOK || k.State == model.CheckNote && !strings.HasPrefix(k.ID, ownerCheck)
			if !good && !overridden[k.Component+"/"+k.Text] && !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
	})
	return out
}

// shouted is verdict for one that may have nothing to roll back.
func shouted(v incident.Verdict, basis incident.Basis) Text {
	return Text(strings.ToLower(incident.Shouted(v, basis)))
}

// verdict returns the words of a verdict that the screen has in capitals, as they stand in
// a sentence.
func verdict(v incident.Verdict) Text { return Text(strings.ToLower(v.Name())) }

// question names what was answered, with its row of the runbook.
func question(q incident.Question) string {
	return map[incident.Question]string{incident.QErrors: "error ratio over its limit (D1)", incident.QP95: "P95 over its limit (D2)",
		incident.QCritical: "critical feature broken (D3)", incident.QSLO: "error budget or stuck rollout (D4)",
		incident.QDataLoss: "data loss (W4)", incident.QSecurity: "security hole exploited (W5)"}[q]
}
