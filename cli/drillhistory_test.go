package cli

import (
	"strings"
	"testing"
	"time"

	"rollbook/config"
	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

// What is due is said where the team means to hold drills, and only when it is: by the
// newest drill, whatever incidents came later.
func TestADrillIsDue(t *testing.T) {
	now := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	given := config.Defaults()
	given.Drill.Given = true
	for name, tt := range map[string]struct {
		cfg      *config.Config
		journals map[string]int // how many days ago each was opened
		want     string
		state    model.CheckState
	}{
		"not meant": {cfg: config.Defaults()},
		"never":     {cfg: given, want: "The first drill is due: rollbook drill", state: model.CheckNote},
		"due": {cfg: given, journals: map[string]int{"DRILL-20260828-0900-api": 94, "DRILL-20260501-0900-api": 213, "INC-20261129-0900-api": 1}, state: model.CheckNote,
			want: "A drill is due since 2026-11-27: the last was 94 days ago: rollbook drill"},
		"not yet": {cfg: given, journals: map[string]int{"DRILL-20261101-0900-api": 29}, state: model.CheckOK},
	} {
		dir := t.TempDir()
		for id, days := range tt.journals {
			w := journal.Begin([]string{dir}, journal.Header{ID: id, Cluster: "4f1c", Namespace: "shop"}, func(int, string, error) {})
			if _, err := w.Append(incident.Fact{At: now.AddDate(0, 0, -days), By: "maria", Body: incident.Opened{ID: id}}); err != nil {
				t.Fatal(err)
			}
			w.Close()
		}
		f := &flags{journalDir: dir}
		if got := drillReminder(f, tt.cfg, now); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		line, is := drillLine(f, tt.cfg, now)
		if is != tt.cfg.Drill.Given || line.state != tt.state || tt.want != "" && !strings.Contains(tt.want, line.text) {
			t.Errorf("%s: %v, %+v", name, is, line)
		}
	}
}
