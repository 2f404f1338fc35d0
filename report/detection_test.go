package report

import (
	"strings"
	"testing"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// The report and the table tell when and by what it was detected, and what the operator
// said of it, or that nobody said.
func TestDetectionIsToldOf(t *testing.T) {
	onset := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return onset.Add(time.Duration(minutes) * time.Minute) }
	facts := []incident.Fact{
		{At: at(0), Body: incident.Began{Settings: incident.Settings{Limits: model.DefaultLimits()}}},
		{At: at(8), Body: incident.Rose{Trigger: incident.Trigger{Component: "shop", Kind: incident.TErrors, Onset: onset, At: at(8), Text: "errors over 5%"}}},
	}
	alert := []incident.Fact{{At: at(8), Body: incident.AlertFired{Component: "shop", Name: "High|Error*Rate*", Severity: "page", Since: at(2)}},
		{At: at(20), Body: incident.AlertOver{Component: "shop", Name: "High|Error*Rate*"}}}
	told := func(how incident.Source, minutes int) incident.Fact {
		return incident.Fact{At: at(30), By: "maria", Body: incident.DetectionTold{How: how, At: at(minutes)}}
	}
	for _, tt := range []struct {
		name  string
		more  []incident.Fact
		how   string
		took  time.Duration
		lines []string
	}{
		{"nobody said", nil, "limit", 8 * time.Minute, []string{"| Detected by rollbook | 03:08:00 | to detect: 8m |", "- when somebody was paged is not known"}},
		{"an alert", alert, "alert", 2 * time.Minute, []string{`| Detected by the alert High\|Error\*Rate\* | 03:02:00 | to detect: 2m |`,
			`- alert High\|Error\*Rate\* (page) about shop fired from 03:02:00 to 03:20:00`, "- when somebody was paged is not known"}},
		{"paged after it", append(alert[:2:2], told(incident.SourcePage, 3)), "alert", 2 * time.Minute, []string{"- maria: paged at 03:03:00"}},
		{"told before it", append(alert[:2:2], told(incident.SourceTold, 1)), "told", time.Minute,
			[]string{"| Detected by somebody who told maria | 03:01:00 | to detect: 1m |", "| 03:01:00 | maria | told of it by somebody |", "- maria: told by somebody at 03:01:00"}},
		{"not known", []incident.Fact{{At: at(30), By: "maria", Body: incident.DetectionTold{}}}, "limit", 8 * time.Minute, []string{"- when somebody was paged is not known"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := append(facts[:2:2], tt.more...)
			d, row := New(all, nil), RowOf(all)
			if d.DetectedHow != tt.how || row.DetectedBy != tt.how || d.Took.Detect.D() != tt.took || row.Took.Detect.D() != tt.took {
				t.Errorf("by %q and %q, %s and %s", d.DetectedHow, row.DetectedBy, d.Took.Detect, row.Took.Detect)
			}
			out, err := Markdown(d, "")
			for _, l := range tt.lines {
				if err != nil || !strings.Contains(out, l) {
					t.Errorf("%v: %q is missing in\n%s", err, l, out[:min(len(out), 2500)])
				}
			}
		})
	}
}
