package incident

import (
	"fmt"
	"slices"
	"time"

	"rollbook/model"
)

// HelpID is the ID of the preflight's first line: will this help?
const HelpID = "help"

// HelpCheck answers, before a release is written, whether it will help; nil where it
// is no release. It rests on what is seen and known now, and is asked with each look.
// Its words do not change with the clock, so that an override lasts as long as what
// it was for.
func HelpCheck(s *Snapshot, c Choice) *model.Check {
	if c.Role != model.RoleRelease || c.Course != CourseWalk && c.Course != CourseRecovery || c.Pays != "" || c.To.IsZero() {
		return nil
	}
	out := &model.Check{ID: HelpID}
	h := s.History(&c)
	if h == nil {
		h = &model.History{Component: c.Component}
	}
	if out.Text = s.wontHelp(h, c); out.Text != "" {
		out.State, out.Do = model.CheckBlocked, "choose another version, or override it with a reason"
		if now := s.runs(c.Component); now != "" {
			out.Do = now + ": " + out.Do
		}
		return out
	}
	if doubts := s.doubts(h, c); len(doubts) > 0 {
		out.State, out.Text = model.CheckWarning, inWords(doubts)
		return out
	}
	out.State, out.Text = model.CheckOK, "this should help: "+s.willHelp(h, c)
	return out
}

// wontHelp says why a choice is known not to help; "" when it is not.
func (s *Snapshot) wontHelp(h *model.History, c Choice) string {
	i, name := &s.Incident, c.To.Name()
	r := h.Candidate(c.To.Key)
	if r == nil {
		r = &model.Candidate{Version: c.To}
	}
	if i.End != nil {
		return "this incident has ended: begin a new one, or reopen it"
	}
	if why := s.badVersion(h, r); why != "" {
		return name + " " + why
	}
	if why := s.leftBehind(h, r); why != "" {
		return name + " " + why
	}
	comp := s.Seen.Component(c.Component)
	if comp != nil && c.Course == CourseWalk && !s.suffers(c.Component) && !slices.ContainsFunc(s.Suspects(), func(x Suspect) bool { return x.Component == c.Component }) {
		return fmt.Sprintf("nothing fails on %s, and it did not change before the onset", c.Component)
	}
	return ""
}

// leftBehind says that a version is what was rolled back from, by this incident or,
// as the cluster tells, by somebody else; "" when it is not, or is known to be good.
func (s *Snapshot) leftBehind(h *model.History, r *model.Candidate) string {
	if ok, _ := s.good(h, r); ok {
		return ""
	}
	for w := range s.Incident.writes() {
		if w.happened() && w.Plan.Slot() == model.Release(h.Component) && w.Plan.From.Key == r.Key && r.Key != "" {
			return fmt.Sprintf("is what this incident rolled back from, at %s", clockTime(w.since()))
		}
	}
	if left := undone(h); left != nil && left.Key == r.Key {
		text := "is what was rolled back from"
		if now := h.Current(); !now.Start.IsZero() && !now.Guessed {
			text += ", at " + clockTime(now.Start)
		}
		if by := h.Current().By; by != "" {
			text += ", by " + by
		}
		return text
	}
	return ""
}

// undone returns the version that the running one was put in the place of, where
// the running one was gone back to; nil where it was not.
func undone(h *model.History) *model.Candidate {
	for n := range h.Candidates {
		if h.Candidates[n].Current && h.Candidates[n].Returned && n+1 < len(h.Candidates) {
			return &h.Candidates[n+1]
		}
	}
	return nil
}

// suffers reports whether something is known, or said, to be wrong with a component.
// What an operator says of the service may be about any of them that is not known
// to be well.
func (s *Snapshot) suffers(component string) bool {
	if s.fails(component) {
		return true
	}
	i := &s.Incident
	for w := range i.writes() {
		if w.Plan.Component == component && w.happened() {
			return true // it is part of what this incident is about
		}
	}
	said := false
	for _, q := range []Question{QErrors, QP95, QCritical, QSLO, QDataLoss, QSecurity} {
		said = said || i.Answers[q].Answer == model.TriYes
	}
	return s.wellness(component) == model.TriNo || said && s.wellness(component) != model.TriYes
}

