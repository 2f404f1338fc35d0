package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// A journal that does not say when and by whom its incident was opened is offered as one
// of which that is not known.
func TestOfferOfAnUnknownOpening(t *testing.T) {
	s := offered()
	m := &s.Seen.Open[0]
	m.Opened, m.Operator, m.Damage = time.Time{}, "", "line 6 cannot be read"
	a := screen(t, fixture{snap: s}, 120, 40, dark)
	a.open(newOffers(&a.scope))
	frame := ansi.Strip(a.Frame())
	if !strings.Contains(frame, "frontend, at 6 Verify, by nobody named, opened at an unknown time") || strings.Contains(frame, "0001") {
		t.Errorf("\n%s", frame)
	}
}
