package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// texts returns the timeline's lines of one kind, oldest first.
func texts(i Incident, kind EntryKind) (out []string) {
	for _, e := range i.Timeline {
		if e.Kind == kind {
			out = append(out, e.Text)
		}
	}
	return out
}

// An answer is kept with the question as it was asked: by the incident's limits.
func TestTimelineQuotesTheIncidentsLimits(t *testing.T) {
	w := newWorld(t, func(s *Settings) {
		s.Limits.Errors, s.Limits.For = .02, 3*time.Minute
		s.Limits.P95, s.Limits.P95For = 800*time.Millisecond, 7*time.Minute
	})
	w.do(Say{Question: QErrors, Answer: model.TriNo})
	w.do(Say{Question: QP95, Answer: model.TriYes, Reason: "seen in the browser"})
	want := "D1 errors over 2% for 3m? no\nD2 P95 over 800ms for 7m? yes: “seen in the browser”"
	for what, i := range map[string]Incident{"live": w.inc, "folded": Fold(w.facts)} {
		if got := strings.Join(texts(i, "answer"), "\n"); got != want {
			t.Errorf("%s: the timeline says\n%s\nwant\n%s", what, got, want)
		}
	}
}
