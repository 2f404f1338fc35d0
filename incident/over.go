package incident

import (
	"time"

	"rollbook/model"
)

// Run is how long a figure has been over its limit.
type Run struct {
	State model.Tri     // over now (yes), not over (no), unknown
	Since time.Time     // first sample of the run over the limit; zero when not over
	For   time.Duration // from Since to the newest sample
	Held  bool          // over for as long as the trigger asks
	Why   string        // why it is unknown
	// AtLeast: it is unknown because only a lower bound of it is known, which is under
	// the limit.
	AtLeast bool
}

// lowerBound says what is known of a figure of which only a lower bound is.
func lowerBound(kind TriggerKind, v float64) string {
	if kind == TErrors {
		return "at least " + model.Percent(v) + ": the outcome of some requests is unknown"
	}
	return "at least " + model.Seconds(v) + ": beyond the histogram's last bucket"
}

// The share of steps that must be present and over, and the widest gap between
// two samples, in steps, for a run to count as one.
const (
	runShare = 0.9
	runGap   = 2
)

// OverLimit says whether one sample is over the limit. Exactly at the limit is not
// over, but a quantile in the +Inf bucket is only known to be at least its
// value: it is over when that bound reaches the limit, and unknown below it.
func OverLimit(s model.Sample, limit float64) model.Tri {
	switch {
	case s.V > limit, s.AtLeast && s.V >= limit:
		return model.TriYes
	case s.AtLeast:
		return model.TriUnknown
	}
	return model.TriNo
}

// Over judges a figure against a limit that it must exceed for `want`: of the
// steps up to the newest sample at least 90 % are present and over, the newest
// too, with no gap above two steps. A figure that is not known now is unknown,
// whatever its samples were.
func Over(f model.Figure, limit float64, want time.Duration) Run {
	if !f.Now.Known || len(f.Samples) == 0 || f.Step <= 0 {
		why := f.Now.Why
		if why == "" {
			why = unmeasured
		}
		return Run{Why: why}
	}
	last := len(f.Samples) - 1
	newest := f.Samples[last]
	switch OverLimit(newest, limit) {
	case model.TriNo:
		return Run{State: model.TriNo}
	case model.TriUnknown:
		return Run{AtLeast: true}
	}
	run := Run{State: model.TriYes, Since: newest.At}
	overs := 0
	for i := last; i >= 0; i-- {
		s := f.Samples[i]
		if i < last && f.Samples[i+1].At.Sub(s.At) > runGap*f.Step {
			break
		}
		if OverLimit(s, limit) != model.TriYes {
			continue
		}
		overs++
		steps := int(newest.At.Sub(s.At)/f.Step) + 1
		if float64(overs) >= runShare*float64(steps) {
			run.Since = s.At
		}
	}
	run.For = newest.At.Sub(run.Since)
	run.Held = run.For >= want && shareOver(f, limit, newest.At.Add(-want)) >= runShare
	return run
}

// shareOver is the share of the steps from `from` to the newest sample that are
// present and over.
func shareOver(f model.Figure, limit float64, from time.Time) float64 {
	newest := f.Samples[len(f.Samples)-1].At
	steps := int(newest.Sub(from)/f.Step) + 1
	overs := 0
	for _, s := range f.Samples {
		if !s.At.Before(from) && OverLimit(s, limit) == model.TriYes {
			overs++
		}
	}
	return float64(overs) / float64(steps)
}

// UnderSince is the first sample of the run at or under the limit that lasts to
// the newest sample, with no gap above two steps; zero when the newest is over
// or unknown.
func UnderSince(f model.Figure, limit float64) time.Time {
	var since time.Time
	if !f.Now.Known {
		return since
	}
	for i := len(f.Samples) - 1; i >= 0; i-- {
		s := f.Samples[i]
		if OverLimit(s, limit) != model.TriNo {
			break
		}
		if i < len(f.Samples)-1 && f.Samples[i+1].At.Sub(s.At) > runGap*f.Step {
			break
		}
		since = s.At
	}
	return since
}

// Trend says where a figure goes, by the last three samples: falling, rising, or "".
func Trend(f model.Figure) string {
	n := len(f.Samples)
	if n < 3 {
		return ""
	}
	a, b := f.Samples[n-3].V, f.Samples[n-1].V
	switch {
	case b < a*0.9:
		return "falling"
	case b > a*1.1:
		return "rising"
	}
	return ""
}
