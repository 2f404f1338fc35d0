package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/incident"
	"rollbook/model"
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
		"down, then blind, then well": {[]incident.Fact{rose(incident.TErrors), ran(0, true, false), ran(5, true, true), ran(8, false, false), last}, "5m", "3m", "5m, and 3m without data, between 03:12 and 03:20", time.Time{}},
		"it still runs":               {[]incident.Fact{rose(incident.TErrors), ran(0, true, false), last}, "20m", "under 1s", "20m, since 03:12 and still going on at 03:32", at(20)},
		"it runs blind":               {[]incident.Fact{rose(incident.TErrors), ran(0, true, false), ran(5, true, true), last}, "5m", "15m", "5m, and 15m without data, since 03:12 and still going on at 03:32", at(20)},
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

// What is said to have been lost and for how long it was down are of one journal, and each
// says of which time it is: the impact may have been measured while it went on.
func TestImpactAndDowntimeNameTheirTimes(t *testing.T) {
	at := func(m int) time.Time { return t0.Add(time.Duration(m) * time.Minute) }
	known := func(v float64) model.Reading { return model.Reading{Known: true, Value: v, At: at(21)} }
	cost := model.ComponentImpact{Failed: known(15646), Requests: known(76321), MinutesOver: known(21), NoData: known(0)}
	facts := []incident.Fact{
		{At: t0, Body: incident.Began{Settings: incident.Settings{Namespace: "shop", Limits: model.DefaultLimits()}}},
		{At: t0, By: "maria", Body: incident.Opened{ID: "INC-20261123-0312-api", Onset: t0}},
		{At: t0, Body: incident.Rose{Trigger: incident.Trigger{Component: "api", Kind: incident.TErrors, Onset: t0, Value: 0.3, Text: "errors"}}},
		{At: t0, Body: incident.ClockRan{Running: true, Since: t0}},
		{At: at(21), Body: incident.ImpactMeasured{Impact: model.Impact{From: t0, To: at(21), All: cost, Components: []model.ComponentImpact{cost}}}},
		{At: at(30), Body: incident.Sampled{}},
	}
	ended := append(slices.Clip(facts), incident.Fact{At: at(34), Body: incident.ClockRan{Since: at(32)}})
	for name, tt := range map[string]struct {
		facts []incident.Fact
		down  string
	}{
		"it goes on": {facts, "30m, since 03:12 and still going on at 03:42."},
		"it ended":   {ended, "32m, between 03:12 and 03:44."},
	} {
		d := New(tt.facts, nil)
		md, err := Markdown(d, "")
		if err != nil {
			t.Fatal(err)
		}
		html, err := HTML(tt.facts, nil)
		if err != nil {
			t.Fatal(err)
		}
		for format, out := range map[string]string{"Markdown": md, "HTML": string(html)} {
			for _, want := range []string{"16k of 76k requests failed until 03:33", tt.down, "From 03:12:00 to 03:33:00"} {
				if !strings.Contains(strings.ReplaceAll(out, "\\", ""), want) {
					t.Errorf("%s, %s: no %q in\n%s", name, format, want, out)
				}
			}
		}
	}
}
