package ui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// revTable is the table of a rollout history: which columns fit, how wide.
type revTable struct {
	image, rev, who, cause int
	repo                   string // what all images have in common; then only tags are shown
}

func newRevTable(w int, h *model.History) revTable {
	t := revTable{image: 8, rev: 4, who: 3, repo: commonRepo(h)}
	for _, r := range h.Candidates {
		t.rev = min(8, max(t.rev, ansi.StringWidth(r.Short)))
		t.image = max(t.image, ansi.StringWidth(t.images(&r)))
		t.who = min(14, max(t.who, ansi.StringWidth(r.By)))
	}
	fixed := 3 + t.rev + 2 + 4 + 2 + 2 + 6 + 2 + 6 + 2 + 1 + stateW // mark, REV, AGE, ERRORS, P95, state
	room := w - fixed
	t.image = min(t.image, max(10, room*45/100))
	t.cause = room - t.image - t.who - 2
	if t.cause < 8 {
		t.cause = 0
		t.who = max(0, room-t.image-1)
		if t.who < 4 {
			t.who = 0
		}
	}
	return t
}

func (t revTable) head(p *pen, w int) string {
	line := "   " + p.cell(t.title(), t.image, p.Dim) + "  " + p.right("REV", t.rev, p.Dim) + "  " + p.cell("", stateW, p.Dim) + " " + p.right("AGE", 4, p.Dim) + "  " +
		p.right("ERRORS", 6, p.Dim) + "  " + p.right("P95", 6, p.Dim) + "  "
	if t.who > 0 {
		line += p.cell("WHO", t.who, p.Dim) + " "
	}
	if t.cause > 0 {
		line += p.cell("CHANGE", t.cause, p.Dim)
	}
	return p.fit(line, w)
}

func (t revTable) row(p *pen, h *model.History, r *model.Candidate, selected bool, chosen string, s *incident.Snapshot) string {
	mark, style := "   ", p.Plain
	if r.Key == chosen {
		mark = p.say(" ✓ ")
	}
	if selected {
		mark, style = paint(p.Note, p.say(" ▸ ")), p.Note
		if r.Key == chosen {
			mark = paint(p.Note, p.say(" ▸✓"))
		}
	}
	since := model.Age(s.Now, r.Start)
	if r.Guessed && since != "?" {
		since = "~" + since
	}
	errors, p95 := s.FiguresOfVersion(h, r)
	limits := s.Incident.Settings.Limits
	line := mark + p.name(t.images(r), t.image, style) + "  " + p.right(r.Short, t.rev, p.Plain) + "  " + t.state(p, s.MarkOf(h, r), r.Current) + " " + p.right(since, 4, p.Plain) + "  " +
		p.reading(errors, model.Percent, limits.Errors, 6) + "  " + p.reading(p95, model.Seconds, limits.P95.Seconds(), 6) + "  "
	if t.who > 0 {
		line += p.name(nonEmpty(s.ReleasedBy(h, r), "?"), t.who, p.Plain) + " "
	}
	if t.cause > 0 {
		cause := nonEmpty(r.Cause, "–")
		if r.CauseCopied {
			cause = "(old) " + cause // the words stand on an older revision too
		}
		line += p.cell(cause, t.cause, p.Plain)
	}
	return line
}

// stateW is the width of what a version is, in a word.
const stateW = 14

// state says in a word what a version is.
func (t revTable) state(p *pen, m incident.Mark, current bool) string {
	style := p.Bad
	switch m {
	case incident.MarkGood:
		style = p.Good
	case incident.MarkRestart:
		style = p.Dim
	case incident.MarkUnknown:
		style = p.Warn
	case incident.MarkNone:
		style = p.Plain
	}
	if current {
		return paint(p.Strong, "now ") + p.cell(string(m), stateW-4, style)
	}
	return p.cell(string(m), stateW, style)
}

// reading is a value, marked when it is over its trigger's limit.
func (p *pen) reading(r model.Reading, show func(float64) string, limit float64, w int) string {
	style := p.Plain
	switch {
	case !r.Known:
		style = p.Warn
	case r.Value > limit || r.AtLeast && r.Value >= limit:
		style = p.Bad
	}
	return p.right(shown(r, show), w, style)
}

// commonRepo is the part before the tag when it is the same for all revisions;
// "" when it is not.
func commonRepo(h *model.History) string {
	repo := ""
	for _, r := range h.Candidates {
		if len(r.Images) == 0 {
			continue
		}
		s := shortImages(r.Images, r.Vary)
		at := strings.LastIndexByte(s, ':')
		if at < 0 || strings.Contains(s, "@") || repo != "" && s[:at+1] != repo {
			return ""
		}
		repo = s[:at+1]
	}
	return repo
}

func (t revTable) title() string {
	if t.repo != "" {
		return "TAG"
	}
	return "IMAGE"
}

// images are those of a version, or its name where they are not known.
func (t revTable) images(r *model.Candidate) string {
	if len(r.Images) == 0 && r.Tag != "" {
		return r.Tag
	}
	return strings.TrimPrefix(shortImages(r.Images, r.Vary), t.repo)
}

// shortImages are the last parts of those images that differ within a history, which
// are the first n, and how many more there are.
func shortImages(images []string, n int) string {
	if len(images) == 0 {
		return "?"
	}
	n = max(1, min(n, len(images)))
	tags := make([]string, n)
	for i := range tags {
		tags[i] = tag(images[i])
	}
	s := strings.Join(tags, " ")
	if more := len(images) - n; more > 0 {
		s += " +" + itoa(int64(more))
	}
	return s
}
