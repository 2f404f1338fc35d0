package metrics

import (
	"context"
	"time"

	"rollbook/model"
)

// Window reads the figures of a window that lies behind, for the post-mortem:
// error ratio, P95, requests and targets up, one series for each of them and
// each target that is measured, at steps of 15 s or the scrape interval (longer
// ones in a window of more than six hours). A series without samples says why.
// The error is for when Prometheus could not be asked at all.
func (c *Client) Window(ctx context.Context, targets []model.Target, from, to time.Time) ([]model.Series, error) {
	r, err := c.ranged(ctx, targets, from, to, false, true)
	if err != nil {
		return nil, err
	}
	var out []model.Series
	for _, f := range []struct {
		name, unit string
		limit      float64
		query      func(t *rangedTarget) string
		at         func(*rangedTarget, int) (model.Sample, string)
	}{
		{"error-ratio", "ratio", c.opt.Limits.Errors, r.errorsQuery, r.errorsAt},
		{"p95", "seconds", c.opt.Limits.P95.Seconds(), r.p95Query, r.p95At},
		{"requests", "requests per second", 0, r.requestsQuery, r.requestsAt},
		{"up", "targets", 0, func(t *rangedTarget) string { return c.opt.Preset.show(t.Target).up("sum") }, r.upAt},
	} {
		for _, t := range r.targets {
			s := model.Series{Component: t.ID, Figure: f.name, Unit: f.unit, Limit: f.limit, Query: f.query(t)}
			for i := range r.g.n {
				v, why := f.at(t, i)
				if why != "" {
					s.Why = why
					continue
				}
				v.At = r.g.time(i)
				s.Samples = append(s.Samples, v)
			}
			if len(s.Samples) > 0 {
				s.Why = ""
			}
			out = append(out, s)
		}
	}
	return out, nil
}

func (r *ranged) errorsQuery(t *rangedTarget) string {
	if t.Errors != "" {
		return t.Errors
	}
	return r.c.opt.Preset.show(t.Target).errors(r.label(t), r.short)
}

func (r *ranged) p95Query(t *rangedTarget) string {
	if t.P95 != "" {
		return t.P95
	}
	return r.c.opt.Preset.show(t.Target).p95(r.short)
}

func (r *ranged) requestsQuery(t *rangedTarget) string {
	if t.Requests != "" {
		return t.Requests
	}
	s := r.c.opt.Preset.show(t.Target)
	return "sum(rate(" + s.preset.Requests + "{" + s.selector + "}" + s.window(r.short) + "))"
}
