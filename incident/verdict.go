package incident

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"rollbook/model"
)

// Verdict is what the decision tree ends in. The zero value is "unknown, your
// call".
type Verdict int

// The verdicts. Their value is no order of severity: that is at once > within 10
// minutes > unknown > watch.
const (
	YourCall Verdict = iota
	WatchClosely
	Within10
	Now
)

var verdictTitles = model.Names{YourCall: "UNKNOWN, YOUR CALL", WatchClosely: "WATCH CLOSELY",
	Within10: "ROLL BACK WITHIN 10 MINUTES", Now: "ROLL BACK NOW"}

// Name returns the verdict as the screen calls it.
func (v Verdict) Name() string { return verdictTitles.Of(int(v)) }

var verdicts = model.Names{YourCall: "your call", WatchClosely: "watch", Within10: "within 10 minutes", Now: "at once"}

// MarshalText gives the verdict's name in a journal.
func (v Verdict) MarshalText() ([]byte, error) { return verdicts.Text(int(v)) }

// UnmarshalText reads a verdict's name; one that is not known is an error.
func (v *Verdict) UnmarshalText(b []byte) error { return verdicts.Parse("verdict", b, (*int)(v)) }

// VerdictRecord is the verdict as it stands.
type VerdictRecord struct {
	Verdict   Verdict
	Since     time.Time // of this verdict
	First     time.Time // when one to roll back stood first; zero = none did
	Text      string    // the one sentence
	Basis     Basis     // what Text rests on
	Overruled bool
	Reason    string
	// Deadline is when "within 10 minutes" is over; zero for other verdicts or
	// before it was decided.
	Deadline time.Time
}

// verdictOf is what the tree ends in, with the sentence that says why. It knows
// nothing of overruling, nor of a countdown that is over.
func verdictOf(s *Snapshot, nodes []Node) (Verdict, string) {
	if n := decisive(nodes); n != nil {
		figure := n.Figure == model.TriYes // to agree with a figure takes nothing from it
		switch {
		case n.Question == QSLO && figure:
			return Within10, n.Text
		case n.Question == QSLO:
			return Within10, n.By + " answered that the SLO is at risk"
		case figure:
			return Now, n.Text
		}
		return Now, fmt.Sprintf("%s answered yes to “%s”", n.By, strings.TrimSuffix(n.Title, "?"))
	}
	for k, n := range nodes[:3] {
		if n.Answer == model.TriUnknown {
			if k == 2 && len(s.Seen.Board) > 0 && s.clusterLost() == "" {
				return YourCall, cmp.Or(rising(nodes), "nothing is over its limit") + "; is a critical feature broken? Only you know"
			}
			return YourCall, n.Title + " " + n.Text
		}
	}
	if text := rising(nodes); text != "" {
		return WatchClosely, text + ": prepare"
	}
	return WatchClosely, "nothing is over its limit: prepare, and keep watching"
}

// decisive returns the question that asks for a rollback; nil = none does. D4 comes last.
func decisive(nodes []Node) *Node {
	var slo *Node
	for k := range nodes {
		switch n := &nodes[k]; {
		case n.Answer != model.TriYes || n.Covered:
		case n.Question == QSLO:
			slo = n
		default:
			return n
		}
	}
	return slo
}

// rising says what is over its limit, but not for long enough yet; "" for nothing.
func rising(nodes []Node) string {
	for _, n := range nodes {
		if n.Rising {
			return n.Text
		}
	}
	return ""
}

// Countdown is how long of "within 10 minutes" is left. It ends with the first write,
// and with zero.
func (s *Snapshot) Countdown(v Verdict) (left time.Duration, runs bool) {
	r := s.Incident.Verdict
	if v != Within10 || !s.Incident.wroteAt().IsZero() || !s.Now.Before(r.Deadline) {
		return 0, false
	}
	return r.Deadline.Sub(s.Now), true
}

// Calm reports whether nothing is wrong as far as anybody knows, and only an operator
// could know more: no limit is passed, everything is known, and no incident is open.
func Calm(s *Snapshot, nodes []Node) bool {
	if s.Incident.ID != "" {
		return false
	}
	for n := range nodes {
		k := &nodes[n]
		switch {
		case k.Rising || k.Answer == model.TriYes:
			return false
		case (k.Question == QErrors || k.Question == QP95) && k.Answer != model.TriNo:
			return false
		}
	}
	return nodes[2].Text == podsAreThere
}

// Basis names what the sentence of a verdict rests on. The zero value says that it rests on
// more than limits that were broken, or stands in a journal that does not tell.
type Basis string

// What a verdict may rest on. They stand in journals.
const (
	BasisLimits  Basis = "limits"  // its sentence tells of the limits that were broken, and of nothing else
	BasisNothing Basis = "nothing" // a limit was broken, but nothing was released that could be rolled back
)

