package incident

import (
	"regexp"
	"strings"
	"time"
)

// Task says who does an action after the incident, until when, and where it is tracked.
// Nothing of it has to be known.
type Task struct {
	Owner string `json:"owner,omitempty"`
	Due   string `json:"due,omitempty"`  // 2026-12-01
	Link  string `json:"link,omitempty"` // an address, or a ticket's number
}

// Words tells it in a few words: "maria, by 2026-12-01, OPS-412".
func (t Task) Words() string {
	out := []string{"no owner"}
	if t.Owner != "" {
		out[0] = t.Owner
	}
	if t.Due != "" {
		out = append(out, "by "+t.Due)
	}
	if t.Link != "" {
		out = append(out, t.Link)
	}
	return strings.Join(out, ", ")
}

var (
	taskDate = regexp.MustCompile(`^\d{4}-\d{1,2}-\d{1,2}$`)
	taskLink = regexp.MustCompile(`^(?:https?://\S+|[A-Za-z][A-Za-z0-9_./-]*[#!]\d+|[#!]\d+|[A-Z][A-Z0-9_]*-\d+)$`)
)

// ReadTask reads a task as it is typed in one line, in any order: an address or a
// ticket's number is the link, a date is until when, and the rest names the owner. why
// says what cannot be meant; "" = nothing.
func ReadTask(typed string) (t Task, why string) {
	var owner []string
	for _, word := range strings.Fields(typed) {
		word = strings.Trim(word, ",;")
		switch {
		case word == "":
		case taskLink.MatchString(word):
			if t.Link != "" {
				return t, "two links: " + t.Link + " and " + word
			}
			t.Link = word
		case taskDate.MatchString(word):
			day, err := time.Parse("2006-1-2", word)
			switch {
			case err != nil:
				return t, "“" + word + "” is no date: type it as 2026-12-01"
			case t.Due != "":
				return t, "two dates: " + t.Due + " and " + word
			}
			t.Due = day.Format(time.DateOnly)
		default:
			owner = append(owner, word)
		}
	}
	t.Owner = strings.Join(owner, " ")
	return t, ""
}
