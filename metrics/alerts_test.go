package metrics

import (
	"testing"
	"testing/synctest"
	"time"

	"rollbook/model"
)

// The alerts of a component are those that fire and name it, each since its run began.
func TestAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := historyUntil(fakeNow, 70*time.Minute, 15*time.Second)
		h.app(app{namespace: "prod", pod: "shop-7c9f5d8-2kq4x", ok: steady(10)})
		h.app(app{namespace: "prod", pod: "other-7c9f5d8-2kq4x", ok: steady(10)})
		alert := func(name string, from, to time.Duration, labels ...string) {
			m := map[string]string{"alertname": name, "alertstate": "firing"}
			for i := 0; i < len(labels); i += 2 {
				m[labels[i]] = labels[i+1]
			}
			h.add("ALERTS", m, func(since time.Duration) (float64, bool) {
				return 1, since >= 70*time.Minute-from && since <= 70*time.Minute-to
			})
		}
		m := time.Minute
		alert("ByApp", 5*m, 0, "namespace", "prod", "app", "shop")
		alert("ByJob", 4*m, 0, "job", "prod/shop")
		alert("ByPod", 3*m, 0, "namespace", "prod", "pod", "shop-7c9f5d8-2kq4x")
		alert("ForLong", 60*m, 0, "namespace", "prod", "deployment", "shop")
		alert("Over", 20*m, 10*m, "namespace", "prod", "app", "shop")
		alert("Again", 25*m, 15*m, "namespace", "prod", "app", "shop")
		alert("Again", 2*m, 0, "namespace", "prod", "app", "shop", "run", "2")
		alert("Elsewhere", 5*m, 0, "namespace", "staging", "app", "shop")
		alert("Another", 5*m, 0, "namespace", "prod", "app", "other")
		alert("AnotherPod", 5*m, 0, "namespace", "prod", "app", "shop", "pod", "stranger")
		alert("OfNobody", 5*m, 0, "namespace", "prod")
		c := h.sandboxed(t).client(t)
		got, err := ask(c, 0, seen("shop", "shop-7c9f5d8-2kq4x"), deploy("other"))
		if err != nil {
			t.Fatal(err)
		}
		want := []model.Alert{{Name: "ForLong", Since: fakeNow.Add(-30 * m), Before: true}, {Name: "ByApp", Since: fakeNow.Add(-5 * m)},
			{Name: "ByJob", Since: fakeNow.Add(-4 * m)}, {Name: "ByPod", Since: fakeNow.Add(-3 * m)}, {Name: "Again", Since: fakeNow.Add(-2 * m)}}
		all := got["shop"].Alerts
		if len(all) != len(want) {
			t.Fatalf("%+v", all)
		}
		for i, w := range want {
			if a := all[i]; a.Name != w.Name || a.Before != w.Before || a.Since.Sub(w.Since).Abs() > 30*time.Second {
				t.Errorf("%+v, want %+v", a, w)
			}
		}
		if other := got["other"].Alerts; len(other) != 1 || other[0].Name != "Another" {
			t.Errorf("%+v", other)
		}
	})
}
