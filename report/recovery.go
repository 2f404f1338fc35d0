package report

import (
	"fmt"
	"slices"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// Recovery is what followed a rollback that failed or made it worse.
type Recovery struct {
	Began Moment    `json:"began"`
	By    Text      `json:"by"`
	Steps []Stepped `json:"steps"`
	Off   []Outage  `json:"off,omitempty"`  // of each component whose traffic was stopped
	Open  int       `json:"open,omitempty"` // steps that nobody took or left out
}

// Stepped is one step of a recovery, or of a drill.
type Stepped struct {
	Text    Text   `json:"text"`
	State   string `json:"state"` // done, left out, open
	By      Text   `json:"by,omitempty"`
	At      Moment `json:"at,omitzero"`
	Reason  Text   `json:"reason,omitempty"` // why it was left out, or a note
	Command Text   `json:"command,omitempty"`
}

// Outage is a time in which something was switched off on purpose.
type Outage struct {
	Component Text   `json:"component"`
	What      string `json:"what"` // traffic, maintenance page
	From      Moment `json:"from"`
	To        Moment `json:"to,omitzero"` // zero = it still was at the journal's end
	By        Text   `json:"by,omitempty"`
	Took      Span   `json:"took"`
	Text      Text   `json:"text"` // all of it in words
}

// recoveries tells of each recovery that was begun, in their order.
func (b *builder) recoveries() (out []Recovery) {
	for n := range b.i.Procedures {
		p := &b.i.Procedures[n]
		if p.Course != incident.CourseRecovery {
			continue
		}
		r := Recovery{Began: Moment{p.Began}, By: Text(p.By), Open: p.Open(), Steps: stepped(p)}
		next := time.Time{}
		for _, later := range b.i.Procedures[n+1:] {
			if later.Course == incident.CourseRecovery && next.IsZero() {
				next = later.Began
			}
		}
		for _, o := range b.outages() {
			if !o.From.Before(p.Began) && (next.IsZero() || o.From.Before(next)) {
				r.Off = append(r.Off, o)
			}
		}
		out = append(out, r)
	}
	return out
}

// stepped tells of a procedure's steps.
func stepped(p *incident.Procedure) (out []Stepped) {
	for _, s := range p.Steps {
		x := Stepped{Text: Text(s.Text), State: "open", Reason: Text(s.Reason), Command: Text(s.Command)}
		switch s.State {
		case incident.ItemOpen:
		case incident.ItemWaived:
			x.State = "left out"
		default:
			x.State = string(s.State)
		}
		if s.State != incident.ItemOpen {
			x.By, x.At = Text(s.By), Moment{s.At}
		}
		out = append(out, x)
	}
	return out
}

// outages returns for how long traffic was stopped, and a maintenance page shown, by
// writes of this incident, in the order in which that began. Traffic is back when a pod of
// what was scaled up is available.
func (b *builder) outages() (out []Outage) {
	last := b.facts[len(b.facts)-1].At
	open := map[model.Slot]int{} // of what is off, its place in out
	for n := range b.i.Attempts {
		a := &b.i.Attempts[n]
		for m := range a.Writes {
			w := &a.Writes[m]
			what, off := "traffic", w.Plan.To.Key == model.Replicas(0).Key
			switch {
			case w.Plan.Method == model.MethodMaintenance:
				what, off = "maintenance page", w.Plan.To.Key == model.MaintenancePage(true).Key
			case w.Plan.Method != model.MethodScale:
				continue
			}
			at := w.Receipt.At
			if !off && !w.RolledOut.IsZero() {
				at = w.RolledOut
			}
			k, is := open[w.Plan.Slot()]
			switch {
			case at.IsZero(): // nothing was written
			case off && !is:
				open[w.Plan.Slot()] = len(out)
				out = append(out, Outage{Component: Text(w.Plan.Component), What: what, From: Moment{at}, By: Text(a.By)})
			case !off && is && out[k].To.IsZero():
				out[k].To = Moment{at}
				delete(open, w.Plan.Slot())
			}
		}
	}
	for n := range out {
		o := &out[n]
		if o.To.IsZero() {
			o.Took = Span{Known: true, Seconds: last.Sub(o.From.Time).Seconds()}
		} else {
			o.Took = Span{Known: true, Seconds: o.To.Sub(o.From.Time).Seconds()}
		}
		o.Text = o.words()
	}
	return out
}

func (o *Outage) words() Text {
	what := "The traffic of " + string(o.Component) + " was stopped"
	if o.What != "traffic" {
		what = "The maintenance page was shown"
	}
	if o.To.IsZero() {
		return Text(fmt.Sprintf("%s at %s by %s, and nobody put that back.", what, o.From.UTC().Format("15:04"), o.By))
	}
	return Text(fmt.Sprintf("%s from %s to %s by %s (%s).", what, o.From.UTC().Format("15:04"), o.To.UTC().Format("15:04"), o.By, model.Short(o.To.Sub(o.From.Time))))
}

// inRecovery reports whether an attempt only switched something off or on for a recovery,
// and did: the recovery's sentence tells of it.
func (b *builder) inRecovery(a *incident.Attempt) bool {
	return a.Course == incident.CourseRecovery && !slices.ContainsFunc(a.Writes, func(w incident.Write) bool {
		return w.Plan.Role == model.RoleRelease || w.State != incident.Done
	})
}

// recovered tells in a sentence for everybody what was stopped for a recovery, for how
// long, and whether what came of it was verified.
func (b *builder) recovered() (out []string) {
	for _, r := range b.recoveries() {
		for _, o := range r.Off {
			out = append(out, string(o.Text))
		}
		if len(r.Off) == 0 {
			out = append(out, fmt.Sprintf("A recovery was begun at %s by %s.", b.day(r.Began.Time), r.By))
		}
	}
	if a := b.i.Attempt(); a != nil && b.inRecovery(a) && !b.i.Verified.IsZero() && len(out) > 0 {
		out = append(out, "Then it was "+string(b.proved())+" at "+b.day(b.i.Verified)+".")
	}
	return out
}
