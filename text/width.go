package text

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Ellipsis marks where Truncate and Fit cut.
const Ellipsis = "…"

// Width returns how many cells clean text takes in a terminal.
func Width(s string) int { return ansi.StringWidth(s) }

// Truncate returns clean text cut to at most cells cells; what was cut ends in
// Ellipsis. Wide characters and grapheme clusters stay whole.
func Truncate(s string, cells int) string {
	if cells <= 0 {
		return ""
	}
	return ansi.Truncate(s, cells, Ellipsis)
}

// Fit returns clean text cut or padded with spaces to exactly cells cells.
func Fit(s string, cells int) string {
	s = Truncate(s, cells)
	// Some characters make one cluster with the space after them: measure again.
	for n := cells - Width(s); n > 0; n = cells - Width(s) {
		s += strings.Repeat(" ", n)
	}
	return s
}
