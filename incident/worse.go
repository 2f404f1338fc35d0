package incident

import "fmt"

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
		d.fact(Worsened{WriteID: r.id, Text: figure})
		if d.inc().Asked == AskNothing {
			d.fact(AskedFor{What: AskWorse, Text: fmt.Sprintf("%s is worse than before: %s since the rollback", r.name, figure)})
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
	return EntryBad, fmt.Sprintf("worse than before: %s of %s since the rollback", b.Text, i.component(b.WriteID))
}
