package report

import (
	"fmt"
	"slices"
	"strings"
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
	When    string `json:"-"`                // At as the report's tables show it; "" = it is open
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
		r := Recovery{Began: Moment{p.Began}, By: Text(p.By), Open: p.Open(), Steps: b.stepped(p)}
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
func (b *builder) stepped(p *incident.Procedure) (out []Stepped) {
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
			x.When = b.clock(x.At)
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
	return Text(what + " " + o.span() + ", by " + string(o.By) + ".")
}

// inRecovery reports whether an attempt only switched something off or on for a recovery,
// and did: the recovery's sentence tells of it.
func (b *builder) inRecovery(a *incident.Attempt) bool {
	return a.Course == incident.CourseRecovery && !slices.ContainsFunc(a.Writes, func(w incident.Write) bool {
		return w.Plan.Role == model.RoleRelease || w.State != incident.Done
	})
}

// recovered tells in one sentence for everybody what was switched off for the recoveries,
// and for how long, then whether what came of it was verified.
func (b *builder) recovered() (out []string) {
	for _, r := range b.recoveries() {
		if text := together(r.Off); text != "" {
			out = append(out, text)
		} else {
			out = append(out, fmt.Sprintf("A recovery was begun at %s by %s.", b.day(r.Began.Time), r.By))
		}
	}
	if a := b.i.Attempt(); a != nil && b.inRecovery(a) && !b.i.Verified.IsZero() && len(out) > 0 {
		out = append(out, "Then it was "+string(b.proved())+" at "+b.day(b.i.Verified)+".")
	}
	return out
}

// together tells of all that was switched off for a recovery, each kind of it once, from
// the first until the last was put back; "" where nothing was.
func together(all []Outage) string {
	var kinds, by []string
	of := map[string]*Outage{}
	names := map[string][]string{}
	for _, o := range all {
		x := of[o.What]
		if x == nil {
			kinds = append(kinds, o.What)
			x = &Outage{What: o.What, From: o.From, To: o.To}
			of[o.What] = x
		} else if o.To.IsZero() || !x.To.IsZero() && o.To.After(x.To.Time) {
			x.To = o.To
		}
		if name := string(o.Component); !slices.Contains(names[o.What], name) {
			names[o.What] = append(names[o.What], name)
		}
		if name := string(o.By); !slices.Contains(by, name) {
			by = append(by, name)
		}
	}
	parts := make([]string, 0, len(kinds))
	for _, what := range kinds {
		text := "a maintenance page was shown"
		if what == "traffic" {
			text = "the traffic of " + list(names[what]) + " was stopped"
		}
		parts = append(parts, text+" "+of[what].span())
	}
	if len(parts) == 0 {
		return ""
	}
	text := list(parts) + ", by " + list(by) + "."
	return strings.ToUpper(text[:1]) + text[1:]
}

// span returns "from 03:14 to 03:18 (4m)".
func (o *Outage) span() string {
	if o.To.IsZero() {
		return "at " + o.From.UTC().Format("15:04") + " and not put back"
	}
	return fmt.Sprintf("from %s to %s (%s)", o.From.UTC().Format("15:04"), o.To.UTC().Format("15:04"), model.Short(o.To.Sub(o.From.Time)))
}
