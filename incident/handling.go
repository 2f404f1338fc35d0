package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// RefusedKey is a key that could do nothing on a page, and how often it was pressed there.
type RefusedKey struct {
	Key   string `json:"key"` // "" = those that mean nothing there: which they were is not kept
	Name  string `json:"name,omitempty"`
	Why   string `json:"why,omitempty"` // as it was said at the first time
	Times int    `json:"times"`
}

// Pause is a time without a key in which it was the operator's turn.
type Pause struct {
	Took   time.Duration `json:"took"`
	Before string        `json:"before,omitempty"` // the key that ended it; "" = text was typed
}

// Handled tells how the operator handled a page while they practised. It is a fact when
// the page is left, and not before: a line for each key would be most of a journal.
type Handled struct {
	On      Step         `json:"on"`
	Keys    int          `json:"keys"` // all that were pressed
	Refused []RefusedKey `json:"refused,omitempty"`
	Pause   Pause        `json:"pause,omitzero"` // the longest
}

// TellHandled says how a page was handled. Only where somebody practises it is told: in an
// incident nobody is measured by their keys.
type TellHandled struct{ Handled }

func (do TellHandled) decide(d *decider) {
	if d.by != "" && d.inc().ID != "" && do.Keys > 0 {
		d.fact(do.Handled)
	}
}

func (b Handled) apply(i *Incident, _ Fact) {
	n := slices.IndexFunc(i.Handling, func(h Handled) bool { return h.On == b.On })
	if n < 0 {
		b.Refused = slices.Clone(b.Refused)
		i.Handling = with(i.Handling, b)
		return
	}
	i.Handling = slices.Clone(i.Handling)
	h := &i.Handling[n]
	h.Keys += b.Keys
	h.Refused = slices.Clone(h.Refused)
	for _, k := range b.Refused {
		h.Refuse(k)
	}
	if b.Pause.Took > h.Pause.Took {
		h.Pause = b.Pause
	}
}

func (Handled) entry(*Incident) (EntryKind, string) { return EntryNone, "" }

// Refuse counts a refused key in place.
func (b *Handled) Refuse(k RefusedKey) {
	n := slices.IndexFunc(b.Refused, func(o RefusedKey) bool { return o.Key == k.Key && o.Name == k.Name })
	if n < 0 {
		b.Refused = append(b.Refused, k)
		return
	}
	b.Refused[n].Times += k.Times
}

// RefusedOn is a refused key with its page.
type RefusedOn struct {
	On Step
	RefusedKey
}

// Hesitation sums up how a walk was handled, over all its pages.
type Hesitation struct {
	Keys    int
	Backs   int // steps gone back before anything was written
	Refused []RefusedOn
	Pause   Pause // the longest; zero = there was none of a second
	PauseOn Step
}

// Hesitated sums up how the walk was handled; nil where it was not counted.
func (i *Incident) Hesitated() *Hesitation {
	if len(i.Handling) == 0 {
		return nil
	}
	out := &Hesitation{Backs: i.Backs}
	for _, h := range i.Handling {
		out.Keys += h.Keys
		for _, k := range h.Refused {
			out.Refused = append(out.Refused, RefusedOn{h.On, k})
		}
		if h.Pause.Took > out.Pause.Took {
			out.Pause, out.PauseOn = h.Pause, h.On
		}
	}
	slices.SortStableFunc(out.Refused, func(a, b RefusedOn) int { return int(a.On - b.On) })
	return out
}

// RefusedTimes returns how often a key was pressed that could do nothing.
func (h *Hesitation) RefusedTimes() (n int) {
	for _, k := range h.Refused {
		n += k.Times
	}
	return n
}

// Words tells of keys and pause in sentences.
func (h *Hesitation) Words() string {
	refused := "none of them refused"
	if n := h.RefusedTimes(); n > 0 {
		var each []string
		for _, k := range h.Refused {
			each = append(each, k.words())
		}
		refused = fmt.Sprintf("%d of them refused (%s)", n, strings.Join(each, ", "))
	}
	out := fmt.Sprintf("%s, %s.", model.Plural(h.Keys, "key"), refused)
	if h.Pause.Took > 0 {
		before := "typing"
		if h.Pause.Before != "" {
			before = h.Pause.Before
		}
		out += fmt.Sprintf(" The longest pause was %s, on %s before %s.", model.Short(h.Pause.Took), h.PauseOn.Name(), before)
	}
	return out
}

// words names the key, where it was pressed, and how often if that was more than once.
func (k RefusedOn) words() string {
	text := strings.TrimSpace(k.Key + " " + k.Name)
	if k.Key == "" {
		text = "an unknown key"
	}
	text += " on " + k.On.Name()
	if k.Times > 1 {
		text += fmt.Sprintf(" %d times", k.Times)
	}
	return text
}

// OperatorsTurn reports whether the walk waits for the operator. It does not while a drill
// is still to be seen, while checks and rollout are under way, in the hold of Verify, and
// when it is over.
func (s *Snapshot) OperatorsTurn() bool {
	i := &s.Incident
	switch {
	case i.Asked != AskNothing:
		return true
	case !i.Verified.IsZero() || i.End != nil:
		return false
	}
	switch i.Step {
	case Assess:
		p := i.Procedure(CourseDrill)
		if p == nil {
			return !i.Shown.IsZero()
		}
		if next := p.Next(); next != nil && next.ID == StepHealthy {
			return false
		}
		return i.Broke().IsZero() || !i.Shown.IsZero()
	case Confirm:
		for _, c := range openChoices(i) {
			if f := s.Seen.Preflight[c.Slot]; f == nil || !f.Done {
				return false
			}
		}
	case RollBack:
		return !slices.ContainsFunc(i.Standing(), func(st Standing) bool { return st.Write.underWay() })
	case Verify:
		return false
	}
	return true
}
