package report

import (
	"testing"
	"time"

	"rollbook/incident"
)

func TestDowntime(t *testing.T) {
	at := func(m int) time.Time { return t0.Add(time.Duration(m) * time.Minute) }
	rose := func(k incident.TriggerKind) incident.Fact {
		return incident.Fact{At: t0, Body: incident.Rose{Trigger: incident.Trigger{Component: "api", Kind: k, Onset: t0}}}
	}
	ran := func(m int, running, blind bool) incident.Fact {
		return incident.Fact{At: at(m), Body: incident.ClockRan{Running: running, Blind: blind, Since: at(m)}}
	}
	last := incident.Fact{At: at(20), Body: incident.Sampled{}}
	for name, tt := range map[string]struct {
		facts        []incident.Fact
		down, noData string
		words        string
		until        time.Time
	}{
		"down, then blind, then well": {[]incident.Fact{rose(incident.TErrors), ran(0, true, false), ran(5, true, true), ran(8, false, false), last}, "5m", "3m", "5m, and 3m without data", time.Time{}},
		"it still runs":               {[]incident.Fact{rose(incident.TErrors), ran(0, true, false), last}, "20m", "under 1s", "20m, still going on at 03:32 UTC", at(20)},
		"it runs blind":               {[]incident.Fact{rose(incident.TErrors), ran(0, true, false), ran(5, true, true), last}, "5m", "15m", "5m, and 15m without data, still going on at 03:32 UTC", at(20)},
		"nothing was down":            {[]incident.Fact{rose(incident.TStuck), last}, "under 1s", "under 1s", "none", time.Time{}},
		"before there was a clock": {[]incident.Fact{rose(incident.TErrors), last}, "unknown (the journal is of an older version and has no clock of it)",
			"unknown (the journal is of an older version and has no clock of it)", "unknown: the journal is of an older version and has no clock of it", time.Time{}},
	} {
		d := New(tt.facts, nil).Downtime
		if d.Down.String() != tt.down || d.NoData.String() != tt.noData || string(d.Text) != tt.words || !d.Until.Equal(tt.until) {
			t.Errorf("%s: down %s, without data %s, until %s: %s", name, d.Down, d.NoData, d.Until, d.Text)
		}
	}
}
