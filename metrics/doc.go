// Package metrics asks Prometheus how the components do: error ratio, 95th
// percentile of the latency, requests, targets that are up; now, over the last
// half hour, over Verify's hold, before the onset, and per revision.
//
// What it promises:
//
//   - A figure is a value with the time of the newest sample that it rests on,
//     or unknown with the reason. Nothing that was not seen is ever a zero: no
//     series, no traffic, too few requests, NaN, a dead exporter, an incomplete
//     or failed answer are all unknown.
//   - One query for a figure over all components, not one each. Only PromQL that
//     the configuration gives for a component is asked by itself.
//   - Every query is a GET: through the API server's service proxy a POST needs
//     a right to create, and a read-only transport lets no POST through.
//   - All times are Prometheus' own. This package reads no clock: each round asks
//     the server for its time(), so a laptop whose clock is off by minutes does not ask
//     for a future without samples, nor take old samples for new ones.
//   - Errors say what failed, on what, why and what to do, and hold no credentials.
//
// How it is built, from below: a reader is given a question and returns a whole
// answer, sorted by whose the series are, or an error (reader.go). A scope makes
// the questions about some components from what the preset knows (query.go,
// preset.go; a preset is one file: http.go). Signals are the answers for one window
// (signals.go); an inquiry says which components share a question (group.go). Poll,
// Window, Impact, Behaviour, Baseline, Own and Check each make figures of that.
package metrics
