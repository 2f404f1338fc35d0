package gitlab

import (
	"regexp"
	"strings"

	"rollbook/model"
)

// title is the issue's.
func (s *Sender) title(m model.Message) string { return clip(s.redact.Line(m.Title), maxTitle) }

// description is m's text as Markdown that reads as it was written. The escapes
// also keep a line of a log from being a quick action ("/close") or a mention.
func (s *Sender) description(m model.Message) string {
	body := strings.TrimSpace(s.redact.Lines(m.Text))
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

var (
	// special begins something in GitLab's Markdown: emphasis, code, links,
	// HTML, tables, references.
	special = regexp.MustCompile("[\\\\`*_{}\\[\\]<>#@!~&$%^|]")
	// leading does at the beginning of a line: quick actions, lists, rules.
	leading = regexp.MustCompile(`^(\s*)([-+/=]|\d+([.)]))`)
)

// escape makes a line of plain text read as it is. Addresses stay links.
func escape(line string) string {
	words := strings.Split(strings.TrimLeft(line, " \t"), " ")
	for i, w := range words {
		if !strings.HasPrefix(w, "https://") && !strings.HasPrefix(w, "http://") {
			words[i] = special.ReplaceAllString(w, `\$0`)
		}
	}
	line = strings.Join(words, " ")
	if m := leading.FindStringSubmatchIndex(line); m != nil {
		at := m[4] // the mark
		if m[6] >= 0 {
			at = m[6] // the point after a number
		}
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

var odd = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// reportName is the attachment's: report-2026-11-24-1430.md.
func reportName(m model.Message) string {
	id := strings.Trim(odd.ReplaceAllString(m.Incident, "-"), "-.")
	if id == "" {
		return "report.md"
	}
	return "report-" + clip(id, 100) + ".md"
}

// Preview is the issue as it will be written, with what is attached.
func (s *Sender) Preview(m model.Message) string {
	out := s.title(m) + "\n\n" + strings.TrimSpace(s.redact.Lines(m.Text)) + "\n"
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
