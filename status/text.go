package status

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"rollbook/model"
)

// quietShown is how many components the text names of which nothing is to be said.
const quietShown = 20

// JSON writes it as JSON.
func (d Data) JSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(d)
}

// Text writes it in words: plain lines without signs, colours or columns, so that they
// can be read aloud, and sent over any line.
func (d Data) Text(w io.Writer) error {
	t := &page{now: d.At}
	t.line("%s", d.Verdict.Headline)
	t.line("")
	d.place(t)
	for n, u := range d.Unread {
		if n == 0 {
			t.head("not read")
		}
		t.line("  %s", u)
	}
	for n, o := range d.Debts {
		if n == 0 {
			t.head("to be put back")
		}
		t.line("  %s", o.words())
	}
	d.board(t)
	d.suspects(t)
	t.head("decision")
	for _, q := range d.Questions {
		text := "  " + q.Title + " " + q.Answer.String()
		if q.Text != "" {
			text += ": " + q.Text
		}
		if q.By != "" {
			text += " (" + q.By + ")"
		}
		t.line("%s", text)
	}
	for _, h := range d.Histories {
		h.write(t)
	}
	for _, c := range d.Preflights {
		c.write(t)
	}
	_, err := io.WriteString(w, t.String())
	return err
}

// page is lines of text.
type page struct {
	strings.Builder
	now time.Time
}

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *page) head(text string) { p.line("\n%s", text) }

