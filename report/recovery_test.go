package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// A recovery is told with its steps, by whom each was done or left out and why, and for
// how long traffic was stopped: in a section, and in the first paragraph.
func TestRecoveryIsTold(t *testing.T) {
	at := func(m int) time.Time { return time.Date(2026, 11, 23, 3, m, 0, 0, time.UTC) }
	scale := func(n, from int, to, confirmed int, served int) incident.Attempt {
		return incident.Attempt{N: n, Confirmed: at(confirmed), By: "maria", Course: incident.CourseRecovery, Writes: []incident.Write{{
			Plan:  model.Plan{ID: "plan", Method: model.MethodScale, Role: model.RoleSwitch, Component: "api", From: model.Replicas(from), To: model.Replicas(to), Title: "Scale api"},
			State: incident.Done, Receipt: model.Receipt{At: at(confirmed)}, RolledOut: at(served)}}}
	}
	page := scale(2, 0, 1, 14, 14)
	page.Writes[0].Plan.Method, page.Writes[0].Plan.Role, page.Writes[0].Plan.To = model.MethodMaintenance, model.RoleMaintenance, model.MaintenancePage(true)
	whole := incident.Incident{ID: "INC-1", Opened: at(10), Verified: at(30),
		Attempts: []incident.Attempt{scale(1, 3, 0, 12, 13), page, scale(3, 3, 1, 20, 22), scale(4, 1, 3, 24, 26)},
		Procedures: []incident.Procedure{{Course: incident.CourseRecovery, Began: at(11), By: "maria", Steps: []incident.ProcedureStep{
			{ID: "stop", Text: "stop the traffic", State: incident.ItemDone, By: "maria", At: at(13)},
			{ID: "restore 1", Text: "restore | the data", State: incident.ItemWaived, By: "jonas", At: at(15), Reason: "no data is affected"},
			{ID: "maintenance off", Text: "maintenance page off", State: incident.ItemOpen},
		}}}}
	whole.Hold.Green = true
	b := builder{i: whole, facts: []incident.Fact{{At: at(40)}}}
	want := "The traffic of api was stopped from 03:12 to 03:22 (10m) and a maintenance page was shown at 03:14 and not put back, by maria. Then it was verified at 03:30 UTC on 23 November 2026."
	if got := strings.Join(b.recovered(), " "); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	for n, told := range []bool{true, true, true, true} {
		if b.inRecovery(&whole.Attempts[n]) != told {
			t.Errorf("attempt %d is told twice, or not at all", n+1)
		}
	}
	failed := scale(5, 3, 0, 27, 27)
	failed.Writes[0].State = incident.Failed
	if b.inRecovery(&failed) {
		t.Error("one that failed is told nowhere")
	}
	d := Data{Recoveries: b.recoveries()}
	if r := d.Recoveries[0]; r.Open != 1 || len(r.Steps) != 3 || len(r.Off) != 2 || r.Off[0].Took.Seconds != 600 {
		t.Errorf("%+v", r)
	}
	md, err := Markdown(d, "")
	if err != nil {
		t.Fatal(err)
	}
	var html bytes.Buffer
	if err := pageTemplate().Execute(&html, struct {
		Data
		Charts []chart
	}{Data: d}); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"\n## Recovery\n\nBegun at 03:11:00 by maria. The traffic of api was stopped from 03:12 to 03:22 (10m), by maria.",
		"| stop the traffic | done | maria | 03:13:00 |  |\n", "| restore \\| the data | left out | jonas | 03:15:00 | no data is affected |\n", "| maintenance page off | open |  |  |  |\n"} {
		if !strings.Contains(md, line) {
			t.Errorf("no %q in\n%s", line, md)
		}
	}
	for _, part := range []string{"<h2>Recovery</h2>", "<td>restore | the data</td><td>left out</td><td>jonas</td><td class=\"time\">03:15:00</td><td>no data is affected</td>"} {
		if !strings.Contains(html.String(), part) {
			t.Errorf("no %q in\n%s", part, html.String())
		}
	}
}

// However many components were stopped, that is one sentence: the names together, from the
// first that was stopped to the last that was put back.
func TestARecoveryIsOneSentence(t *testing.T) {
	at := func(m int) Moment { return Moment{time.Date(2026, 11, 23, 3, m, 0, 0, time.UTC)} }
	off := func(component Text, what string, from, to int, by Text) Outage {
		o := Outage{Component: component, What: what, From: at(from), By: by}
		if to > 0 {
			o.To = at(to)
		}
		return o
	}
	for want, all := range map[string][]Outage{
		"": nil,
		"The traffic of api, db and web was stopped from 03:01 to 03:09 (8m), by maria and jonas.": {
			off("api", "traffic", 1, 9, "maria"), off("db", "traffic", 2, 7, "jonas"), off("web", "traffic", 3, 8, "maria")},
		"The traffic of api and db was stopped at 03:01 and not put back, by maria.": {off("api", "traffic", 1, 0, "maria"), off("db", "traffic", 2, 7, "maria")},
		"A maintenance page was shown from 03:01 to 03:09 (8m) and the traffic of api was stopped from 03:02 to 03:05 (3m), by maria.": {
			off("api", "maintenance page", 1, 9, "maria"), off("api", "traffic", 2, 4, "maria"), off("api", "traffic", 4, 5, "maria")},
	} {
		if got := together(all); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
