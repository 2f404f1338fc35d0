package incident

import (
	"fmt"
	"time"

	"rollbook/model"
)

// burnPairs are the windows by which the error budget of an SLO is judged, and how many
// times too fast it must be spent over both: 2 % of a month's budget in an hour, 5 % in
// six (The Site Reliability Workbook, chapter 5). The short window lets it fall soon
// after the errors have ended.
var burnPairs = []struct {
	limit       float64
	text        string
	long, short func(*model.Burn) *model.Reading
}{
	{14.4, "1h and 5m", func(b *model.Burn) *model.Reading { return &b.Hour }, func(b *model.Burn) *model.Reading { return &b.FiveMinutes }},
	{6, "6h and 30m", func(b *model.Burn) *model.Reading { return &b.SixHours }, func(b *model.Burn) *model.Reading { return &b.HalfHour }},
}

// burnFinding says whether a component spends the error budget of the SLO too fast.
func (l *Line) burnFinding(s *Snapshot) finding {
	set := &s.Incident.Settings
	out := finding{Trigger: Trigger{Component: l.Component.ID, Kind: TBurn}}
	switch {
	case set.Objective <= 0 || set.Objective >= 1 || l.Figures != nil && l.Figures.NotMeasured:
		out.State = model.TriNo
		return out
	case l.Figures == nil:
		out.Asked, out.Why = true, s.noFigures()
		return out
	}
	out.Asked, out.State = true, model.TriNo
	b := &l.Figures.Burn
	for _, p := range burnPairs {
		long, short := p.long(b), p.short(b)
		switch {
		case long.Known && short.Known && long.Value >= p.limit && short.Value >= p.limit:
			out.State, out.Over, out.Why = model.TriYes, true, ""
			out.Value, out.Limit, out.AtLeast, out.Query = min(long.Value, short.Value), p.limit, long.AtLeast || short.AtLeast, long.Query
			out.Onset = Over(l.Figures.Errors, p.limit*(1-set.Objective), 0).Since
			if out.Onset.IsZero() {
				out.Onset = s.Now
			}
			out.Text = fmt.Sprintf("error budget of %s: burn %.0f over %s (limit %g), %s", l.Component.ID, out.Value, p.text, p.limit, budgetGone(b, long.Value, set.Period))
			return out
		case long.Known && long.Value < p.limit && !long.AtLeast, short.Known && short.Value < p.limit && !short.AtLeast:
		default:
			out.State = model.TriUnknown
			for _, r := range []*model.Reading{long, short} {
				if !r.Known && out.Why == "" {
					out.Why = r.Why
				}
			}
			if out.Query = long.Query; out.Why == "" {
				out.Why = "the burn of the error budget is not measured yet"
			}
		}
	}
	return out
}

// budgetGone says when nothing of the period's error budget will be left, at a burn.
func budgetGone(b *model.Burn, burn float64, period time.Duration) string {
	whole := time.Duration(float64(period) / burn)
	switch {
	case !b.Left.Known:
		return "a full budget is gone in " + model.Short(whole)
	case b.Left.Value <= 0:
		return "the budget is spent"
	}
	return fmt.Sprintf("the budget (%s left) is gone in %s", model.Percent(b.Left.Value), model.Short(time.Duration(b.Left.Value*float64(whole))))
}

// slo says how the error budget stands where nothing burns too fast: by the component
// that burns fastest.
func (j *Judgement) slo(set *Settings) string {
	name := fmt.Sprintf("SLO %s", model.Percent(set.Objective))
	top, of := -1.0, ""
	for _, l := range j.Lines {
		if l.Figures == nil || !l.Figures.Burn.Hour.Known {
			continue
		}
		if v := l.Figures.Burn.Hour.Value; v > top {
			top, of = v, l.Component.ID
		}
	}
	if of == "" {
		return name + ": no burn known"
	}
	return fmt.Sprintf("%s: highest burn over 1h %.1f on %s", name, top, of)
}
