package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
	"rollbook/ui"
)

// witness stands between the screen and its engine, and looks whether what the screen
// is given may be so: by the figures themselves, not by what the incident makes of them.
type witness struct {
	ui.Engine

	messages int // of the screen alone

	mu                  sync.Mutex
	last                *incident.Snapshot
	wrong               string
	furthest            incident.Step
	verified, confirmed int
}

// Snapshot is the engine's, which was looked at.
func (w *witness) Snapshot() *incident.Snapshot {
	s := w.Engine.Snapshot()
	w.mu.Lock()
	defer w.mu.Unlock()
	if s != w.last {
		w.shown(w.last, s)
		w.last, w.furthest = s, s.Incident.Furthest
	}
	return s
}

// frame looks at what the screen would draw before each message.
func (w *witness) frame(m tea.Model, msg tea.Msg) tea.Msg {
	_, key := msg.(tea.KeyPressMsg)
	w.messages++
	if a, ok := m.(*ui.App); ok && (key || w.messages%5 == 0) { // not all of them: to draw one twice is dear
		lines := strings.Split(a.Frame(), "\n")
		wide := slices.MaxFunc(lines, func(a, b string) int { return ansi.StringWidth(a) - ansi.StringWidth(b) })
		if len(lines) != 24 || ansi.StringWidth(wide) > 80 {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.complain("a frame of %d lines, the widest of %d cells: %q", len(lines), ansi.StringWidth(wide), wide)
		}
	}
	return msg
}

func (w *witness) complain(format string, args ...any) {
	if w.wrong == "" {
		w.wrong = fmt.Sprintf(format, args...)
	}
}

func (w *witness) complaint() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wrong
}

// shown looks at a snapshot after another one.
func (w *witness) shown(before, s *incident.Snapshot) {
	i := &s.Incident
	for _, x := range s.Causes() {
		if !i.Onset.IsZero() && x.At.After(i.Onset.Add(time.Second)) {
			w.complain("the cause came %s after the onset: %+v", x.At.Sub(i.Onset), x)
		}
	}
	if before == nil {
		return
	}
	if !i.Verified.IsZero() && before.Incident.Verified.IsZero() {
		w.verified++
		for _, id := range i.Covered() {
			if why := wrongWith(s, id); why != "" {
				w.complain("verified, and %s", why)
			}
		}
	}
	if n := len(i.Attempts); n > len(before.Incident.Attempts) {
		w.confirmed++
		for _, p := range i.Attempts[n-1].Writes {
			if why := knownBad(before, p.Plan); why != "" && !overridden(i, p.Plan) {
				w.complain("%s of %s is known to be bad (%s), and was confirmed", p.Plan.To, p.Plan.Component, why)
			}
		}
	}
	w.banner(s)
}

// banner looks whether a rollback is asked for of what was just rolled back well.
func (w *witness) banner(s *incident.Snapshot) {
	i := &s.Incident
	nodes := incident.Tree(s)
	v, why := incident.VerdictOf(s, nodes)
	if v != incident.Now && v != incident.Within10 || i.Verdict.Overruled ||
		slices.ContainsFunc(nodes, func(n incident.Node) bool { return n.By != "" && n.Answer == model.TriYes }) {
		return
	}
	for _, st := range i.Standing() {
		id := st.Write.Plan.Component
		others := slices.ContainsFunc(i.Triggers, func(t incident.Trigger) bool { return t.Component != id })
		if st.Write.State == incident.Done && !others && wrongWith(s, id) == "" {
			w.complain("%s after %s was rolled back well: %s", v.Name(), id, why)
		}
	}
}

// rested looks at what has to be so once the engine has looked at what is.
func (w *witness) rested() {
	s := w.Snapshot()
	w.mu.Lock()
	defer w.mu.Unlock()
	i := &s.Incident
	if i.ID == "" || !i.Closed.IsZero() || i.End != nil && i.End.Outcome != incident.RecoveredAlone && i.End.Outcome != incident.FixedOtherwise {
		return
	}
	var over []string
	for _, id := range i.Concerned() {
		if why := overLimit(s, id); why != "" {
			over = append(over, why)
		}
	}
	if counts := !i.Down.Since.IsZero() && !i.Down.Unseen; counts != (len(over) > 0) {
		w.complain("the clock of the downtime runs: %v, %+v, and over a limit is %v", counts, i.Down, over)
	}
	for _, id := range i.Covered() {
		if why := overLimit(s, id); why != "" && !i.Verified.IsZero() {
			w.complain("verified, and %s", why)
		}
	}
}

// figuresOf are a component's figures as they count, by name.
func figuresOf(s *incident.Snapshot, id string) map[string]model.Figure {
	f := s.FiguresOf(id)
	if f == nil || f.NotMeasured {
		return nil
	}
	return map[string]model.Figure{"errors": f.Errors, "p95": f.P95}
}

