package metrics

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"rollbook/model"
)

// Impact reads what a window cost: requests that failed, requests in all, the
// minutes over a limit and those of which nothing is known, and the share of the
// SLO's budget. What is not known says why; components that are not measured are
// absent. The error is for when Prometheus could not be asked at all.
func (c *Client) Impact(ctx context.Context, w model.ImpactOf) (model.Impact, error) {
	out := model.Impact{From: w.From, To: w.To, Objective: w.Objective, Period: w.Period}
	r, err := c.ranged(ctx, w.Targets, w.From, w.To, true, false)
	if err != nil {
		return out, err
	}
	out.From, out.To = r.from, r.to
	over := make([]bool, r.at.n)
	known := make([]bool, r.at.n)
	var conditions, values []string
	for _, t := range r.targets {
		i := model.ComponentImpact{Component: t.ID}
		i.Failed, i.Requests = r.totals(t)
		condition := fmt.Sprintf("%s > %s or %s > %s", r.errorsQuery(t), number(w.Limits.Errors), r.p95Query(t), number(w.Limits.P95.Seconds()))
		conditions = append(conditions, condition)
		values = append(values, r.errorsQuery(t)+" >= 0")
		i.MinutesOver, i.NoData = r.minutes(t, w.Limits, condition, over, known)
		i.BudgetShare = r.budget(t, w, i)
		out.Components = append(out.Components, i)
	}
	out.All = r.all(w, out.Components, strings.Join(conditions, " or "), strings.Join(values, " or "), over, known)
	return out, nil
}

// totals are the requests of the whole window.
func (r *ranged) totals(t *asked) (failed, requests model.Reading) {
	q := t.shown.until(r.to)
	if t.Errors != "" {
		u := model.Unknown(t.Errors, "own PromQL tells a ratio, not how many requests")
		return u, u
	}
	if t.g == nil {
		u := model.Unknown("", "%s", t.off)
		return u, u
	}
	counted := t.g.whole.counts[t.key]
	n, none := counted.count(0, "no series "+r.c.preset().Requests+" in "+model.Short(r.window()))
	errs, unsaid := counted.failed(0)
	why := unless(t.g.whole.cErr, none)
	return reading(errs, cmp.Or(why, unsaid), q.failed(r.outcomes(t), r.window()), r.to), reading(n, why, q.requests(r.window()), r.to)
}

// minutes counts the steps over a limit, and those of which nothing is known.
// over and known are marked where this target is.
func (r *ranged) minutes(t *asked, l model.Limits, condition string, over, known []bool) (bad, none model.Reading) {
	query := r.minutesQuery(condition)
	overs, unknowns, last := 0, 0, ""
	for i := range r.at.n {
		e, noErrors := r.errorsAt(t, i)
		p, noP95 := r.p95At(t, i)
		switch {
		case noErrors == "" && e.V > l.Errors, noP95 == "" && (p.V > l.P95.Seconds() || p.AtLeast && p.V >= l.P95.Seconds()):
			overs++
			over[i], known[i] = true, true
		case noErrors != "" || e.AtLeast:
			unknowns, last = unknowns+1, noErrors
		default:
			known[i] = true
		}
	}
	none = model.Reading{Known: true, Value: r.inMinutes(unknowns), At: r.to, Query: r.noDataQuery(r.errorsQuery(t) + " >= 0")}
	if unknowns == r.at.n {
		return model.Unknown(query, "%s", last), none
	}
	return model.Reading{Known: true, Value: r.inMinutes(overs), At: r.to, Query: query}, none
}

// noDataQuery counts the steps at which there is no value.
func (r *ranged) noDataQuery(values string) string {
	return fmt.Sprintf("(%d - (count_over_time((%s)[%s:%s] @ %d) or vector(0))) * %s", r.at.n, values, dur(r.window()), dur(r.at.res), r.to.Unix(), number(r.at.res.Minutes()))
}

// minutesQuery counts the steps at which a condition holds.
func (r *ranged) minutesQuery(condition string) string {
	return fmt.Sprintf("count_over_time((%s)[%s:%s] @ %d) * %s", condition, dur(r.window()), dur(r.at.res), r.to.Unix(), number(r.at.res.Minutes()))
}

func (r *ranged) inMinutes(steps int) float64 { return float64(steps) * r.at.res.Minutes() }

