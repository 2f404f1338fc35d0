package incident

import (
	"strings"
	"testing"
)

func TestReadTask(t *testing.T) {
	for _, tt := range []struct {
		typed string
		want  Task
		why   string
	}{
		{"", Task{}, ""},
		{"maria", Task{Owner: "maria"}, ""},
		{"  maria,  2026-12-01 ,OPS-412", Task{"maria", "2026-12-01", "OPS-412"}, ""},
		{"https://gitlab.corp/shop/-/issues/7 data team 2026-1-5", Task{"data team", "2026-01-05", "https://gitlab.corp/shop/-/issues/7"}, ""},
		{"shop/shop#4711 jonas", Task{Owner: "jonas", Link: "shop/shop#4711"}, ""},
		{"#12", Task{Link: "#12"}, ""},
		{"team-2", Task{Owner: "team-2"}, ""},
		{"maria 2026-13-01", Task{Owner: "maria"}, "“2026-13-01” is no date"},
		{"2026-12-01 2026-12-02", Task{Due: "2026-12-01"}, "two dates"},
		{"OPS-1 OPS-2", Task{Link: "OPS-1"}, "two links"},
	} {
		got, why := ReadTask(tt.typed)
		if tt.why == "" && (why != "" || got != tt.want) || tt.why != "" && !strings.Contains(why, tt.why) {
			t.Errorf("%q: %+v, %q", tt.typed, got, why)
		}
	}
	if got := (Task{}).Words(); got != "no owner" {
		t.Error(got)
	}
	if got := (Task{"maria", "2026-12-01", "OPS-412"}).Words(); got != "maria, by 2026-12-01, OPS-412" {
		t.Error(got)
	}
}

// An action that is left to somebody does not keep the incident open, and is not done;
// nothing else can be left so.
func TestActionsAreLeftToSomebody(t *testing.T) {
	w := newWorld(t, withChannels)
	w.toClose()
	w.do(SettleItem{ID: "tests", ToDo: true, Task: Task{Owner: "jonas", Due: "2026-12-01"}})
	w.do(SettleItem{ID: "canary", ToDo: true})
	w.do(SettleItem{ID: "report", ToDo: true})
	if w.state("tests") != "to do" || w.state("canary") != "to do" || w.state("report") != "" {
		t.Fatalf("items %+v", w.inc.Items)
	}
	if got := followUp(w.snap()); !strings.Contains(got, "- tests for the bug (P1): jonas, by 2026-12-01\n") || !strings.Contains(got, "- canary considered (P4): no owner\n") {
		t.Errorf("the follow-up does not say who does it:\n%s", got)
	}
	w.do(TellSeverity{Severity: "SEV2", Users: "all who paid by card"})
	if w.state(ItemSeverity) != "done" || w.inc.Severity.Users != "all who paid by card" {
		t.Errorf("severity %+v", w.inc.Severity)
	}
	w.do(ReopenItem{ID: ItemSeverity})
	if w.state(ItemSeverity) != "" || w.inc.Severity != (SeverityTold{}) {
		t.Errorf("taken back, and %+v", w.inc.Severity)
	}
	w.do(TellSeverity{})
	for _, it := range w.inc.Items {
		w.do(SettleItem{ID: it.ID, Waive: true, Reason: "drill"})
	}
	if w.inc.Closed.IsZero() || w.state("tests") != "to do" {
		t.Errorf("an action that somebody has keeps the incident open: %+v", w.inc.Items)
	}
}