// VerdictOf returns the verdict that counts, with its sentence as of now. The nodes
// are those of Tree(s): judging a thousand components twice costs a screen
// milliseconds.
func VerdictOf(s *Snapshot, nodes []Node) (Verdict, string) {
	v, why, _ := ruling(s, nodes)
	return v, why
}

// ruling is VerdictOf with what its sentence rests on.
func ruling(s *Snapshot, nodes []Node) (Verdict, string, Basis) {
	v, why := verdictOf(s, nodes)
	var basis Basis
	if n := decisive(nodes); n != nil && n.Figure == model.TriYes {
		basis = BasisLimits
	}
	if s.pointless(v) {
		why, basis = why+", but "+NothingReleased, BasisNothing
	}
	if s.Incident.Answers[QDataLoss].Answer == model.TriYes {
		why = "stop writing traffic first: " + why
		if basis == BasisLimits {
			basis = ""
		}
	}
	r, wrote := s.Incident.Verdict, s.Incident.wroteAt()
	switch {
	case r.Overruled && !r.Since.Before(wrote):
		why = "overruled from “" + v.Name() + "”"
		if r.Reason != "" {
			why += ": " + r.Reason
		}
		return r.Verdict, why, ""
	case v == Within10 && wrote.IsZero() && !r.Deadline.IsZero() && !s.Now.Before(r.Deadline):
		if basis == BasisLimits {
			basis = ""
		}
		return Now, "the ten minutes are over: " + why, basis
	}
	return v, why, basis
}

// NothingReleased ends the sentence of a verdict that asks for a rollback where nothing
// was released that could be rolled back.
const NothingReleased = "nothing was released in the hour before"

// Shouted returns a verdict as the screen calls it, by what its sentence rests on: an
// order that its next words take back is none.
func Shouted(v Verdict, basis Basis) string {
	if basis == BasisNothing {
		return "NOTHING TO ROLL BACK"
	}
	return v.Name()
}

// pointless reports whether a verdict asks for a rollback, and nothing was released that
// could be rolled back.
func (s *Snapshot) pointless(v Verdict) bool {
	return (v == Now || v == Within10) && s.released() == model.TriNo && len(s.rollbacks()) == 0
}

func (d *decider) verdict() (Verdict, string, Basis) { return ruling(&d.s, Tree(&d.s)) }

// judge records the verdict when it is another one than before.
func (d *decider) judge() {
	v, why, basis := d.verdict()
	if v != Now && v != Within10 && d.s.Afterwards().State != AfterNothing {
		return // what counts is what came of the rollback
	}
	r := d.inc().Verdict
	if v == YourCall && r.Since.IsZero() && d.inc().ID == "" && d.s.notHeard() {
		return // the first answer is on its way: that nobody knows is no verdict
	}
	if r.Verdict != v || r.Since.IsZero() {
		d.finds(Judged{Verdict: v, Text: why, Basis: basis})
	}
}

// Judged is a change of the verdict.
type Judged struct {
	Verdict Verdict `json:"verdict"`
	Text    string  `json:"text"`
	Basis   Basis   `json:"basis,omitempty"`
}

func (b Judged) apply(i *Incident, f Fact) {
	i.Verdict.Verdict, i.Verdict.Text, i.Verdict.Basis, i.Verdict.Since = b.Verdict, b.Text, b.Basis, f.At
	if i.Verdict.First.IsZero() && (b.Verdict == Now || b.Verdict == Within10) {
		i.Verdict.First = f.At
	}
}

func (b Judged) entry(*Incident) (EntryKind, string) {
	return EntrySeen, fmt.Sprintf("verdict: %s: %s", Shouted(b.Verdict, b.Basis), b.Text)
}

// Overrule sets the verdict against the tree's.
type Overrule struct {
	Verdict Verdict
	Reason  string
}

func (do Overrule) decide(d *decider) {
	v, _, _ := d.verdict()
	d.fact(Overruled{Verdict: do.Verdict, Against: v, Reason: do.Reason})
}

// Overruled is the operator's verdict against the tree's.
type Overruled struct {
	Verdict Verdict `json:"verdict"`
	Against Verdict `json:"against"`
	Reason  string  `json:"reason,omitempty"`
}

func (b Overruled) apply(i *Incident, f Fact) {
	i.Verdict.Overruled, i.Verdict.Reason = true, b.Reason
	i.Verdict.Verdict, i.Verdict.Since = b.Verdict, f.At
	i.Verdict.Basis, i.Verdict.Text = "", "overruled from “"+b.Against.Name()+"”"
}

func (b Overruled) entry(*Incident) (EntryKind, string) {
	return EntryAnswer, fmt.Sprintf("overruled: %s instead of %s%s", b.Verdict.Name(), b.Against.Name(), because(b.Reason))
}
