package model

import (
	"fmt"
	"time"
)

// Tri is an answer. The zero value is unknown.
type Tri int

// The answers.
const (
	TriUnknown Tri = iota
	TriNo
	TriYes
)

var tris = Names{"unknown", "no", "yes"}

// String returns the answer's name, as it stands in a journal.
func (t Tri) String() string { return tris.Of(int(t)) }

// MarshalText gives the answer's name.
func (t Tri) MarshalText() ([]byte, error) { return tris.Text(int(t)) }

// UnmarshalText reads the answer's name; one that is not known is an error.
func (t *Tri) UnmarshalText(b []byte) error { return tris.Parse("answer", b, (*int)(t)) }

// Reading is a value with its time and source, or unknown with the reason. The
// zero value is unknown.
type Reading struct {
	Known   bool      `json:"known"`
	Value   float64   `json:"value,omitempty"`   // ratio 0..1, seconds, or a count, as the field that holds it says
	AtLeast bool      `json:"atLeast,omitempty"` // Value is a lower bound: a quantile in the +Inf bucket
	At      time.Time `json:"at,omitzero"`       // the newest sample's own timestamp
	Query   string    `json:"query,omitempty"`   // the PromQL, or the field of the cluster
	Why     string    `json:"why,omitempty"`     // when not Known: no series, no traffic, forbidden, 3 requests …
}

// Unknown is a reading that could not be had, with the reason.
func Unknown(query, why string, args ...any) Reading {
	return Reading{Query: query, Why: fmt.Sprintf(why, args...)}
}

// Stale returns r, or, when its sample is older than limit, unknown that says
// so. Stale figures are shown with their age and count as unknown.
func (r Reading) Stale(now time.Time, limit time.Duration) Reading {
	if r.Known && now.Sub(r.At) > limit {
		return Reading{Query: r.Query, At: r.At, Why: "stale since " + Short(now.Sub(r.At))}
	}
	return r
}

// Sample is one step of a figure. V is never NaN: a step without a value is
// absent.
type Sample struct {
	At      time.Time `json:"at"`
	V       float64   `json:"v"`
	AtLeast bool      `json:"atLeast,omitempty"`
}

// Figure is a measured quantity of one component: what it is now and how it
// went. Samples are one per step, oldest first, absent where nothing is known.
type Figure struct {
	Now     Reading
	Samples []Sample
	Step    time.Duration
	Window  time.Duration // that the newest one looks back on; 0 = not known
}

// Figures are what Prometheus says of one component. All ratios are 0..1, all
// times seconds.
type Figures struct {
	// At is Prometheus' own time when these figures were read; zero = it could not
	// be asked. A reading was At − Reading.At old then, whatever this machine's
	// clock says.
	At       time.Time
	Errors   Figure  // error ratio over one minute (five when there were few requests)
	P95      Figure  // 95th percentile of the latency, seconds, same windows
	Requests Reading // requests in the last minute
	Up       Reading // targets that are up
	Targets  Reading // targets that should be
	// HoldErrors and HoldP95 are over the whole of the hold that Verify judges;
	// HoldRequests is the number of requests in it.
	HoldErrors, HoldP95, HoldRequests Reading
	// Old and New are the figures of the pods apart, over the same windows, from the
	// first new pod of a rollout that this program wrote on: of the pods that are
	// replaced, and of those that replace them. The zero value was not asked for.
	Old, New Behaviour
	// NewErrors and NewP95 are how New went since it is asked for, oldest first.
	NewErrors, NewP95 []Sample
	// Burn is how fast the error budget of the SLO is spent, where one is set up.
	Burn Burn
	// Alerts are those about the component that fire, the first first; AlertsNo is why
	// they could not be read.
	Alerts   []Alert
	AlertsNo string
	// NotMeasured says that the configuration declares that there is nothing to
	// measure: then the figures are not asked for, and are not unknown either.
	NotMeasured bool
	// Fresh is how old the newest sample may be: two scrape intervals, as they
	// were found, and a poll. 0 = by the settings.
	Fresh time.Duration
}

// Readings returns all readings of the figures.
func (f *Figures) Readings() [19]*Reading {
	return [19]*Reading{&f.Errors.Now, &f.P95.Now, &f.Requests, &f.Up, &f.Targets, &f.HoldErrors, &f.HoldP95, &f.HoldRequests,
		&f.Old.Errors, &f.Old.P95, &f.Old.Requests, &f.New.Errors, &f.New.P95, &f.New.Requests,
		&f.Burn.FiveMinutes, &f.Burn.HalfHour, &f.Burn.Hour, &f.Burn.SixHours, &f.Burn.Left}
}

// Alert is one of Prometheus' alerts that fires.
type Alert struct {
	Name     string
	Severity string    // as its rule labels it ("page"); "" = it does not
	Since    time.Time // when it began to fire
	Before   bool      // it began earlier: Since is only as far as was looked back
}

// Burn is how many times too fast a component spends the error budget of the SLO, over
// several windows: its error ratio ÷ (1 − objective). At 1 the budget lasts for just
// the period.
type Burn struct {
	FiveMinutes, HalfHour, Hour, SixHours Reading
	Left                                  Reading // the share of the period's budget that is left; below 0 = overspent
}

// Baseline is how a component did in the hour before the onset.
type Baseline struct {
	Errors Reading `json:"errors"`
	P95    Reading `json:"p95"`
}

// Behaviour is how some pods did: those of one revision, or one side of a rollout.
type Behaviour struct {
	Errors   Reading `json:"errors,omitzero"`   // error ratio over the window: all that a revision served before the given time
	P95      Reading `json:"p95,omitzero"`      // seconds
	Requests Reading `json:"requests,omitzero"` // how many that rests on
}

// Series is one figure of one component over a window, as kept for later.
type Series struct {
	Component string   `json:"component"`
	Figure    string   `json:"figure"` // "error-ratio", "p95", "requests", "up"
	Unit      string   `json:"unit"`   // "ratio", "seconds", "requests per second", "targets"
	Query     string   `json:"query,omitempty"`
	Limit     float64  `json:"limit,omitempty"` // the trigger's; 0 = none
	Samples   []Sample `json:"samples,omitempty"`
	Why       string   `json:"why,omitempty"` // why there are none
}
