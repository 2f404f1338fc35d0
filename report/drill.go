package report

import (
	"fmt"

	"rollbook/incident"
)

// Drill is that the incident was a rehearsal, and what it came to.
type Drill struct {
	Component Text      `json:"component"`
	Surprise  bool      `json:"surprise,omitempty"` // component and fault were not told before the end
	Fault     Text      `json:"fault"`              // "an image that does not exist"
	Broke     Moment    `json:"broke"`
	Alert     Text      `json:"alert,omitempty"`  // name; "" = none was seen to fire
	Fired     Moment    `json:"fired,omitzero"`   // when it began to
	AlertTook Span      `json:"alertTook"`        // from when it was broken
	Target    Span      `json:"target"`           // within which it was to recover
	Within    bool      `json:"within"`           // it did, as far as is known
	PutBack   Moment    `json:"putBack,omitzero"` // zero = it was owed at the journal's end
	Text      Text      `json:"text"`             // all of it in a sentence
	Steps     []Stepped `json:"steps"`
	Badly     Text      `json:"badly,omitempty"`    // what went badly, in the operator's words
	Party     Text      `json:"party,omitempty"`    // who took part
	Handling  *Handling `json:"handling,omitempty"` // null = it was not counted
}

// Handling is how the walk of a drill was handled: where the operator went back, was
// refused, or waited.
type Handling struct {
	Keys        int       `json:"keys"`
	Backs       int       `json:"backs"` // steps gone back before anything was written
	Refused     []Refused `json:"refused,omitempty"`
	Pause       Span      `json:"pause"` // the longest without a key while it was the operator's turn
	PauseOn     Text      `json:"pauseOn,omitempty"`
	PauseBefore Text      `json:"pauseBefore,omitempty"` // the key that ended it; "" = text was typed
	Text        Text      `json:"text"`                  // all of it in words
}

// Refused is a key that could do nothing.
type Refused struct {
	On    Text `json:"on"`            // the page
	Key   Text `json:"key,omitempty"` // "" = those that mean nothing there
	Name  Text `json:"name,omitempty"`
	Why   Text `json:"why"`
	Times int  `json:"times"`
}

// handling tells how the walk was handled; nil where it was not counted.
func (b *builder) handling() *Handling {
	h := b.i.Hesitated()
	if h == nil {
		return nil
	}
	out := &Handling{Keys: h.Keys, Backs: h.Backs, Pause: Span{Why: "there was none"},
		Text: Text(fmt.Sprintf("%s Steps gone back: %d.", h.Words(), h.Backs))}
	if h.Pause.Took > 0 {
		out.Pause, out.PauseOn, out.PauseBefore = Span{Known: true, Seconds: h.Pause.Took.Seconds()}, Text(h.PauseOn.Name()), Text(h.Pause.Before)
	}
	for _, k := range h.Refused {
		out.Refused = append(out.Refused, Refused{On: Text(k.On.Name()), Key: Text(k.Key), Name: Text(k.Name), Why: Text(k.Why), Times: k.Times})
	}
	return out
}

// drill tells of the rehearsal; nil where it was none.
func (b *builder) drill() *Drill {
	r, p := b.i.Rehearsed(), b.i.Procedure(incident.CourseDrill)
	if r == nil {
		return nil
	}
	d := &Drill{Component: Text(r.Component), Fault: Text(r.Fault.Label), Broke: Moment{r.Broke}, PutBack: Moment{r.PutBack}, Steps: b.stepped(p), Handling: b.handling(),
		AlertTook: Span{Why: "no alert was seen to fire"}, Target: Span{Known: r.Target > 0, Seconds: r.Target.Seconds()}, Within: r.Recovered && r.Recover <= r.Target}
	if a := r.Alert; a != nil {
		d.Alert, d.Fired, d.AlertTook = Text(a.Name), Moment{a.Since}, Span{Known: true, Seconds: a.Since.Sub(r.Broke).Seconds()}
	}
	d.Surprise = b.i.Surprised()
	d.Text = Text(fmt.Sprintf("This was a drill: %s was broken on purpose (%s). %s", r.Component, r.Fault.Label, r.Words()))
	if d.Surprise {
		d.Text += " Neither was told before the end."
	}
	for _, it := range b.i.Items {
		switch it.ID {
		case incident.ItemBadly:
			d.Badly = Text(it.Reason)
		case incident.ItemParty:
			d.Party = Text(it.Reason)
		}
	}
	return d
}
