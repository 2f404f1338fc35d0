package report

import (
	"testing"
	"time"

	"rollbook/model"
)

func TestDowntime(t *testing.T) {
	at := func(m int) time.Time { return t0.Add(time.Duration(m) * time.Minute) }
	rose := func(k model.TriggerKind) model.Fact {
		return model.Fact{At: t0, Body: model.Rose{Trigger: model.Trigger{Component: "api", Kind: k, Onset: t0}}}
	}
	ran := func(m int, running, blind bool) model.Fact {
		return model.Fact{At: at(m), Body: model.ClockRan{Running: running, Blind: blind, Since: at(m)}}
	}
	last := model.Fact{At: at(20), Body: model.Sampled{}}
	for name, tt := range map[string]struct {
		facts        []model.Fact
		down, noData string
		until        time.Time
	}{
		"down, then blind, then well": {[]model.Fact{rose(model.TErrors), ran(0, true, false), ran(5, true, true), ran(8, false, false), last}, "5m", "3m", time.Time{}},
		"it still runs":               {[]model.Fact{rose(model.TErrors), ran(0, true, false), last}, "20m", "0s", at(20)},
		"it runs blind":               {[]model.Fact{rose(model.TErrors), ran(0, true, false), ran(5, true, true), last}, "5m", "15m", at(20)},
		"nothing was down":            {[]model.Fact{rose(model.TStuck), last}, "0s", "0s", time.Time{}},
		"before there was a clock": {[]model.Fact{rose(model.TErrors), last}, "unknown (the journal is of an older version and has no clock of it)",
			"unknown (the journal is of an older version and has no clock of it)", time.Time{}},
	} {
		d := New(tt.facts, Extra{}).Downtime
		if d.Down.String() != tt.down || d.NoData.String() != tt.noData || !d.Until.Equal(tt.until) {
			t.Errorf("%s: down %s, without data %s, until %s", name, d.Down, d.NoData, d.Until)
		}
	}
}
