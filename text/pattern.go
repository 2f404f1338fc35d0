package text

import (
	"os"
	"regexp"
	"strings"
	"sync"
)

// Pattern returns what compiles a regular expression when it is first asked for: all of
// them together, compiled before main, were a tenth of the time until the first frame. In a
// test they are compiled at once, so that a mistake in one is seen by every test of its
// room (as cmd/go's internal/lazyregexp does).
func Pattern(source string) func() *regexp.Regexp {
	compiled := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(source) })
	if len(os.Args) > 0 && strings.HasSuffix(strings.TrimSuffix(os.Args[0], ".exe"), ".test") {
		compiled()
	}
	return compiled
}
