package model

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// The facts of choosing, writing and proving.
type (
	// Chosen puts a component into the rollback, or sets its revision.
	Chosen struct {
		Choice Choice `json:"choice"`
	}
	// Dropped takes it out again.
	Dropped struct {
		Component string `json:"component"`
	}
	// CheckOverridden is the operator's word against a blocked line.
	CheckOverridden struct {
		Component string `json:"component"`
		Check     string `json:"check"`
		Text      string `json:"text"`
		Reason    string `json:"reason,omitempty"`
	}
	// Confirmed begins an attempt. It keeps the plans, hashes only, and the
	// preflight's lines as the operator saw them.
	Confirmed struct {
		N      int     `json:"n"`
		Plans  []Plan  `json:"plans"`
		Checks []Check `json:"checks,omitempty"`
	}
	// Intended is written before the patch: without an outcome after it, a look
	// at the cluster settles what happened.
	Intended struct {
		N         int    `json:"n"`
		Component string `json:"component"`
	}
	// WriteDone is the API server's answer to the patch.
	WriteDone struct {
		N         int     `json:"n"`
		Component string  `json:"component"`
		Written   Written `json:"written"`
	}
	// WriteRefused is a plan that no longer fitted: nothing was written.
	WriteRefused struct {
		N         int    `json:"n"`
		Component string `json:"component"`
		Changed   string `json:"changed"`
	}
	// WriteFailed is the API server's no: nothing was written.
	WriteFailed struct {
		N         int    `json:"n"`
		Component string `json:"component"`
		Err       string `json:"err"`
	}
	// WriteLost is a patch without an answer.
	WriteLost struct {
		N         int    `json:"n"`
		Component string `json:"component"`
		Err       string `json:"err"`
	}
	// WriteSettled is what the cluster says of such a patch.
	WriteSettled struct {
		N         int          `json:"n"`
		Component string       `json:"component"`
		State     SettledState `json:"state"`
		By        string       `json:"by,omitempty"`
	}
	// RolledOut is a rollout's end, as kubectl judges it.
	RolledOut struct {
		N         int    `json:"n"`
		Component string `json:"component"`
	}
	// WriteReverted is a template that somebody replaced after we wrote it.
	WriteReverted struct {
		N         int    `json:"n"`
		Component string `json:"component"`
		By        string `json:"by"`
	}
	// AskedFor is a question of the walk's own; AskAnswered its answer.
	AskedFor struct {
		What Asked  `json:"what"`
		Text string `json:"text"`
	}
	AskAnswered struct {
		What Asked  `json:"what"`
		With string `json:"with"`
	}
	// HoldBegan and HoldBroke are Verify's good run.
	HoldBegan struct {
		Since time.Time `json:"since"`
	}
	HoldBroke struct {
		Why string `json:"why"`
	}
	// WasVerified is the end of the hold.
	WasVerified struct {
		Recovered time.Time `json:"recovered"`
		Unknown   int       `json:"unknown,omitempty"` // checks accepted without being known
		Figures   []string  `json:"figures,omitempty"` // the checks as they stood, with their limits; older journals hold no limits
	}
	// UnknownAccepted is one of Verify's unknown checks accepted by name.
	UnknownAccepted struct {
		Key    string `json:"key"`
		Text   string `json:"text"`
		Reason string `json:"reason,omitempty"`
	}
	// ItemSettled is one line of the checklist.
	ItemSettled struct {
		ID     string `json:"id"`
		Waived bool   `json:"waived,omitempty"`
		Reason string `json:"reason,omitempty"`
	}
	// Ended is how the incident ended.
	Ended struct {
		Outcome string `json:"outcome"`
		Reason  string `json:"reason,omitempty"`
	}
	// WasClosed is the last item of the checklist settled.
	WasClosed struct{}
)

func (b Chosen) apply(i *Incident, f Fact) {
	i.Choices = slices.Clone(i.Choices)
	if c := i.Choice(b.Choice.Component); c != nil {
		*c = b.Choice
		return
	}
	i.Choices = append(i.Choices, b.Choice)
}
func (b Chosen) entry() (string, string) {
	c := b.Choice
	if c.To == 0 {
		if c.Why == "" {
			return "choice", "selected " + c.Component
		}
		return "choice", c.Component + ": " + c.Why
	}
	verb := "proposed"
	if c.Own {
		verb = "chosen"
	}
	text := fmt.Sprintf("%s: revision %d of %s", verb, c.To, c.Component)
	if c.Why != "" {
		text += ": " + c.Why
	}
	return "choice", text
}

