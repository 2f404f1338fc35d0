package incident

import (
	"slices"
	"strings"

	"rollbook/model"
)

// Mark is what stands beside a version in a list: what is known of it, in a word.
type Mark string

// The marks. The zero value is that there is nothing to say.
const (
	MarkNone    Mark = ""
	MarkGood    Mark = "★ good" // the last known good
	MarkBad     Mark = "✗ bad"
	MarkUndone  Mark = "✗ undone" // it was rolled back from, and nobody knows how it did
	MarkRestart Mark = "· restart only"
	MarkUnknown Mark = "? no data"
)

// Word returns the mark without its sign, for where signs are read aloud.
func (m Mark) Word() string { return strings.TrimLeft(string(m), "★✗·? ") }

// MarkOf returns a version's mark. It does not depend on what is chosen.
func (s *Snapshot) MarkOf(h *model.History, r *model.Candidate) Mark {
	k := s.Incident.known(h.Component, r.Key)
	switch {
	case k.Ill != "":
		return Mark("✗ " + string(k.Ill))
	case s.badVersion(h, r) != "":
		return MarkBad
	case s.leftBehind(h, r) != "":
		return MarkUndone
	case s.lastGood(h, func(r *model.Candidate) bool {
		return r.Current && !r.Returned && s.suffers(h.Component) || !r.Current && restartOfCurrent(h, r)
	}) == r:
		return MarkGood
	case r.RestartOf != "":
		return MarkRestart
	case !r.Current && !r.Behaviour.Errors.Known && !r.Now.Errors.Known && !k.good():
		return MarkUnknown
	}
	return MarkNone
}

// FiguresOfVersion returns the figures that a version is shown with: of the running
// one those of now, of another what it did before the onset, else until it was left.
func (s *Snapshot) FiguresOfVersion(h *model.History, r *model.Candidate) (errors, p95 model.Reading) {
	if f := s.FiguresOf(h.Component); r.Current && f != nil && !f.NotMeasured {
		if c := s.Seen.Component(h.Component); f.New.Errors.Known || c != nil && c.Replicas > c.Updated {
			return f.New.Errors, f.New.P95 // the others hold what old pods serve
		}
		return f.Errors.Now, f.P95.Now
	}
	errors, p95 = r.Behaviour.Errors, r.Behaviour.P95
	k := s.Incident.known(h.Component, r.Key)
	pick := func(to *model.Reading, until model.Reading, kept *float64) {
		switch {
		case to.Known:
		case until.Known:
			*to = until
		case kept != nil:
			*to = model.Reading{Known: true, Value: *kept, At: k.At}
		}
	}
	pick(&errors, r.Now.Errors, k.Errors)
	pick(&p95, r.Now.P95, k.P95)
	return errors, p95
}

// ReleasedBy returns who released a version, else who of this incident went back to it;
// "" when nobody knows. It stays when the version is left.
func (s *Snapshot) ReleasedBy(h *model.History, r *model.Candidate) string {
	if r.By != "" && !r.Returned {
		return r.By
	}
	if by := s.Incident.known(h.Component, r.Key).By; by != "" {
		return by
	}
	for _, x := range s.Suspects() {
		if x.Component == h.Component && x.Version.Is(r.Version) && x.By != "" {
			return x.By
		}
	}
	for _, a := range slices.Backward(s.Incident.Attempts) {
		for _, w := range a.Writes {
			again := r.Current && !w.RolledOut.IsZero() && r.Start.After(w.RolledOut) // by somebody else
			if w.happened() && w.Plan.Slot() == model.Release(h.Component) && w.Plan.To.Is(r.Version) && !again {
				return a.By
			}
		}
	}
	return r.By
}

// Against says what speaks against going to a version; "" when nothing is known to.
func (s *Snapshot) Against(h *model.History, r *model.Candidate) string {
	if r.Current {
		return ""
	}
	c := Choice{Slot: model.Release(h.Component), Method: h.Method, To: r.Version}
	return s.wontHelp(h, c)
}
