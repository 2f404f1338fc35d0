package metrics

import (
	"context"
	"math"

	"rollbook/model"
)

// Own asks the team's own checks of a target, at the same time. Of several
// samples the one counts that is nearest to breaking the limit: it must hold for
// each. "$window" in a query becomes the window of the figures.
func (c *Client) Own(ctx context.Context, t model.Target) []model.OwnSeen {
	out := make([]model.OwnSeen, len(t.Promql))
	var work tasks
	for n, q := range t.Promql {
		out[n].Name = q.Name
		work.run(func() { out[n].Reading = c.limit(ctx, q) })
	}
	work.wait()
	return out
}

func (c *Client) limit(ctx context.Context, q model.OwnCheck) model.Reading {
	query := c.filled(q.Query)
	if err := c.off(); err != nil {
		return model.Unknown(query, "%s", err)
	}
	a, err := c.ask(ctx, question{promql: query})
	switch {
	case err != nil:
		return model.Unknown(query, "%s", err)
	case a.series == 0:
		return model.Unknown(query, "no series")
	}
	of := func(n int) float64 { return float64(a.rest[n].Values[0].Value) }
	r := model.Reading{Known: true, Query: query, At: a.rest[0].Values[0].Timestamp.Time(), Value: of(0)}
	for n, s := range a.rest {
		switch v := of(n); {
		case math.IsNaN(v):
			return model.Unknown(query, "NaN for %s", named(s.Metric))
		case q.Max != nil && v > r.Value, q.Max == nil && v < r.Value:
			r.Value = v
		}
	}
	return r
}
