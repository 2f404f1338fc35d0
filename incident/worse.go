package incident

import (
	"fmt"
	"strings"

	"rollbook/model"
)

// madeWorse reports whether it is worse than before since a rollback.
func (s *Snapshot) madeWorse() bool { return s.Afterwards().State == AfterWorse }

// compare says at once when a rollback made it worse than it was.
func (d *decider) compare() {
	for _, r := range d.s.rollbacks() {
		if r.write == nil || r.write.Worse != "" || !d.inc().Verified.IsZero() || d.s.NoneRuns(r.name) {
			continue
		}
		figure, _, rise := d.s.compared(r)
		if rise == nil {
			continue
		}
		d.finds(Worsened{WriteID: r.id, Text: figure, Rise: rise})
		if d.inc().Asked == AskNothing {
			d.finds(AskedFor{What: AskWorse, Text: fmt.Sprintf("%s is worse than before: %s since the rollback", r.name, figure)})
		}
	}
}

// Worsened is a write after which it was clearly worse than before.
type Worsened struct {
	WriteID
	Text string `json:"text"` // "errors 8% → 85%"
	Rise *Rise  `json:"rise,omitempty"`
}

func (b Worsened) apply(i *Incident, f Fact) {
	i.onWrite(b.WriteID, func(w *Write) { w.Worse, w.Rise = b.Text, b.Rise })
}

func (b Worsened) entry(i *Incident) (EntryKind, string) {
	return EntryBad, fmt.Sprintf("%s is worse than before: %s since the rollback", i.component(b.WriteID), b.Text)
}

// Rise is a figure that is clearly worse than before a rollback.
type Rise struct {
	Kind TriggerKind `json:"kind"` // errors or p95
	Was  float64     `json:"was"`  // ratio or seconds
	Is   float64     `json:"is"`
	New  bool        `json:"new,omitempty"` // of the new pods alone
}

// Words returns the figure's name, what it was and what it is.
func (r *Rise) Words() (name, was, is string) {
	if r.Kind == TP95 {
		return "P95", model.Seconds(r.Was), model.Seconds(r.Is)
	}
	return "errors", model.Percent(r.Was), model.Percent(r.Is)
}

// String returns "errors 8% → 85% on the new pods".
func (r *Rise) String() string {
	name, was, is := r.Words()
	text := name + " " + was + " → " + is
	if r.New {
		text += " on the new pods"
	}
	return text
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
