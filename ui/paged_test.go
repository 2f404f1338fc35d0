package ui

import (
	"strings"
	"testing"
	"time"

	"rollbook/incident"
)

// A time of day is the nearest to the first bad sample, on whichever side of midnight.
func TestClockNear(t *testing.T) {
	at := func(s string) time.Time {
		out, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, tt := range []struct{ typed, near, want string }{
		{"03:12", "2026-11-23T03:14:00Z", "2026-11-23T03:12:00Z"},
		{" 3:12:30 utc ", "2026-11-23T03:14:00Z", "2026-11-23T03:12:30Z"},
		{"0312", "2026-11-23T03:14:00Z", "2026-11-23T03:12:00Z"},
		{"23:58", "2026-11-23T00:05:00Z", "2026-11-22T23:58:00Z"},
		{"00:02", "2026-11-22T23:58:00Z", "2026-11-23T00:02:00Z"},
		{"23:58", "2026-11-01T01:05:00+01:00", "2026-10-31T23:58:00Z"},
		{"24:00", "2026-11-23T00:05:00Z", ""},
		{"3", "2026-11-23T00:05:00Z", ""},
		{"half past three", "2026-11-23T00:05:00Z", ""},
		{"2026-11-23 03:12", "2026-11-23T00:05:00Z", ""},
		{"03:12\x1b", "2026-11-23T00:05:00Z", ""},
	} {
		got, why := clockNear(tt.typed, at(tt.near))
		if (why != "") != (tt.want == "") || tt.want != "" && !got.Equal(at(tt.want)) {
			t.Errorf("%q near %s: %s, %q, want %s", tt.typed, tt.near, got, why, tt.want)
		}
		if why != "" && !strings.Contains(why, tt.typed) {
			t.Errorf("%q: %q", tt.typed, why)
		}
	}
}

// What is answered shortly after midnight is of the evening before, and what cannot be is
// refused with the reason.
func TestPagedAtMidnight(t *testing.T) {
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	s := paged()
	s.Incident.Onset, s.Incident.Shown, s.Incident.Decided = day.Add(-5*time.Minute), day.Add(2*time.Minute), day.Add(4*time.Minute)
	s.Incident.Suspects, s.Incident.Alerts = nil, nil
	s.Now = day.Add(10 * time.Minute)
	a := screen(t, fixture{snap: s}, 80, 24, dark)
	for _, tt := range []struct {
		option      int
		typed, says string
		want        incident.TellDetection
		refused     bool
	}{
		{0, "23:58", "records: paged at 23:58:00 UTC on 22 November, 12m ago, 3m after the first bad sample", incident.TellDetection{How: incident.SourcePage, At: day.Add(-2 * time.Minute)}, false},
		{1, "23:54", "records: told by somebody at 23:54:00 UTC on 22 November, 16m ago: 1m before the first bad sample", incident.TellDetection{How: incident.SourceTold, At: day.Add(-6 * time.Minute)}, false},
		{2, "", "records: saw it, when is not known", incident.TellDetection{How: incident.SourceSaw}, false},
		{0, "", "records: paged, when is not known", incident.TellDetection{How: incident.SourcePage}, false},
		{3, "", "records: how it was detected is not known", incident.TellDetection{}, false},
		{0, "00:05", "that is after the decision at 00:04:00 UTC: it was known by then", incident.TellDetection{}, true},
		{0, "00:11", "that is still to come: it is 00:10:00 UTC", incident.TellDetection{}, true},
		{3, "00:01", "a time of what you do not know? Choose how you came to know of it, or clear it", incident.TellDetection{}, true},
	} {
		says, why := a.pagedCheck(tt.option, tt.typed)
		if says.text != tt.says || (why != "") != tt.refused {
			t.Errorf("%d %q: %q, %q, want %q", tt.option, tt.typed, says.text, why, tt.says)
		}
		if do, _ := a.paged(tt.option, tt.typed); !tt.refused && do != tt.want {
			t.Errorf("%d %q: %+v, want %+v", tt.option, tt.typed, do, tt.want)
		}
	}
}
