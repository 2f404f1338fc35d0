package metrics

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/model"
)

// The burn of an error budget is the error ratio of its windows against the objective,
// and what is left of the budget counts what was spent in the period.
func TestBurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := historyUntil(fakeNow, 12*time.Hour, 15*time.Second)
		since := 12*time.Hour - 70*time.Minute
		h.app(app{namespace: "prod", pod: "shop-7c9f5d8-2kq4x", ok: changing(since, 10, 9.7), bad: changing(since, 0, 0.3), le: "0.25"})
		h.app(app{namespace: "prod", pod: "well-7c9f5d8-2kq4x", ok: steady(10), le: "0.25"})
		h.app(app{namespace: "prod", pod: "idle-7c9f5d8-2kq4x", ok: steady(0), le: "0.25"})
		own := ownTarget("own", `sum(rate(http_requests_total{pod=~"shop-.*",status="503"}[1m])) / sum(rate(http_requests_total{pod=~"shop-.*"}[1m])) or vector(0)`, "", "")
		e := h.sandboxed(t)
		c := e.client(t)
		targets := []model.Target{deploy("shop"), deploy("well"), deploy("idle"), deploy("gone"), own}
		got, err := c.Poll(t.Context(), model.Poll{Targets: targets, Objective: 0.999, Period: 30 * 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		near := func(name string, r model.Reading, want float64) {
			t.Helper()
			if !r.Known || math.Abs(r.Value-want) > 0.02*want+1e-9 || r.At.IsZero() {
				t.Errorf("%s: %+v, want %g", name, r, want)
			}
			if a, err := c.ask(t.Context(), question{promql: r.Query}); err != nil || a.series != 1 || math.Abs(float64(a.rest[0].Values[0].Value)-r.Value) > 1e-6 && name != "left" {
				t.Errorf("%s: its query %s returns %+v, %v", name, r.Query, a, err)
			}
		}
		b := got["shop"].Burn
		near("5m", b.FiveMinutes, 30)
		near("30m", b.HalfHour, 30)
		near("1h", b.Hour, 30)
		near("6h", b.SixHours, 30*70./360)
		// 70 minutes of 3 % are as much as a thirtieth of the traffic of 30 days allows.
		near("left", b.Left, 1-30*70./60/(30*24))
		near("own, 1h", got["own"].Burn.Hour, 30)
		if w := got["well"].Burn; w.Hour.Value != 0 || !w.Hour.Known || w.Left.Value != 1 {
			t.Errorf("well: %+v", w)
		}
		for _, id := range []string{"idle", "gone"} {
			if x := got[id].Burn; x.Hour.Known || x.FiveMinutes.Known || x.Left.Known || x.Hour.Why == "" {
				t.Errorf("%s: %+v", id, x)
			}
		}
		if got, err = ask(c, 0, targets...); err != nil || got["shop"].Burn != (model.Burn{}) {
			t.Errorf("without an SLO: %+v %v", got["shop"].Burn, err)
		}
		// What changes slowly is not asked for at each round.
		e.asked = nil
		if _, err := c.Poll(t.Context(), model.Poll{Targets: targets[:2], Objective: 0.999, Period: 30 * 24 * time.Hour}); err != nil {
			t.Fatal(err)
		}
		for _, a := range e.asked {
			for _, window := range []string{"[1h]", "[6h]", "[30d]"} {
				if strings.Contains(a, window) {
					t.Errorf("asked again: %s", a)
				}
			}
		}
	})
}
