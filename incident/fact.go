package incident

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Fact is something that was found, decided or done. Facts are all that an
// incident is made of.
type Fact struct {
	At   time.Time
	By   string // the operator, or "" for what happened by itself
	Body Body
}

// Body is what a fact says: one of the types of this package that are listed in
// bodies. It changes the incident, never in place, and tells itself in one line.
type Body interface {
	apply(i *Incident, f Fact)
	// entry returns the fact's line in the timeline; EntryNone leaves it out. The
	// incident, which it must not change, is the one that the fact comes to: the fact
	// is not applied yet.
	entry(before *Incident) (kind EntryKind, text string)
}

// Apply folds one fact into the incident.
func Apply(i Incident, f Fact) Incident { return ApplyAll(i, []Fact{f}) }

// ApplyAll folds facts into the incident, one after the other. What grows with
// each fact is copied once for all of them: a namespace of a thousand components
// begins with as many.
func ApplyAll(i Incident, facts []Fact) Incident {
	i.lend()
	for _, f := range facts {
		i.take(f)
	}
	i.ownNoted = false
	return i
}

// Fold is the incident that the facts make.
func Fold(facts []Fact) Incident { return ApplyAll(Incident{}, facts) }

// envelope is a fact as it stands in a journal.
type envelope struct {
	At   time.Time       `json:"at"`
	By   string          `json:"by,omitempty"`
	Fact string          `json:"fact"`
	Data json.RawMessage `json:"data"`
}

// bodies are all kinds of facts by their name in a journal. A name is never
// given to another kind again.
var bodies = map[string]Body{
	"began": Began{}, "opened": Opened{}, "resumed": Resumed{}, "moved": Moved{},
	"rose": Rose{}, "eased": Eased{}, "back": BackOver{}, "stood down": StoodDown{},
	"judged": Judged{}, "noticed": Noticed{}, "sampled": Sampled{},
	"said": Said{}, "overruled": Overruled{},
	"chosen": Chosen{}, "dropped": Dropped{}, "history": HistoryRead{}, "check overridden": CheckOverridden{},
	"confirmed": Confirmed{}, "intended": Intended{}, "written": WriteDone{},
	"refused": WriteRefused{}, "failed": WriteFailed{}, "lost": WriteLost{}, "settled": WriteSettled{},
	"rolled out": RolledOut{}, "reverted": WriteReverted{}, "did not finish": WriteStopped{},
	"asked": AskedFor{}, "answered": AskAnswered{},
	"hold began": HoldBegan{}, "hold broke": HoldBroke{}, "verified": WasVerified{}, "accepted": UnknownAccepted{},
	"item": ItemSettled{}, "item open": ItemReopened{}, "ended": Ended{}, "closed": WasClosed{}, "no journal": JournalGivenUp{},
	"evidence": EvidenceKept{}, "no evidence": EvidenceFailed{}, "impact": ImpactMeasured{}, "no impact": ImpactFailed{},
	"report": ReportWritten{}, "no report": ReportFailed{},
	"message": MessageIntended{}, "message sent": MessageSent{}, "message failed": MessageFailed{}, "message lost": MessageLost{},
	"clock": ClockRan{}, "escalated": Escalated{}, "escalation answered": EscalationAnswered{},
	"debt waived": DebtWaived{}, "baseline seen": BaselineSeen{}, "procedure began": ProcedureBegan{}, "step settled": StepSettled{}, "step open": StepReopened{}, "lease taken": LeaseTaken{}, "lease lost": LeaseGone{}, "mended": Mended{}, "baseline": BaselineRead{}, "scaled": Scaled{}, "suspected": Suspected{}, "alert": AlertFired{}, "alert over": AlertOver{}, "detection": DetectionTold{}, "severity": SeverityTold{},
	"unverified": Unverified{}, "unwatched": Unwatched{}, "reopened": Reopened{}, "version seen": VersionSeen{}, "pods said": PodsSaid{}, "worse": Worsened{},
	"shell": ShellOpened{}, "shell left": ShellLeft{}, "handled": Handled{},
}

var names = func() map[reflect.Type]string {
	m := map[reflect.Type]string{}
	for name, b := range bodies {
		m[reflect.TypeOf(b)] = name
	}
	return m
}()

// MarshalJSON gives the fact's line in a journal.
func (f Fact) MarshalJSON() ([]byte, error) {
	if u, is := f.Body.(Unknown); is {
		return plain(envelope{At: f.At, By: f.By, Fact: u.Fact, Data: u.Data})
	}
	name, ok := names[reflect.TypeOf(f.Body)]
	if !ok {
		return nil, fmt.Errorf("fact %T has no name in a journal", f.Body)
	}
	data, err := plain(f.Body)
	if err != nil {
		return nil, fmt.Errorf("fact %q: %w", name, err)
	}
	return plain(envelope{At: f.At, By: f.By, Fact: name, Data: data})
}

// plain is json.Marshal without the escapes for HTML: a journal is read by eye.
func plain(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// UnmarshalJSON reads a journal's line back. A kind that this version does not know
// becomes Unknown.
func (f *Fact) UnmarshalJSON(b []byte) error {
	var e envelope
	if err := json.Unmarshal(b, &e); err != nil {
		return err
	}
	body, ok := bodies[e.Fact]
	switch {
	case ok:
	case e.Fact == "":
		return errors.New("it is not a fact: it has no name")
	default:
		f.At, f.By, f.Body = e.At, e.By, Unknown{Fact: e.Fact, Data: e.Data}
		return nil
	}
	v := reflect.New(reflect.TypeOf(body))
	if err := json.Unmarshal(e.Data, v.Interface()); err != nil {
		return fmt.Errorf("fact %q: %w", e.Fact, err)
	}
	f.At, f.By, f.Body = e.At, e.By, v.Elem().Interface().(Body)
	return nil
}

// Unknown is a fact of a kind that this version does not know: a newer one wrote it. It
// is shown and passed over, and kept as it is.
type Unknown struct {
	Fact string // its name in the journal
	Data json.RawMessage
}

func (Unknown) apply(*Incident, Fact) {}

func (b Unknown) entry(*Incident) (EntryKind, string) {
	return EntryBad, fmt.Sprintf("a fact that this version of rollbook does not know and passes over: %q", b.Fact)
}

// because adds a reason to a sentence, if there is one.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": “" + reason + "”"
}

func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
