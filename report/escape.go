package report

import (
	"strings"

	"rollbook/text"
)

// Text is a piece of a report that came from outside. It prints itself as
// Markdown that shows exactly these words: a template cannot forget to escape.
// In JSON it stands as it is.
type Text string

// String is the text as Markdown, on one line.
func (t Text) String() string { return escape(string(t)) }

// special are the characters that Markdown, or HTML in it, would obey. A pipe
// would end a table's cell; a tilde strikes out; the rest is CommonMark's.
var special = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `|`, `\|`, `~`, `\~`, `$`, `\$`,
	`<`, `&lt;`, `>`, `&gt;`, `&`, `&amp;`)

// atStart is what begins a block at the beginning of a line.
var atStart = text.Pattern(`^(\d{1,9})([.)](?:\s|$))|^([#+=-])`)

func escape(s string) string {
	s = strings.TrimSpace(text.Clean(s))
	s = special.Replace(s)
	return atStart().ReplaceAllString(s, `$1\$2$3`)
}

// codeSpan is s as code, whatever backticks it holds. A pipe in it would still
// end a table's cell: queries stand outside of tables.
func codeSpan(s string) string {
	s = strings.TrimSpace(text.Clean(s))
	if s == "" {
		return ""
	}
	fence := strings.Repeat("`", longestRun(s)+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// longestRun is how many backticks stand together at most.
func longestRun(s string) (most int) {
	n := 0
	for i := range len(s) {
		if s[i] != '`' {
			n = 0
			continue
		}
		n++
		most = max(most, n)
	}
	return most
}

// codeBlock is lines as a block of code of a language, that none of them can end.
func codeBlock(language string, lines []Text) string {
	ticks := 2
	var b strings.Builder
	for _, l := range lines {
		ticks = max(ticks, longestRun(string(l)))
	}
	fence := strings.Repeat("`", ticks+1)
	b.WriteString(fence + language + "\n")
	for _, l := range lines {
		b.WriteString(text.Clean(string(l)) + "\n")
	}
	b.WriteString(fence)
	return b.String()
}

// link is a Markdown link, if the address is one that a browser opens; else both
// as text.
func link(name, url Text) string {
	u := strings.TrimSpace(text.Clean(string(url)))
	if !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") || strings.ContainsAny(u, " <>()\"'\\`|") {
		return name.String() + ": " + codeSpan(u)
	}
	return "[" + name.String() + "](" + u + ")"
}

// ref is where something is tracked: an address as a link, a ticket's number as it is.
func ref(t Text) string {
	if s := string(t); strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") {
		return link(t, t)
	}
	return t.String()
}
