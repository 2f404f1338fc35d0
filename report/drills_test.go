package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rollbook/model"
)

// twoYears returns a history of eight quarters, in which the team became faster, with a bad
// quarter and one in which nothing was verified.
func twoYears() (rows []Row) {
	took := []int{410, 380, 455, 300, 290, 340, 260, 0, 520, 245, 200, 230, 190, 250, 180, 210}
	components := []string{"frontend", "backend-python", "backend-rust", "payments-of-a-large-shop", "db"}
	faults := model.Faults()
	at := time.Date(2025, 1, 14, 9, 30, 0, 0, time.UTC)
	for n := range 24 {
		r := Row{Opened: Moment{at}, Components: []string{components[n%len(components)]}, State: closed, Outcome: "rolled back", Verified: true, Drill: true, Attempts: 3,
			Fault: faults[n%len(faults)], Target: Span{Known: true, Seconds: 300}, detected: at.Add(2 * time.Minute)}
		r.ID = "DRILL-" + at.Format("20060102-1504") + "-" + r.Components[0]
		d := time.Duration(took[n*len(took)/24]+n%3*17) * time.Second
		known := func(d time.Duration) Span { return Span{Known: true, Seconds: d.Seconds()} }
		r.Took = Took{Decide: known(d / 4), RollBack: known(d / 3), Recover: known(d)}
		if at.Year() == 2025 && at.Month() > 9 {
			r.Verified, r.Outcome, r.Took.Recover = false, "false alarm", Span{Why: "it did not recover"}
		}
		if n == 23 {
			r.State = "ended"
		}
		rows = append(rows, r)
		at = at.Add(30*24*time.Hour + 90*time.Minute)
	}
	return rows
}

// Two years of drills read well on a screen of 80 columns: the trend is what its last 24
// lines show, and each line fits.
func TestGoldenDrills(t *testing.T) {
	var b bytes.Buffer
	if err := WriteDrills(&b, twoYears()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	for _, l := range lines {
		if utf8.RuneCountInString(l) > 80 {
			t.Errorf("%d columns: %q", utf8.RuneCountInString(l), l)
		}
	}
	if last := strings.Join(lines[max(0, len(lines)-22):], "\n"); !strings.Contains(last, "Time to recover, by quarter") {
		t.Errorf("the trend is not on the last screen:\n%s", last)
	}
	golden(t, "testdata/drills.txt", b.Bytes())
	md, err := MarkdownDrills(twoYears())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/drills.md", md)
}

// Programs are told of the quarters of drills, and those of incidents hold no drill.
func TestDrillsAsJSON(t *testing.T) {
	var got struct {
		Incidents []Row
		Quarters  []Quarter
	}
	rows := append(twoYears(), Row{ID: "INC-1", Opened: Moment{time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}})
	js, err := DrillsJSON(rows)
	if err != nil || json.Unmarshal(js, &got) != nil || len(got.Incidents) != 24 || len(got.Quarters) != 8 {
		t.Fatalf("%v: %s", err, js)
	}
	within := 0
	for _, q := range got.Quarters {
		within += q.Within
	}
	if want := fmt.Sprintf("Within their target: %d of 24", within); within == 0 || within == 24 {
		t.Error(want)
	}
}
