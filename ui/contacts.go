package ui

import (
	"strings"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// newContacts is whom to call: who is on call now, the team's own list, and its
// documents, below how long it has been down.
func newContacts(s *scope) overlay {
	return &pager{base: base{s}, title: "Contacts and documents", lines: func(w int) []string {
		out := s.downLines(w)
		out = append(out, s.escalationLines(w)...)
		out = append(out, s.onCallLines(w)...)
		out = append(out, s.contactLines(w)...)
		return append(out, s.configLines(w)...)
	}}
}

// contactCol is how wide the name before a contact is.
const contactCol = 18

// downLines say how long it has been down, and what follows at thirty minutes.
func (s *scope) downLines(w int) []string {
	p := s.pen
	since := onset(s.inc())
	if since.IsZero() {
		return []string{""}
	}
	out := []string{""}
	text := "It has lasted " + model.Short(coarse(s.snap.Now.Sub(since))) + "."
	if down := s.down(); down != "" {
		text = s.upper(down) + "; begun " + model.Short(coarse(s.snap.Now.Sub(since))) + " ago."
	}
	if total, _ := incident.Downtime(s.snap); total >= 30*time.Minute {
		text += " Over 30 minutes: tell the CTO."
	} else {
		text += " At 30 minutes of downtime the CTO is to be told; at once when data is lost."
	}
	for _, l := range p.wrap(text, w-2, 0) {
		out = append(out, " "+paint(p.Strong, l))
	}
	return append(out, "")
}

// escalationLines are the calls that came up, with what was answered.
func (s *scope) escalationLines(w int) []string {
	p := s.pen
	var out []string
	for n := range s.inc().Escalations {
		e := &s.inc().Escalations[n]
		sign, style, text := "✗", p.Bad, "call "+e.Who+": "+e.Text+s.keyed(" (E answers)")
		if e.Answer != "" {
			sign, style = "✓", p.Plain
			text = e.Text + ": " + e.Answer + " at " + e.Done.UTC().Format("15:04:05 UTC") + " by " + nonEmpty(e.By, "nobody named")
			if e.Reason != "" {
				text += ": “" + e.Reason + "”"
			}
		}
		for k, l := range p.wrap(text, w-5, 0) {
			if k > 0 {
				sign = " "
			}
			out = append(out, " "+paint(style, p.say(sign))+" "+paint(style, l))
		}
	}
	if len(out) > 0 {
		out = append(out, "")
	}
	return out
}

// onCallLines are who is on call now, how old that is, and why nothing newer is
// known.
func (s *scope) onCallLines(w int) []string {
	p, seen := s.pen, &s.snap.Seen
	out := []string{p.heading("on call now", w)}
	switch {
	case seen.OnCallOff != "":
		for _, l := range p.wrap(seen.OnCallOff, w-3, 0) {
			out = append(out, "   "+paint(p.Dim, l))
		}
		return append(out, "")
	case seen.OnCallAt.IsZero() && seen.OnCallErr == "":
		return append(out, "   asking…", "")
	}
	for _, c := range seen.OnCall {
		out = append(out, s.person(c.Name, c.How, w)...)
		where := c.Schedule
		if where != "" {
			where = "schedule " + where + ", "
		}
		where += c.Source
		if !c.Until.IsZero() {
			where += ", until " + c.Until.UTC().Format("Mon 15:04 UTC")
			if left := c.Until.Sub(s.snap.Now); left > 0 {
				where += ", " + model.Short(coarse(left)) + " more"
			} else {
				where += ", which is over"
			}
		}
		for _, l := range p.wrap(where, w-contactCol-3, 0) {
			out = append(out, spaces(contactCol+2)+paint(p.Dim, l))
		}
	}
	if len(seen.OnCall) == 0 && !seen.OnCallAt.IsZero() {
		out = append(out, "   "+paint(p.Warn, "nobody is on call by the schedules that are configured"))
	}
	if seen.OnCallErr != "" {
		text := "nothing newer is known: " + seen.OnCallErr
		if !seen.OnCallAt.IsZero() {
			text = "read " + age(s.snap.Now, seen.OnCallAt) + " ago, and not since: " + seen.OnCallErr
		}
		for k, l := range p.wrap(text, w-5, 0) {
			sign := "⚠"
			if k > 0 {
				sign = " "
			}
			out = append(out, " "+paint(p.Warn, p.say(sign))+" "+paint(p.Warn, l))
		}
	} else if old := s.snap.Now.Sub(seen.OnCallAt); old > 10*time.Minute {
		out = append(out, " "+paint(p.Warn, p.say("⚠ ")+"read "+age(s.snap.Now, seen.OnCallAt)+" ago"))
	}
	return append(out, "")
}

// person is a name with how to reach them, whole.
func (s *scope) person(name, how string, w int) []string {
	p := s.pen
	var out []string
	head := " " + p.cell(name, contactCol, p.Strong) + " "
	lines := p.wrap(how, w-contactCol-3, 0)
	if len(lines) == 0 {
		lines = []string{"how to reach them is not said"}
	}
	for _, l := range lines {
		out = append(out, head+l)
		head = spaces(contactCol + 2)
	}
	return out
}

func (s *scope) contactLines(w int) []string {
	p, set := s.pen, &s.inc().Settings
	out := []string{p.heading("contacts", w)}
	for _, c := range set.Contacts {
		out = append(out, s.person(c.Role, c.Name+"  "+c.How, w)...)
		for _, l := range p.wrap(c.When, w-contactCol-3, 0) {
			if l != "" {
				out = append(out, spaces(contactCol+2)+paint(p.Dim, l))
			}
		}
	}
	if len(set.Contacts) == 0 {
		out = append(out, "   No contacts are configured: contacts: in rollbook.yaml.")
	}
	out = append(out, "", p.heading("documents", w))
	for _, l := range set.Links {
		head := " " + p.cell(l.Name, 24, p.Plain) + " "
		for _, part := range p.wrap(l.URL, w-27, 0) {
			out = append(out, head+part)
			head = spaces(26)
		}
	}
	if len(set.Links) == 0 {
		out = append(out, "   No documents are configured: links: in rollbook.yaml.")
	}
	return out
}

// configLines are what it is worked by: limits and contacts that came from
// nowhere are worth a doubt.
func (s *scope) configLines(w int) []string {
	p, from := s.pen, "defaults alone"
	if f := s.inc().Settings.ConfigFrom; len(f) > 0 {
		from = strings.Join(f, ", ")
	}
	out := []string{""}
	for _, l := range p.wrap("Configuration from "+from, w-2, 0) {
		out = append(out, " "+paint(p.Dim, l))
	}
	if why := s.snap.Seen.ConfigE; why != "" {
		for _, l := range p.wrap("Configuration in the cluster not used: "+why, w-2, 0) {
			out = append(out, " "+paint(p.Warn, l))
		}
	}
	return out
}