func (b Dropped) apply(i *Incident, f Fact) {
	i.Choices = slices.DeleteFunc(slices.Clone(i.Choices), func(c Choice) bool { return c.Component == b.Component })
}
func (b Dropped) entry() (string, string) { return "choice", "left out " + b.Component }

func (b CheckOverridden) apply(i *Incident, f Fact) {
	i.Override = accept(i.Override, b.Component+"/"+b.Check, Override{At: f.At, By: f.By, Text: b.Text, Reason: b.Reason})
}
func (b CheckOverridden) entry() (string, string) {
	return "answer", fmt.Sprintf("overridden for %s: %s%s", b.Component, b.Text, because(b.Reason))
}

func accept(m map[string]Override, key string, o Override) map[string]Override {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]Override{}
	}
	m[key] = o
	return m
}

func (b Confirmed) apply(i *Incident, f Fact) {
	a := Attempt{N: b.N, Confirmed: f.At, By: f.By}
	for _, p := range b.Plans {
		a.Writes = append(a.Writes, Write{Plan: p})
	}
	i.Attempts = with(i.Attempts, a)
	i.Asked, i.AskText = AskNothing, ""
	i.Hold, i.Verified, i.Recovered, i.RolledOut = HoldRecord{}, time.Time{}, time.Time{}, time.Time{}
	i.Accepted = nil
}
func (b Confirmed) entry() (string, string) {
	text := "confirmed:"
	for n, p := range b.Plans {
		if n > 0 {
			text += ","
		}
		text += fmt.Sprintf(" %s %d → %d", p.Component, p.From, p.To)
	}
	return "write", text
}

// onWrite changes one write of one attempt, in a copy.
func (i *Incident) onWrite(n int, component string, change func(*Write)) {
	i.Attempts = slices.Clone(i.Attempts)
	for k := range i.Attempts {
		a := &i.Attempts[k]
		if a.N != n {
			continue
		}
		a.Writes = slices.Clone(a.Writes)
		for m := range a.Writes {
			if a.Writes[m].Plan.Component == component {
				change(&a.Writes[m])
			}
		}
	}
}

func (b Intended) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) { w.State, w.Intent = Writing, f.At })
}
func (b Intended) entry() (string, string) { return "", "" }

func (b WriteDone) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) { w.State, w.Written, w.Err = Rolling, b.Written, "" })
	i.AskFrom = f.At
}
func (b WriteDone) entry() (string, string) {
	text := fmt.Sprintf("patched %s (resourceVersion %s, generation %d)", b.Component, b.Written.ResourceVersion, b.Written.Generation)
	if b.Written.Reads > 1 {
		text += fmt.Sprintf(", read %d times: its status kept changing", b.Written.Reads)
	}
	return "outcome", text
}

func (b WriteRefused) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) { w.State, w.Err = Refused, b.Changed })
}
func (b WriteRefused) entry() (string, string) {
	return "bad", fmt.Sprintf("nothing written to %s: %s", b.Component, b.Changed)
}

func (b WriteFailed) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) { w.State, w.Err = Failed, b.Err })
}
func (b WriteFailed) entry() (string, string) {
	return "bad", fmt.Sprintf("nothing written to %s: %s", b.Component, b.Err)
}

func (b WriteLost) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) { w.State, w.Err = Unsettled, b.Err })
}
func (b WriteLost) entry() (string, string) {
	return "bad", fmt.Sprintf("no answer to the patch of %s: %s; looking whether it was written", b.Component, b.Err)
}

func (b WriteSettled) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) {
		switch b.State {
		case SettledDone:
			w.State, w.Err = Rolling, ""
			if w.Written.At.IsZero() {
				w.Written.At = f.At
			}
		case SettledNot:
			w.State, w.Err = Failed, "it was not written"
		case SettledForeign:
			w.State, w.Err = Refused, "changed by "+b.By
		}
	})
	i.AskFrom = f.At
}
func (b WriteSettled) entry() (string, string) {
	switch b.State {
	case SettledDone:
		return "outcome", fmt.Sprintf("looked: the patch of %s was written", b.Component)
	case SettledNot:
		return "bad", fmt.Sprintf("looked: the patch of %s was not written", b.Component)
	}
	return "bad", fmt.Sprintf("looked: %s has another template, by %s", b.Component, b.By)
}

