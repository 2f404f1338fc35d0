package text

import (
	"regexp"
	"strings"
)

// blank stands in a template where lines that say the same thing differ.
const blank = "<*>"

var (
	// A quote opens behind a space or a bracket: an apostrophe does not.
	quotedValue = Pattern("(^|[\\s=(\\[{:,])(?:\"(?:[^\"\\\\]|\\\\.)*\"|'[^']*'|`[^`]*`|“[^”]*”)")
	// A word of capitals is a name in the code or the environment, and tells one
	// failure from another.
	constant  = Pattern("^[\"'`“][A-Z][A-Z_]{2,}[\"'`”]$")
	timeValue = Pattern(`\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?`)
	// An address of the network, a user's, and anything with a digit in it: numbers,
	// hex, UUIDs, versions, names of pods.
	addressValue = Pattern(`\[?[0-9a-fA-F]*(?::[0-9a-fA-F]*){2,}(?:\.\d+){0,3}\]?(?::\d+)?|[\w.+-]+@[\w-]+(?:\.[\w-]+)+`)
	digitValue   = Pattern(`[#+-]?[\w.-]*\d[\w.%-]*`)
	unitValue    = Pattern(`<\*> ?(?:ns|us|µs|ms|s|sec|secs|seconds?|minutes?|m|h|hours?|[kKMG]i?B|[bB]ytes?)\b`)
	blanks       = Pattern(`<\*>(?:[\s,:/;|+-]*<\*>)+`)
)

// Template returns what lines that say the same thing have in common: numbers, ids,
// hex, UUIDs, times, addresses and quoted values are taken out. Two lines of one
// template differ in these alone.
func Template(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	s = quotedValue().ReplaceAllStringFunc(s, func(m string) string {
		lead := quotedValue().FindStringSubmatch(m)[1]
		if constant().MatchString(m[len(lead):]) {
			return m
		}
		return lead + blank
	})
	for _, value := range []func() *regexp.Regexp{timeValue, addressValue, digitValue} {
		s = value().ReplaceAllString(s, blank)
	}
	return blanks().ReplaceAllString(unitValue().ReplaceAllString(s, blank), blank)
}