// budget is how much of a whole period's error budget the window spent: burn
// rate × window ÷ period, the burn rate being the error ratio ÷ (1 − objective)
// (The Site Reliability Workbook, chapter 5). It takes the traffic of the window
// for that of the period, and so needs no sample older than the incident.
func (r *ranged) budget(t *asked, w model.ImpactOf, i model.ComponentImpact) model.Reading {
	q := t.shown.until(r.to)
	query, ratio, why := q.errors(r.outcomes(t), r.window()), 0.0, ""
	if t.Errors != "" {
		query = fmt.Sprintf("avg_over_time((%s)[%s:%s] @ %d)", t.Errors, dur(r.window()), dur(r.at.res), r.to.Unix())
		ratio, why = r.mean(t)
	} else {
		ratio, why = quotient(i.Failed, i.Requests)
	}
	out := r.spent(w, ratio, why, query)
	out.AtLeast = out.Known && i.Failed.AtLeast
	return out
}

// spent is the budget of a window with an error ratio, or why that is not known.
func (r *ranged) spent(w model.ImpactOf, ratio float64, why, query string) model.Reading {
	if w.Objective <= 0 || w.Objective >= 1 || w.Period <= 0 {
		return model.Reading{Why: "no SLO is set up"}
	}
	window, period := r.window().Seconds(), w.Period.Seconds()
	return reading(model.Sample{V: ratio * (window / period / (1 - w.Objective))}, why,
		fmt.Sprintf("%s / (1 - %s) * %d / %d", query, number(w.Objective), int(window), int(period)), r.to)
}

// quotient is failed ÷ requests, or why it is not known.
func quotient(failed, requests model.Reading) (float64, string) {
	switch {
	case !failed.Known:
		return 0, failed.Why
	case !requests.Known:
		return 0, requests.Why
	case requests.Value <= 0:
		return 0, "no traffic in the window"
	}
	return failed.Value / requests.Value, ""
}

// mean is the mean of the own error ratio over the steps at which it is known.
func (r *ranged) mean(t *asked) (float64, string) {
	sum, n, last := 0.0, 0, ""
	for i := range r.at.n {
		v, why := r.errorsAt(t, i)
		if why != "" {
			last = why
			continue
		}
		sum, n = sum+v.V, n+1
	}
	if n == 0 {
		return 0, last
	}
	return sum / float64(n), ""
}

// all is the sum over the components. Where some of them are unknown it is a
// lower bound.
func (r *ranged) all(w model.ImpactOf, parts []model.ComponentImpact, conditions, values string, over, known []bool) model.ComponentImpact {
	var a model.ComponentImpact
	a.Failed = r.sum(parts, func(i *model.ComponentImpact) model.Reading { return i.Failed })
	a.Requests = r.sum(parts, func(i *model.ComponentImpact) model.Reading { return i.Requests })
	overs, unknowns := 0, 0
	for i := range over {
		overs, unknowns = overs+count(over[i]), unknowns+count(!known[i])
	}
	switch query := r.minutesQuery(conditions); {
	case len(parts) == 0:
		a.MinutesOver, a.NoData = model.Unknown("", "no component is measured"), model.Unknown("", "no component is measured")
	case unknowns == r.at.n:
		a.MinutesOver = model.Unknown(query, "unknown for every component")
	default:
		a.MinutesOver = model.Reading{Known: true, Value: r.inMinutes(overs), At: r.to, Query: query}
		for _, p := range parts {
			if p.NoData.Value > 0 {
				a.MinutesOver.AtLeast = true
			}
		}
	}
	if len(parts) > 0 {
		a.NoData = model.Reading{Known: true, Value: r.inMinutes(unknowns), At: r.to, Query: r.noDataQuery(values)}
	}
	ratio, why := quotient(a.Failed, a.Requests)
	a.BudgetShare = r.spent(w, ratio, why, fmt.Sprintf("(%s) / (%s)", a.Failed.Query, a.Requests.Query))
	a.BudgetShare.AtLeast = a.BudgetShare.Known && a.Failed.AtLeast
	return a
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sum adds up what is known.
func (r *ranged) sum(parts []model.ComponentImpact, of func(*model.ComponentImpact) model.Reading) model.Reading {
	var queries, lacking []string
	s := model.Reading{At: r.to}
	for n := range parts {
		p := of(&parts[n])
		if !p.Known {
			lacking = append(lacking, parts[n].Component)
			continue
		}
		s.Known = true
		s.Value += p.Value
		s.AtLeast = s.AtLeast || p.AtLeast
		queries = append(queries, p.Query)
	}
	s.Query = strings.Join(queries, " + ")
	switch {
	case len(parts) == 0:
		return model.Unknown("", "no component is measured")
	case !s.Known:
		return model.Unknown("", "unknown for every component")
	case len(lacking) > 0:
		s.AtLeast, s.Why = true, "without "+strings.Join(lacking, ", ")
	}
	return s
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