func (b RolledOut) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) { w.State, w.RolledOut = Done, f.At })
	i.AskFrom = f.At
	if a := i.Attempt(); a != nil && !a.Active() {
		i.RolledOut = f.At
		if i.Asked == AskDeadline {
			i.Asked, i.AskText = AskNothing, ""
		}
	}
}
func (b RolledOut) entry() (string, string) { return "outcome", "rolled out: " + b.Component }

func (b WriteReverted) apply(i *Incident, f Fact) {
	i.onWrite(b.N, b.Component, func(w *Write) { w.State, w.Err = Reverted, "reverted by "+b.By })
	i.Hold = HoldRecord{}
}
func (b WriteReverted) entry() (string, string) {
	return "bad", fmt.Sprintf("%s was reverted by %s: its template is no longer ours", b.Component, b.By)
}

func (b AskedFor) apply(i *Incident, f Fact) { i.Asked, i.AskText, i.AskFrom = b.What, b.Text, f.At }
func (b AskedFor) entry() (string, string)   { return "bad", b.Text }

func (b AskAnswered) apply(i *Incident, f Fact) {
	if b.With == "wait" && b.What == AskDeadline {
		for _, a := range i.Attempts {
			for _, w := range a.Writes {
				if w.State == Rolling {
					i.onWrite(a.N, w.Plan.Component, func(w *Write) { w.Waited = true })
				}
			}
		}
	}
	i.Asked, i.AskText, i.AskFrom = AskNothing, "", f.At
}
func (b AskAnswered) entry() (string, string) { return "answer", string(b.What) + ": " + b.With }

func (b HoldBegan) apply(i *Incident, f Fact) { i.Hold.Since = b.Since }
func (b HoldBegan) entry() (string, string)   { return "seen", "good: the hold begins" }

func (b HoldBroke) apply(i *Incident, f Fact) { i.Hold = HoldRecord{} }
func (b HoldBroke) entry() (string, string)   { return "seen", "the hold broke: " + b.Why }

func (b WasVerified) apply(i *Incident, f Fact) {
	i.Hold.Green, i.Hold.With = true, b.Unknown
	i.Recovered, i.Verified = b.Recovered, f.At
	i.Asked, i.AskText = AskNothing, ""
}
func (b WasVerified) entry() (string, string) {
	if b.Unknown > 0 {
		return "outcome", fmt.Sprintf("verified with %d unknown", b.Unknown)
	}
	return "outcome", "verified"
}

func (b UnknownAccepted) apply(i *Incident, f Fact) {
	i.Accepted = accept(i.Accepted, b.Key, Override{At: f.At, By: f.By, Text: b.Text, Reason: b.Reason})
}
func (b UnknownAccepted) entry() (string, string) {
	return "answer", fmt.Sprintf("accepted though unknown: %s (%s)%s", b.Key, b.Text, because(b.Reason))
}

func (b ItemSettled) apply(i *Incident, f Fact) {
	i.Items = slices.Clone(i.Items)
	for n := range i.Items {
		if it := &i.Items[n]; it.ID == b.ID {
			it.State, it.By, it.At, it.Reason = "done", f.By, f.At, b.Reason
			if b.Waived {
				it.State = "waived"
			}
		}
	}
}
func (b ItemSettled) entry() (string, string) {
	if b.Waived {
		return "answer", "waived: " + b.ID + because(b.Reason)
	}
	return "answer", "done: " + b.ID + because(b.Reason)
}

func (b Ended) apply(i *Incident, f Fact) {
	i.End = &End{At: f.At, By: f.By, Outcome: b.Outcome, Reason: b.Reason}
	i.Down.stop(f.At)
}
func (b Ended) entry() (string, string) { return "outcome", "ended: " + b.Outcome + because(b.Reason) }

func (b WasClosed) apply(i *Incident, f Fact) { i.Closed = f.At }
func (b WasClosed) entry() (string, string)   { return "outcome", "incident closed" }
