package gitlab

import (
	"strings"
	"unicode/utf8"

	"rollbook/model"
	"rollbook/text"
)

// title is the issue's.
func (s *Sender) title(m model.Message) string { return clip(s.client.redact.Line(m.Title), maxTitle) }

// description is m's text as Markdown that reads as it was written. The escapes
// also keep a line of a log from being a quick action ("/close") or a mention.
func (s *Sender) description(m model.Message) string {
	body := strings.TrimSpace(s.client.redact.Lines(m.Text))
	if body == "" {
		return ""
	}
	lines := strings.Split(body, "\n")
	for i, line := range lines {
		item := strings.HasPrefix(line, "- ")
		if item {
			line = "- " + escape(line[2:])
		} else {
			line = escape(line)
		}
		if i+1 < len(lines) && line != "" && lines[i+1] != "" && !item && !strings.HasPrefix(lines[i+1], "- ") {
			line += `\` // or the next line would follow on this one
		}
		lines[i] = line
	}
	return clip(strings.Join(lines, "\n"), maxDescription)
}

const (
	// special begins something in GitLab's Markdown wherever it stands: emphasis,
	// code, links, tables.
	special = "\\`*_{}[]>|"
	// joined does before a word: references, mentions, HTML, mathematics.
	joined = "#@!~&$%^<"
)

// leading begins something at the beginning of a line: a quick action, a list, a
// rule.
var leading = text.Pattern(`^(/|[-+]( |$)|[-=]+$|\d+[.)]( |$))`)

// escape makes a line of plain text read as it is. Addresses stay links.
func escape(line string) string {
	line = strings.TrimLeft(line, " \t")
	words := strings.Split(line, " ")
	for i, w := range words {
		if strings.HasPrefix(w, "https://") || strings.HasPrefix(w, "http://") {
			continue
		}
		var b strings.Builder
		for n, r := range w {
			last := n+utf8.RuneLen(r) >= len(w)
			if strings.ContainsRune(special, r) || strings.ContainsRune(joined, r) && !last {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
		words[i] = b.String()
	}
	at := -1
	if mark := leading().FindString(line); mark != "" {
		at = strings.IndexAny(mark, "/-+=.)")
	}
	line = strings.Join(words, " ")
	if at >= 0 { // none of these is escaped above, nor what stands before
		line = line[:at] + `\` + line[at:]
	}
	return line
}

// clip cuts to so many characters.
func clip(s string, most int) string {
	const shortened = "… (shortened)"
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-len([]rune(shortened))]) + shortened
}

var odd = text.Pattern(`[^A-Za-z0-9._-]+`)

// reportName is the attachment's: report-2026-11-24-1430.md.
func reportName(m model.Message) string {
	id := strings.Trim(odd().ReplaceAllString(m.Incident, "-"), "-.")
	if id == "" {
		return "report.md"
	}
	return "report-" + clip(id, 100) + ".md"
}

// Preview is the issue as it will be written, with what is attached.
func (s *Sender) Preview(m model.Message) string {
	out := s.title(m) + "\n\n" + strings.TrimSpace(s.client.redact.Lines(m.Text)) + "\n"
	if m.Report != "" {
		out += "\nattached: " + reportName(m) + "\n"
	}
	if len(s.conf.Labels) > 0 {
		out += "labels: " + strings.Join(s.conf.Labels, ", ") + "\n"
	}
	if s.conf.Confidential {
		out += "confidential\n"
	}
	return out
}