// ago is how long ago something was; "at an unknown time" when that is not known.
func (p *page) ago(t time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	return model.Short(p.now.Sub(t)) + " ago"
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05 UTC") }

func (d Data) place(t *page) {
	p := d.Place
	class := "not production"
	if p.Production {
		class = "PRODUCTION"
	}
	t.line("%s, context %s, namespace %s, as %s, at %s", class, p.Context, p.Namespace, p.Operator, clock(d.At))
	if i := d.Incident; i != nil {
		text := fmt.Sprintf("incident %s, opened %s by %s, at %s", i.ID, clock(i.Opened), cmp.Or(i.Operator, "an unknown operator"), i.Step)
		if i.Ended != "" {
			text += ", ended: " + i.Ended
		}
		if i.LookedOn {
			text += ", worked on by another rollbook on this machine"
		}
		if i.Downtime > 0 {
			text += ", down for " + model.Short(time.Duration(i.Downtime)*time.Second) + " so far"
		}
		t.line("%s", text)
		if i.Asks != "" {
			t.line("it asks: %s", i.Asks)
		}
	}
	for _, l := range d.Left {
		text := fmt.Sprintf("incident %s is open and nobody goes on with it, last touched %s", l.ID, t.ago(l.Touched))
		if l.Damage != "" {
			text += "; its journal is damaged: " + l.Damage
		}
		t.line("%s", text)
	}
}

func (o Debt) words() string {
	text := o.What
	if !o.Since.IsZero() {
		text += " since " + clock(o.Since)
	}
	if o.By != "" {
		text += ", by " + o.By
	}
	switch {
	case o.Paying:
		text += "; it is being put back"
	case o.Unsure:
		text += "; whether it was written is not known yet"
	}
	return text + " (" + o.Incident + ")"
}

func (d Data) board(t *page) {
	t.head("components")
	if len(d.Components) == 0 {
		t.line("  none is seen")
	}
	quiet := 0
	for _, l := range d.Components {
		brief := l.brief()
		if brief && l.ID != d.Place.Focus {
			if quiet++; quiet > quietShown {
				continue
			}
		}
		l.write(t, brief)
	}
	if more := quiet - quietShown; more > 0 {
		t.line("  and %d more, of which nothing is over its limit and no pod fails", more)
	}
}

// brief reports whether there is so little to say of it that it fits in one line.
func (l Line) brief() bool {
	return l.calm() && len(l.Owners)+len(l.Notes) == 0
}

func (l Line) write(t *page, brief bool) {
	version := "revision unknown"
	switch {
	case l.Tag != "":
		version = fmt.Sprintf("%s (revision %d)", l.Tag, l.Revision)
	case l.Revision != 0:
		version = fmt.Sprintf("revision %d", l.Revision)
	}
	name := l.ID
	if !strings.HasSuffix(l.Workload, "/"+l.ID) {
		name += " (" + l.Workload + ")"
	}
	if l.Missing != "" {
		t.line("  %s: %s", name, l.Missing)
		return
	}
	pods := fmt.Sprintf("%d of %d ready", l.Pods.Ready, l.Pods.Desired)
	if brief {
		t.line("  %s: pods %s, %s, errors %s, P95 %s", name, pods, version, l.Errors.words(), l.P95.words())
		return
	}
	by := ""
	if l.By != "" {
		by = " by " + l.By
	}
	t.line("  %s: %s, released %s%s", name, version, t.ago(l.Since), by)
	if !l.Pods.NoneReady.IsZero() {
		pods += ", none for " + model.Short(t.now.Sub(l.Pods.NoneReady))
	}
	if l.Pods.Available != l.Pods.Ready {
		pods += fmt.Sprintf(", %d available", l.Pods.Available)
	}
	if l.Pods.Updated < l.Pods.Desired {
		pods += fmt.Sprintf(", %d of the newest revision", l.Pods.Updated)
	}
	if l.Stopped != "" {
		pods = "0 replicas, " + l.Stopped
	}
	t.line("    pods: %s", pods)
	if l.Pods.Unread != "" {
		t.line("    single pods: unknown: %s", l.Pods.Unread)
	}
	for _, f := range l.Pods.Failing {
		last := ""
		if !f.Last.IsZero() {
			last = ", last " + t.ago(f.Last)
		}
		t.line("    failing: %s%s", f.Text, last)
		for _, w := range f.Words[max(0, len(f.Words)-2):] {
			t.line("      said: %s", w)
		}
	}
	if l.Rollout != "" {
		t.line("    rollout: stuck: %s", l.Rollout)
	}
	t.line("    errors: %s", l.Errors.words())
	t.line("    P95: %s", l.P95.words())
	for _, a := range l.Alerts {
		since := "since " + clock(a.Since)
		if a.Before {
			since = "for over " + model.Short(t.now.Sub(a.Since))
		}
		t.line("    alert: %s fires %s", a.Name, since)
	}
	if l.NoAlerts != "" {
		t.line("    alerts: unknown: %s", l.NoAlerts)
	}
	for _, o := range l.Owners {
		t.line("    owner: %s", o)
	}
	for _, n := range l.Notes {
		t.line("    note: %s", n)
	}
}

func (f Figure) words() string {
	switch {
	case f.None:
		return "not measured, by configuration"
	case !f.Known:
		return "unknown: " + cmp.Or(f.Why, "not read")
	}
	return f.text
}

func (d Data) suspects(t *page) {
	n := 0
	for _, x := range d.Suspects {
		if n++; n == 1 {
			t.head("suspects")
		}
		text := fmt.Sprintf("  %d. %s %s, %s", n, x.Component, x.Version, x.Words)
		if x.Later {
			text += ": a later change, not suspected"
		}
		if x.Cause != "" {
			text += ", “" + x.Cause + "”"
		}
		if x.By != "" {
			text += ", by " + x.By
		}
		t.line("%s", text)
	}
}

func (h History) write(t *page) {
	t.head("history of " + h.Component)
	if h.Err != "" {
		t.line("  unknown: %s", h.Err)
		return
	}
	if h.NoFigures != "" {
		t.line("  how the versions did is unknown: %s", h.NoFigures)
	}
	for _, v := range h.Versions {
		text := v.Label
		if v.Tag != "" {
			text = v.Tag + " (" + v.Label + ")"
		}
		if v.Current {
			text += ", runs now"
		}
		if v.Mark != "" {
			text += ", " + v.Mark
		}
		text += ", released " + t.ago(v.Start)
		if v.By != "" {
			text += " by " + v.By
		}
		if v.Cause != "" {
			text += ", “" + v.Cause + "”"
		}
		t.line("  %s: errors %s, P95 %s", text, cmp.Or(v.Errors.text, "unknown"), cmp.Or(v.P95.text, "unknown"))
	}
	name := ""
	for _, v := range h.Versions {
		if v.Key == h.Proposed && v.Key != "" {
			name = cmp.Or(v.Tag, v.Label)
		}
	}
	if name == "" {
		t.line("  %s", h.Why)
		return
	}
	t.line("  proposed: %s: %s", name, h.Why)
	if h.Migrations != "" {
		t.line("  schema: %s", h.Migrations)
	}
}

func (c Checked) write(t *page) {
	way := c.To
	if c.From != "" {
		way = c.From + " to " + c.To
	}
	t.head(fmt.Sprintf("before a rollback of %s from %s", c.Component, way))
	if c.Err != "" {
		t.line("  blocked: %s", c.Err)
	}
	for _, k := range c.Checks {
		t.line("  %s: %s", k.State, k.Text)
		if k.Do != "" && k.State != model.CheckOK {
			t.line("    do: %s", k.Do)
		}
	}
	if c.Unread {
		t.line("  not all of it was answered in time")
	}
	for _, s := range c.Stays {
		t.line("  not rolled back: %s", s)
	}
	if c.Command != "" {
		t.line("  same as: %s", c.Command)
	}
}
