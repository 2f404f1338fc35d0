package metrics

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/model"
)

// The alerts of a component are those that fire and name it, each since its run began.
func TestAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const before = 4 * time.Hour
		h := historyUntil(fakeNow.Add(10*time.Minute), before+10*time.Minute, 15*time.Second)
		h.app(app{namespace: "prod", pod: "shop-7c9f5d8-2kq4x", ok: steady(10)})
		h.app(app{namespace: "prod", pod: "other-7c9f5d8-2kq4x", ok: steady(10)})
		alert := func(name string, from, to time.Duration, labels ...string) {
			m := map[string]string{"alertname": name, "alertstate": "firing"}
			for i := 0; i < len(labels); i += 2 {
				m[labels[i]] = labels[i+1]
			}
			h.add("ALERTS", m, func(since time.Duration) (float64, bool) {
				return 1, since >= before-from && since <= before-to
			})
		}
		const m, still = time.Minute, -10 * time.Minute
		alert("ByApp", 5*m, still, "namespace", "prod", "app", "shop", "severity", "page")
		alert("ByJob", 4*m, still, "job", "prod/shop")
		alert("ByPod", 3*m, 1*m, "namespace", "prod", "pod", "shop-7c9f5d8-2kq4x")
		alert("EachPod", 7*m, 0, "namespace", "prod", "app", "shop", "pod", "shop-7c9f5d8-2kq4x")
		alert("EachPod", 8*m, 0, "namespace", "prod", "app", "shop", "instance", "first in time, not in name")
		alert("Early", 100*m, still, "namespace", "prod", "app", "shop")
		alert("ForLong", 230*m, still, "namespace", "prod", "deployment", "shop")
		alert("Over", 20*m, 10*m, "namespace", "prod", "app", "shop")
		alert("Again", 25*m, 15*m, "namespace", "prod", "app", "shop")
		alert("Again", 2*m, still, "namespace", "prod", "app", "shop", "run", "2")
		alert("Elsewhere", 5*m, still, "namespace", "staging", "app", "shop")
		alert("Another", 5*m, still, "namespace", "prod", "app", "other")
		alert("AnotherPod", 5*m, still, "namespace", "prod", "app", "shop", "pod", "stranger")
		alert("Unmeasured", 5*m, still, "namespace", "prod", "statefulset", "db")
		alert("OfNobody", 5*m, still, "namespace", "prod")
		e := h.sandboxed(t)
		e.now = fakeNow
		c := e.client(t)
		db := model.Target{ID: "db", Workload: model.Workload{Kind: model.StatefulSet, Namespace: "prod", Name: "db"}, NotMeasured: true}
		targets := []model.Target{seen("shop", "shop-7c9f5d8-2kq4x"), deploy("other"), db}
		got, err := ask(c, 0, targets...)
		if err != nil {
			t.Fatal(err)
		}
		ago := func(d time.Duration) time.Time { return fakeNow.Add(-d) }
		lasting := []model.Alert{{Name: "ForLong", Since: ago(3 * time.Hour), Before: true}, {Name: "Early", Since: ago(100 * m)}}
		isOf(t, got["shop"], append(lasting, model.Alert{Name: "EachPod", Since: ago(8 * m)}, model.Alert{Name: "ByApp", Severity: "page", Since: ago(5 * m)},
			model.Alert{Name: "ByJob", Since: ago(4 * m)}, model.Alert{Name: "ByPod", Since: ago(3 * m)}, model.Alert{Name: "Again", Since: ago(2 * m)}))
		isOf(t, got["other"], []model.Alert{{Name: "Another", Since: ago(5 * m)}})
		isOf(t, got["db"], []model.Alert{{Name: "Unmeasured", Since: ago(5 * m)}})

		// Afterwards only what is new is read; what fires on began when it did.
		e.now = fakeNow.Add(9 * m)
		for range 2 {
			if got, err = ask(c, 0, targets...); err != nil {
				t.Fatal(err)
			}
			e.now = e.now.Add(m)
			isOf(t, got["shop"], append(lasting, model.Alert{Name: "ByApp", Severity: "page", Since: ago(5 * m)},
				model.Alert{Name: "ByJob", Since: ago(4 * m)}, model.Alert{Name: "Again", Since: ago(2 * m)}))
		}
	})
}

// isOf compares the alerts of figures, to within the interval of their samples.
func isOf(t *testing.T, f *model.Figures, want []model.Alert) {
	t.Helper()
	if len(f.Alerts) != len(want) || f.AlertsNo != "" {
		t.Fatalf("%+v, want %+v; %q", f.Alerts, want, f.AlertsNo)
	}
	for i, w := range want {
		if a := f.Alerts[i]; a.Name != w.Name || a.Severity != w.Severity || a.Before != w.Before || a.Since.Sub(w.Since).Abs() > 30*time.Second {
			t.Errorf("%+v, want %+v", a, w)
		}
	}
}

// Alerts that cannot be read are not none: the reason is told, and the figures stay.
// What is too much to be read at once is read as far as goes.
func TestAlertsThatCannotBeRead(t *testing.T) {
	refused := func(url.Values) string {
		return `{"status":"error","errorType":"execution","error":"too many samples"}`
	}
	firing := func(q url.Values) string {
		return fmt.Sprintf(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":%s,"values":[[%d,"1"],[%d,"1"]]}]}}`,
			labels("alertname", "High", "namespace", "prod", "app", "shop"), fakeNow.Add(-time.Minute).Unix(), fakeNow.Unix())
	}
	for _, tt := range []struct {
		name       string
		deep, near canned
		alerts     int
		why        string
	}{
		{"refused", canned{status: 422, body: refused}, canned{status: 422, body: refused}, 0, "too many samples"},
		{"too much", canned{status: 422, body: refused}, canned{status: 200, body: firing}, 1, ""},
		{"read", canned{status: 200, body: firing}, canned{status: 422, body: refused}, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := healthy(t, 5*time.Second)
			tt.deep.words, tt.near.words = []string{"ALERTS{", "[3h]"}, []string{"ALERTS{", "[6m]"}
			f.answers = append([]canned{tt.deep, tt.near}, f.answers...)
			got, err := ask(f.client(t), 0, shop())
			if err != nil {
				t.Fatal(err)
			}
			if s := got["shop"]; len(s.Alerts) != tt.alerts || !strings.Contains(s.AlertsNo, tt.why) || (s.AlertsNo == "") != (tt.why == "") || !s.Errors.Now.Known {
				t.Errorf("%+v, %q, errors %+v", s.Alerts, s.AlertsNo, s.Errors.Now)
			}
		})
	}
}
