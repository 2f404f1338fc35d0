package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// An error budget is at risk only when it is spent too fast over both windows of a
// pair; what is not known is never a no.
func TestBurn(t *testing.T) {
	known := func(v float64) model.Reading { return model.Reading{Known: true, Value: v, At: t0} }
	none := model.Reading{Why: "no traffic in 1h"}
	burn := func(five, half, hour, six, left model.Reading) model.Burn {
		return model.Burn{FiveMinutes: five, HalfHour: half, Hour: hour, SixHours: six, Left: left}
	}
	for _, tt := range []struct {
		name    string
		burn    model.Burn
		no      bool // no SLO
		answer  model.Tri
		verdict Verdict
		text    string
	}{
		{"no SLO", burn(known(31), known(31), known(31), known(6), known(.9)), true, model.TriNo, YourCall, "no rollout is stuck; SLO: not set up"},
		{"fast", burn(known(31), known(31), known(31), known(3), known(.95)), false, model.TriYes, Within10, "error budget of shop: burn 31 over 1h and 5m (limit 14.4), the budget (95% left) is gone in 22h"},
		{"exactly", burn(known(14.4), known(0), known(14.4), known(0), known(1)), false, model.TriYes, Within10, "burn 14 over 1h and 5m"},
		{"slow", burn(known(7), known(7), known(7), known(6), none), false, model.TriYes, Within10, "burn 6 over 6h and 30m (limit 6), a full budget is gone in 5d"},
		{"spent", burn(known(20), known(20), known(20), known(20), known(-.1)), false, model.TriYes, Within10, "the budget is spent"},
		{"over already", burn(known(0), known(14), known(31), known(8), known(.9)), false, model.TriYes, Within10, "over 6h and 30m"},
		{"the short windows are well", burn(known(0), known(1), known(31), known(8), known(.9)), false, model.TriNo, YourCall, "no rollout is stuck; SLO 99.9%: highest burn over 1h 31.0 on shop"},
		{"just begun", burn(known(31), known(5), known(5), known(1), known(.9)), false, model.TriNo, YourCall, "highest burn over 1h 5.0 on shop"},
		{"unknown", burn(none, none, none, none, none), false, model.TriUnknown, YourCall, "no rollout is stuck; SLO 99.9%: shop: no traffic in 1h"},
		{"unknown, and it may be", burn(known(31), known(1), none, known(1), known(1)), false, model.TriUnknown, YourCall, "no traffic in 1h"},
		{"unknown, and it cannot be", burn(known(1), known(1), none, none, known(1)), false, model.TriNo, YourCall, "no burn known"},
		{"a lower bound", burn(model.Reading{Known: true, AtLeast: true, At: t0}, known(1), known(31), known(1), known(1)), false, model.TriUnknown, YourCall, ""},
		{"not measured yet", model.Burn{}, false, model.TriUnknown, YourCall, "not measured yet"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Snapshot{Now: t0.Add(time.Second)}
			s.Incident.Settings = Settings{Limits: model.DefaultLimits(), Objective: .999, Period: 30 * 24 * time.Hour, Scrape: 15 * time.Second, Poll: 5 * time.Second}
			if tt.no {
				s.Incident.Settings.Objective = 0
			}
			s.Seen.Cluster.Heard = t0
			s.Seen.Board = []*model.Component{{ID: "shop", Desired: 1, Ready: 1, Available: 1}}
			well := figure(repeat(0.03, 121)...)
			s.Seen.Figures = map[string]*model.Figures{"shop": {Errors: well, P95: well, Burn: tt.burn}}
			d := &decider{s: s}
			d.triggers()
			s = d.s
			nodes := Tree(&s)
			n := nodes[3]
			if n.Answer != tt.answer || !strings.Contains(n.Text, tt.text) {
				t.Errorf("%s: %s", n.Answer, n.Text)
			}
			rose := d.s.Incident.Trigger("shop", TBurn)
			if against := EndAgainst(&d.s); rose != nil && (!strings.Contains(against, "shop burns its error budget") || strings.Contains(against, "stuck")) {
				t.Errorf("against the end stands %q", against)
			}
			if (rose != nil) != (tt.answer == model.TriYes) {
				t.Errorf("trigger %+v", rose)
			}
			if rose != nil && (rose.Onset.IsZero() || rose.Onset.After(t0) || rose.Value < rose.Limit) {
				t.Errorf("trigger %+v", rose)
			}
			if v, why := VerdictOf(&s, nodes); tt.answer == model.TriYes && v != tt.verdict || tt.answer != model.TriYes && v == Within10 {
				t.Errorf("verdict %s: %s", v.Name(), why)
			}
			if running, _, _ := downNow(&d.s); running {
				t.Error("a budget that burns is no downtime")
			}
		})
	}
}
