package text

import "github.com/charmbracelet/x/ansi"

// Truncate returns clean text cut to at most cells cells; what was cut ends in "…".
// Wide characters and grapheme clusters stay whole.
func Truncate(s string, cells int) string {
	if cells <= 0 {
		return ""
	}
	return ansi.Truncate(s, cells, "…")
}
