package ui

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// The pages are written with these signs. Without UTF-8 each becomes the text
// beside it, wherever a line is measured or cut, so that no page has to know.
// What is not listed becomes "?".
var plainSigns = strings.NewReplacer(
	"✎", "*", "✓", "+", "✗", "x", "⚠", "!", "●", "*", "○", "o", "▸", ">", "★", "*",
	"·", "-", "–", "-", "—", "-", "…", "~", "→", "->", "←", "<-", "↑", "^", "↓", "v", "≤", "<=", "≥", ">=",
	"×", "x", "“", "\"", "”", "\"", "‘", "'", "’", "'", "‹", "<", "›", ">", "≠", "!=", "−", "-",
	"─", "-", "━", "=", "│", "|", "┌", "+", "┐", "+", "└", "+", "┘", "+", "├", "+", "┤", "+", "╌", "-",
	"▁", "=", "▂", "=", "▃", "+", "▄", "+", "▅", "*", "▆", "*", "▇", "%", "█", "#", "░", ".", "⣀", "_", "⣤", ".", "⣶", "-", "⣿", "'",
	"ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "é", "e", "è", "e", "á", "a", "ñ", "n",
)

// plain turns text into ASCII; escape sequences of our own styles stay.
func plain(s string) string {
	if isASCII(s) {
		return s
	}
	s = plainSigns.Replace(s)
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		default:
			b.WriteString(strings.Repeat("?", max(0, ansi.StringWidth(string(r)))))
		}
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// lookup finds a variable in an environment; the last one counts.
func lookup(env []string) func(name string) string {
	return func(name string) string {
		for i := len(env) - 1; i >= 0; i-- {
			if v, ok := strings.CutPrefix(env[i], name+"="); ok {
				return v
			}
		}
		return ""
	}
}

// terminals are those that have less than the rest, by the beginning of TERM: none of
// our signs in their fonts, and no more than sixteen colours, or none.
var terminals = []struct {
	term    string
	colours bool
}{{"linux", true}, {"cons25", true}, {"ansi", true}, {"cygwin", true}, {"pcansi", true}, {"vt52", false}, {"vt1", false}, {"vt2", false}, {"vt3", false}, {"vt4", false}, {"vt5", false}, {"dumb", false}}

// lightBackground reads COLORFGBG, which rxvt, Konsole, mintty and others set, and which
// goes where a question to the terminal is not answered: "0;15" and "0;default;15" are
// dark on light. The background is one of the sixteen colours; the light ones are light
// grey and all bright ones but the grey (8), as vim has it.
func lightBackground(s string) bool {
	at := strings.LastIndexByte(s, ';')
	n, err := strconv.Atoi(s[at+1:])
	return at >= 0 && err == nil && (n == 7 || n > 8 && n < 16)
}

// DetectLook reads from the environment what can be known before the terminal
// answers: NO_COLOR (no-color.org: set and not empty), what TERM says of signs and
// colours, the background by COLORFGBG, and whether the locale is UTF-8 (LC_ALL wins
// over LC_CTYPE wins over LANG, as in POSIX). A locale that is not set at all is the
// POSIX one: no UTF-8.
func DetectLook(env []string) Look {
	get := lookup(env)
	locale := get("LC_ALL")
	if locale == "" {
		locale = get("LC_CTYPE")
	}
	if locale == "" {
		locale = get("LANG")
	}
	locale = strings.ToLower(locale)
	utf := strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
	l := Look{NoColor: get("NO_COLOR") != "", ASCII: !utf, Light: lightBackground(get("COLORFGBG"))}
	for _, x := range terminals {
		if strings.HasPrefix(get("TERM"), x.term) {
			l.ASCII, l.Sixteen, l.NoColor = true, true, l.NoColor || !x.colours
			break
		}
	}
	return l
}