// wellness is whether a component is well by what is seen of it now.
func (s *Snapshot) wellness(component string) model.Tri {
	out := model.TriUnknown
	for _, l := range s.Judgement().Lines {
		if l.Component.ID != component {
			continue
		}
		lost := s.clusterLost()
		out = model.TriYes
		for _, kind := range kinds {
			switch f := l.finding(s, kind, lost); {
			case f.Over:
				return model.TriNo
			case f.State == model.TriUnknown: // also of what does not run
				out = model.TriUnknown
			}
		}
	}
	return out
}

// willHelp says what speaks for a choice, with the figures.
func (s *Snapshot) willHelp(h *model.History, c Choice) string {
	text := c.To.Name() + " served"
	if r := h.Candidate(c.To.Key); r == nil && c.Why != "" && !c.Own {
		text = c.To.Name() + " is " + c.Why // as the journal has it, where the history was not read
	} else if r != nil {
		if d := servedFor(h, r); d > 0 {
			text += " " + longer(d)
		}
		b := r.Behaviour
		switch k := s.Incident.known(c.Component, c.To.Key); {
		case b.Errors.Known:
			text += " at " + model.Percent(b.Errors.Value)
			if b.P95.Known && s.slow(c.Component) {
				text += ", P95 " + model.Seconds(b.P95.Value)
			}
		case k.good():
			text += " at " + k.figures()
		}
	}
	for _, x := range s.Causes() {
		if x.Component == c.Component && !s.Incident.Onset.IsZero() {
			return text + fmt.Sprintf("; %s came %s", x.Version.Name(), x.Distance(&s.Incident))
		}
	}
	if current := h.Current(); current != nil {
		if why := s.badVersion(h, current); why != "" {
			return text + "; " + current.Name() + " " + why
		}
	}
	return text
}

// slow reports whether a component is too slow.
func (s *Snapshot) slow(component string) bool { return s.Incident.Trigger(component, TP95) != nil }

// servedFor is how long a version ran before the next one came; 0 or less = not known.
func servedFor(h *model.History, r *model.Candidate) time.Duration {
	for n := range h.Candidates {
		if &h.Candidates[n] == r && n > 0 && !r.Current && !r.Guessed && !r.Start.IsZero() {
			if newer := &h.Candidates[n-1]; !newer.Guessed {
				return newer.Start.Sub(r.Start)
			}
		}
	}
	return 0
}

// longer is a duration of hours in hours: "26 h".
func longer(d time.Duration) string {
	if d < 2*time.Hour || d >= 72*time.Hour {
		return model.Short(d)
	}
	return fmt.Sprintf("%.0f h", d.Hours())
}

// runs says how the running version of a component does, where that is bad.
func (s *Snapshot) runs(component string) string {
	c := s.Seen.Component(component)
	if c == nil {
		return ""
	}
	k := s.Incident.known(component, c.OwnerName)
	if k.Over && k.Ill == "" {
		return fmt.Sprintf("%s, which runs, has %s", c.Running().Name(), k.figures())
	}
	return ""
}

// CheckLines returns the preflight of a choice as it is confirmed: whether it will
// help, what the method checked, and who else is on the component.
func CheckLines(s *Snapshot, c Choice) []model.Check {
	var out []model.Check
	p := s.Seen.Preflight[c.Slot]
	if p != nil && p.To == c.To.Key && slices.ContainsFunc(p.Checks, func(k model.Check) bool { return k.ID == HelpID }) {
		return p.Checks // as it was confirmed: a journal is shown
	}
	if k := HelpCheck(s, c); k != nil {
		out = append(out, *k)
	}
	if c.Role == model.RoleRelease && s.Incident.Answers[QDataLoss].Answer == model.TriYes {
		out = append(out, model.Check{ID: "data", State: model.CheckWarning,
			Text: "data loss was reported: stop writing traffic first; a rollback brings no data back"})
	}
	out = append(out, schemaChecks(s, c)...)
	if p != nil && p.To == c.To.Key {
		out = append(out, slices.DeleteFunc(slices.Clone(p.Checks), func(k model.Check) bool { return s.saidBefore(c, k) })...)
	}
	if k := LeaseCheck(s, c.Component); k != nil {
		out = append(out, *k)
	}
	return out
}
