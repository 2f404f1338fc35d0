package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// Doubt is a reason why going to a version may not help, where nothing is known that rules
// it out.
type Doubt struct {
	Text string // as the banner says it
	More string // what else is to be said of it, behind Text
}

// String returns the whole of it.
func (d Doubt) String() string { return d.Text + d.More }

// inWords returns doubts as one text.
func inWords(doubts []Doubt) string {
	out := make([]string, len(doubts))
	for n, d := range doubts {
		out[n] = d.String()
	}
	return strings.Join(out, "; ")
}

// doubts returns what makes it doubtful that a choice will help, where nothing is known
// that rules it out. What WayBack says of the version that it names is said by this, too.
func (s *Snapshot) doubts(h *model.History, c Choice) []Doubt {
	var out []Doubt
	add := func(text, more string) { out = append(out, Doubt{text, more}) }
	name := c.To.Name()
	r := h.Candidate(c.To.Key)
	best, _ := s.Proposal(h)
	served := false
	if r != nil {
		served, _ = s.good(h, r)
	}
	if k := s.Incident.known(c.Component, c.To.Key); !served && !k.good() && (r != nil || c.Own || c.Why == "") {
		add("nobody knows how "+name+" did", "")
	}
	if !best.IsZero() && best.Key != c.To.Key {
		add("not the proposed version", fmt.Sprintf(": %s is the newest that served well before the onset", best.Name()))
	}
	current := h.Current()
	alike := r != nil && current != nil && current != r && bad(r.Now, s.Incident.Settings.Limits) && bad(current.Now, s.Incident.Settings.Limits)
	if alike {
		add(fmt.Sprintf("%s and %s fail alike now", current.Name(), name), "")
	}
	if next := s.ranAtOnset(h, r); next != nil && !alike {
		add("it began while "+name+" ran", fmt.Sprintf(": %s came %s", next.Name(), Suspect{Before: s.before(next.Start)}.Distance(&s.Incident)))
	}
	for _, x := range s.rewritten(r) {
		add("configmap "+x.Name+" changed too", ": "+name+" will read the new one (changed "+s.rewrittenWords(x)+")")
	}
	switch changed := slices.ContainsFunc(s.Suspects(), func(x Suspect) bool { return x.Component == c.Component }); {
	case !changed && !s.Incident.wroteRelease(c.Component):
		add(c.Component+" did not change in the hour before the onset", "")
	case !s.suffers(c.Component) && s.wellness(c.Component) == model.TriYes:
		add(c.Component+" is healthy itself", "")
	}
	return out
}

// ranAtOnset returns the version that came in the place of r after the onset; nil where r
// did not run at the onset, or nobody knows. It is about a component that fails since then:
// another may have begun to fail later, by a release of its own.
func (s *Snapshot) ranAtOnset(h *model.History, r *model.Candidate) *model.Candidate {
	onset := s.Incident.Onset
	if n := slices.IndexFunc(s.Incident.Triggers, func(t Trigger) bool { return t.Component == h.Component && t.Onset.Equal(onset) }); n < 0 || r == nil || onset.IsZero() {
		return nil
	}
	for n := range h.Candidates {
		if &h.Candidates[n] != r || n == 0 || r.Guessed || r.Start.IsZero() || r.Start.After(onset) {
			continue
		}
		if next := &h.Candidates[n-1]; !next.Guessed && !s.Incident.ours(h.Component, next.Key, next.Start) && (Suspect{Before: s.before(next.Start)}).Later() {
			return next
		}
	}
	return nil
}

// rewritten returns the ConfigMaps that a version would find changed, and that were changed
// in the hour before the onset; nil while there is no onset.
func (s *Snapshot) rewritten(r *model.Candidate) []model.Rewritten {
	if r == nil || s.Incident.Onset.IsZero() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.Rewritten), func(x model.Rewritten) bool {
		before := s.before(x.At).Round(time.Second)
		return before < 0 || before > suspectWindow
	})
}

// rewrittenWords says when before the onset a ConfigMap was changed, and by whom.
func (s *Snapshot) rewrittenWords(x model.Rewritten) string {
	text := Suspect{Before: s.before(x.At)}.Distance(&s.Incident)
	if x.By != "" {
		text += ", by " + x.By
	}
	return text
}

// lookFirst says what to do where nothing was released: to look at what else changed, first
// of all at the ConfigMaps of what fails.
func (s *Snapshot) lookFirst() string {
	for _, t := range s.Incident.Triggers {
		c := s.Seen.Component(t.Component)
		if c == nil {
			continue
		}
		h := s.releaseHistory(c)
		if h == nil {
			continue
		}
		for _, x := range s.rewritten(h.Current()) {
			return fmt.Sprintf("configmap %s of %s changed %s: look there first", x.Name, c.ID, s.rewrittenWords(x))
		}
	}
	return "find what else changed (config, traffic, a dependency)"
}

// saidBefore reports whether a line of the preflight says of a ConfigMap what HelpCheck
// says of it already.
func (s *Snapshot) saidBefore(c Choice, k model.Check) bool {
	name, ok := strings.CutPrefix(k.ID, model.ConfigMapChanged)
	h := s.History(&c)
	if !ok || h == nil || s.wontHelp(h, c) != "" {
		return false
	}
	return slices.ContainsFunc(s.rewritten(h.Candidate(c.To.Key)), func(x model.Rewritten) bool { return x.Name == name })
}
