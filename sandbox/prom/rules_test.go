package prom_test

import (
	"math"
	"slices"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/prometheus/model/value"
)

// A rule whose evaluation fails says so; what it found before stays as it was,
// and goes on when it succeeds again.
func TestRuleFailsForAWhile(t *testing.T) {
	b := newBedOf(t, []byte(`
groups:
- name: a
  rules:
  - {alert: A, expr: 'x * on () y > 0', for: 30s, annotations: {text: "{{ $value }}"}}
  - {record: r, expr: 'x * on () y'}
`))
	put := func(name, kind string, v float64) {
		t.Helper()
		if err := b.Append(b.now, map[string]string{"__name__": name, "kind": kind}, v); err != nil {
			t.Fatal(err)
		}
	}
	rules := func() (v1.AlertingRule, v1.RecordingRule) {
		t.Helper()
		all, err := b.api.Rules(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return all.Groups[0].Rules[0].(v1.AlertingRule), all.Groups[0].Rules[1].(v1.RecordingRule)
	}
	if a, r := rules(); a.State != "unknown" || a.Health != "unknown" || r.Health != "unknown" || !r.LastEvaluation.IsZero() {
		t.Errorf("before the first evaluation: %+v, %+v", a, r)
	}
	for i, step := range []struct {
		ambiguous     bool
		health, state string
	}{
		{false, "ok", "pending"},
		{true, "err", "pending"},
		{true, "err", "pending"},
		{false, "ok", "firing"},
	} {
		b.now = start.Add(time.Duration(i) * 15 * time.Second)
		put("x", "", float64(i+1))
		put("y", "", 1)
		if step.ambiguous {
			put("y", "second", 1)
		} else if i > 0 {
			put("y", "second", math.Float64frombits(value.StaleNaN))
		}
		b.Eval(b.now)
		a, r := rules()
		if string(a.Health) != step.health || string(r.Health) != step.health || (a.LastError != "") != step.ambiguous || a.State != step.state {
			t.Errorf("%d: %+v, %+v", i, a, r)
		}
		if len(a.Alerts) != 1 || !a.Alerts[0].ActiveAt.Equal(start) || !a.LastEvaluation.Equal(b.now) {
			t.Fatalf("%d: %+v", i, a)
		}
		if v := a.Alerts[0].Value; i == 2 && v != "1e+00" || i == 3 && v != "4e+00" {
			t.Errorf("%d: value %s", i, v)
		}
		if got := b.value("r"); i < 3 && got != "1" || i == 3 && got != "4" {
			t.Errorf("%d: r is %q", i, got)
		}
	}
}

// Alerts come in the order of the rules, and then of their labels.
func TestAlertsAreInOrder(t *testing.T) {
	b := newBedOf(t, []byte(`groups: [{name: a, rules: [{alert: Z, expr: x, for: 1h}, {alert: A, expr: x}]}]`))
	for _, kind := range []string{"c", "a", "b"} {
		if err := b.Append(start, map[string]string{"__name__": "x", "kind": kind}, 1); err != nil {
			t.Fatal(err)
		}
	}
	b.Eval(start)
	all, err := b.api.Alerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range all.Alerts {
		got = append(got, string(a.Labels["alertname"]+a.Labels["kind"]))
	}
	if want := []string{"Za", "Zb", "Zc", "Aa", "Ab", "Ac"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
