package incident

import (
	"fmt"
	"strings"
)

// madeWorse reports whether it is worse than before since a rollback.
func (s *Snapshot) madeWorse() bool { return s.Afterwards().State == AfterWorse }

// compare says at once when a rollback made it worse than it was.
func (d *decider) compare() {
	for _, r := range d.s.rollbacks() {
		if r.write == nil || r.write.Worse != "" || !d.inc().Verified.IsZero() || d.s.NoneRuns(r.name) {
			continue
		}
		figure, _, worse := d.s.compared(r)
		if !worse {
			continue
		}
		d.finds(Worsened{WriteID: r.id, Text: figure})
		if d.inc().Asked == AskNothing {
			d.finds(AskedFor{What: AskWorse, Text: fmt.Sprintf("%s is worse than before: %s since the rollback", r.name, figure)})
		}
	}
}

// Worsened is a write after which it was clearly worse than before.
type Worsened struct {
	WriteID
	Text string `json:"text"` // "errors 8% → 85%"
}

func (b Worsened) apply(i *Incident, f Fact) {
	i.onWrite(b.WriteID, func(w *Write) { w.Worse = b.Text })
}

func (b Worsened) entry(i *Incident) (EntryKind, string) {
	return EntryBad, fmt.Sprintf("%s is worse than before: %s since the rollback", i.component(b.WriteID), b.Text)
}

// worse says which of an attempt's components are worse since then, and by how much.
func (a *Attempt) worse() string {
	var out []string
	for n := range a.Writes {
		if w := &a.Writes[n]; w.Worse != "" {
			out = append(out, w.Plan.Component+" "+w.Worse)
		}
	}
	return strings.Join(out, "; ")
}