// overLimit says what of a component is over its trigger's limit now, or that no pod
// of it is ready; "" for nothing.
func overLimit(s *incident.Snapshot, id string) string {
	limits := s.Incident.Settings.Limits
	for name, f := range figuresOf(s, id) {
		limit := map[string]float64{"errors": limits.Errors, "p95": limits.P95.Seconds()}[name]
		n := len(f.Samples)
		if f.Now.Known && n > 0 && (f.Samples[n-1].V > limit || f.Samples[n-1].AtLeast && f.Samples[n-1].V >= limit) {
			return fmt.Sprintf("%s of %s is %g", name, id, f.Samples[n-1].V)
		}
	}
	if c := s.Seen.Component(id); c != nil && !c.NoneReady.IsZero() {
		return id + " has no ready pod"
	}
	return ""
}

// wrongWith says what is wrong with a component, or not known and not accepted by name;
// "" for nothing.
func wrongWith(s *incident.Snapshot, id string) string {
	if why := overLimit(s, id); why != "" {
		return why
	}
	c := s.Seen.Component(id)
	if c == nil || c.Ready < c.Desired || c.Desired == 0 {
		return fmt.Sprintf("of %s not all pods are ready", id)
	}
	for name, f := range figuresOf(s, id) {
		if _, accepted := s.Incident.Accepted[id+"/"+name]; !f.Now.Known && !accepted {
			return fmt.Sprintf("%s of %s are unknown: %s", name, id, f.Now.Why)
		}
	}
	return ""
}

// knownBad says what is known against the version that a plan goes to; "" for nothing.
func knownBad(s *incident.Snapshot, p model.Plan) string {
	limits := s.Incident.Settings.Limits
	k, seen := s.Incident.Known[p.Component+"/"+p.To.Key]
	switch {
	case p.Role != model.RoleRelease:
		return ""
	case k.Ill != "":
		return string(k.Ill)
	case k.Errors != nil && *k.Errors > limits.Errors:
		return "errors in this incident: " + model.Percent(*k.Errors)
	case k.P95 != nil && *k.P95 > limits.P95.Seconds():
		return "P95 in this incident: " + model.Seconds(*k.P95)
	case seen && k.Errors != nil:
		return "" // it ran in this incident, and was well
	}
	h := s.Seen.History[p.Slot()]
	if h == nil {
		return ""
	}
	if r := h.Candidate(p.To.Key); r != nil {
		if b := r.Behaviour; b.Errors.Known && b.Errors.Value > limits.Errors || b.P95.Known && b.P95.Value > limits.P95.Seconds() {
			return fmt.Sprintf("it served at %g errors, P95 %g", b.Errors.Value, b.P95.Value)
		}
	}
	return ""
}

// overridden reports whether the operator lifted the first line for a plan.
func overridden(i *incident.Incident, p model.Plan) bool {
	_, ok := i.Override[p.Component+"/"+string(p.Role)+"/"+incident.HelpID]
	return ok
}

// journaled compares the incident that is shown with the one that its journal makes.
func (k *walker) journaled() {
	k.t.Helper()
	k.Settle()
	shown := k.w.Snapshot().Incident
	found, err := filepath.Glob(filepath.Join(k.tmp, "*", "incidents", "*", journal.FileName))
	if err != nil || len(found) > 1 || (len(found) == 0) != (shown.ID == "") {
		k.t.Fatalf("incident %q, journals %v, %v", shown.ID, found, err)
	}
	if len(found) == 0 {
		return
	}
	c, err := journal.Read(found[0])
	if err != nil || c.Torn > 0 || c.Damage != nil {
		k.t.Fatalf("the journal reads as %+v, %v", c, err)
	}
	want, got := inLines(k.t, shown), inLines(k.t, incident.Fold(c.Facts))
	for n := range min(len(want), len(got)) {
		if want[n] != got[n] {
			k.t.Fatalf("after %q the incident has\n%s\nand its journal\n%s", k.typed, strings.Join(want[max(0, n-3):min(n+3, len(want))], "\n"), strings.Join(got[max(0, n-3):min(n+3, len(got))], "\n"))
		}
	}
	if len(want) != len(got) {
		k.t.Fatalf("after %q the incident is shown otherwise than its journal has it", k.typed)
	}
}

// inLines is an incident as text, field by field.
func inLines(t *testing.T, i incident.Incident) (out []string) {
	t.Helper()
	all := reflect.ValueOf(i)
	for n := range all.NumField() {
		f := all.Type().Field(n)
		if !f.IsExported() || f.Name == "Waived" { // whose keys have no text; nothing is owed in a sandbox
			continue
		}
		b, err := json.MarshalIndent(all.Field(n).Interface(), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Split(f.Name+": "+string(b), "\n")...)
	}
	return out
}
