package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An Error is one mistake in one file. It never holds the value of a key that
// may be secret, nor a line of the file.
type Error struct {
	File string // its name
	Line int    // from 1; 0 where the file as a whole is meant
	Col  int    // in characters, from 1
	Path string // such as limits.errors.over; "" for the file as a whole
	Msg  string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Col)
	}
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path)
		b.WriteString(": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

// Errors are all mistakes of a configuration, in the order of the files.
type Errors []*Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, err := range e {
		errs[i] = err
	}
	return errs
}

// maxErrors is how many mistakes of one file are told: beyond that it is the
// wrong file.
const maxErrors = 20

// quote shows a name or value from a file: as it is when it is plain, else in
// quotes with everything odd escaped, and never at length.
func quote(s string) string { return strconv.Quote(shorten(s)) }

func shorten(s string) string {
	const limit = 60
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}

// printable returns s if it can be shown as it is, else quoted: a file's name
// may hold anything.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(s) {
		return strconv.Quote(s)
	}
	return s
}

// nearest returns the word of known that word was probably meant to be, or "".
func nearest(word string, known []string) string {
	fold := func(s string) string {
		return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(s))
	}
	best, least := "", len(word)/3+1
	for _, k := range known {
		if fold(k) == fold(word) || fold(k) == fold(word)+"s" || fold(k)+"s" == fold(word) {
			return k
		}
		if d := distance(word, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's, with a swap of neighbours counted as one.
func distance(a, b string) int {
	ra, rb := []rune(a), []rune(b)
	var before []int
	prev := make([]int, len(rb)+1)
	for j := range prev {
		prev[j] = j
	}
	for i, x := range ra {
		row := make([]int, len(rb)+1)
		row[0] = i + 1
		for j, y := range rb {
			cost := 1
			if x == y {
				cost = 0
			}
			row[j+1] = min(row[j]+1, prev[j+1]+1, prev[j]+cost)
			if i > 0 && j > 0 && x == rb[j-1] && ra[i-1] == y {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, prev = prev, row
	}
	return prev[len(rb)]
}

// list joins words for a message: a, b and c.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	words = slices.Clone(words)
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " and " + words[n]
}
