package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rollbook/model"
)

// Schema returns the slot of a component's schema.
func Schema(component string) model.Slot {
	return model.Slot{Component: component, Role: model.RoleSchema}
}

// SchemaWay returns the method that takes a component's migrations back; nil where none
// is configured.
func (s *Snapshot) SchemaWay(component string) *Way {
	for n := range s.Seen.Ways {
		w := &s.Seen.Ways[n]
		if w.Role == model.RoleSchema && w.Serves != nil && w.Serves(component) {
			return w
		}
	}
	return nil
}

// readSchema reads which migrations of a component are applied, where that can be asked.
func (d *decider) readSchema(component string) {
	if w := d.s.SchemaWay(component); w != nil && d.inc().Choice(Schema(component)) == nil { // else it is read with the choice
		d.effect(ReadHistory{Slot: Schema(component), Method: w.Method, Until: d.onset()})
	}
}

// Since says which migrations came since a release.
type Since struct {
	Release model.Version     // that is to be gone to
	Head    string            // key of the migration at which its code ends; "" = it is not known
	By      string            // who says so
	List    []model.Candidate // what came after it, the newest first
	Final   int               // so many of them cannot be undone
	Why     string            // why it is not known; "" = it is
}

// MigrationsSince returns which migrations came since the release that is chosen for a
// component; nil where none are configured, or nothing is chosen.
func (s *Snapshot) MigrationsSince(component string) *Since {
	ch := s.Incident.Choice(model.Release(component))
	h := s.Seen.History[Schema(component)] // kept, where it is looked at afterwards
	if ch == nil || ch.To.IsZero() || h == nil && s.SchemaWay(component) == nil {
		return nil
	}
	out := &Since{Release: ch.To}
	switch {
	case h.Pending():
		out.Why = "reading which migrations are applied"
		return out
	case h.Err != "":
		out.Why = h.Err
		return out
	}
	owner := ch.To.Key
	if r := s.History(ch); r != nil && r.Candidate(ch.To.Key) != nil {
		owner = cmp.Or(r.Candidate(ch.To.Key).Owner, owner)
	}
	for _, x := range h.Heads {
		if x.Owner == owner && owner != "" || model.SameTag(x.Tag, ch.To.Tag) {
			out.Head, out.By = x.Key, x.By
			break
		}
	}
	if out.Head == "" {
		out.Why = fmt.Sprintf("at which migration the code of %s ends is not known: no pod of it runs, and migrations.releases of rollbook.yaml does not name it", ch.To.Name())
		return out
	}
	for n := range h.Candidates {
		if h.Candidates[n].Key == out.Head {
			out.List = h.Candidates[:n]
			for k := range out.List {
				if out.List[k].Final != "" {
					out.Final++
				}
			}
			return out
		}
	}
	out.Why = fmt.Sprintf("the code of %s ends at %s, by %s, which is not among the migrations that are applied", ch.To.Name(), out.Head, out.By)
	out.Head = ""
	return out
}

// Words says it in a sentence: "2 migrations since 1.41.0, one irreversible".
func (m *Since) Words() string {
	if m.Why != "" {
		return m.Why
	}
	if len(m.List) == 0 {
		return "no migration since " + m.Release.Name()
	}
	out := model.Plural(len(m.List), "migration") + " since " + m.Release.Name()
	switch m.Final {
	case 0:
		return out
	case 1:
		return out + ", one irreversible"
	}
	return out + fmt.Sprintf(", %d irreversible", m.Final)
}

// PickSchema chooses to which migration a component's schema is taken back, before its
// release goes back. To is its key.
type PickSchema struct {
	Component string
	To        string
}

func (do PickSchema) decide(d *decider) {
	slot := Schema(do.Component)
	h, w := d.s.Seen.History[slot], d.s.SchemaWay(do.Component)
	if h == nil || w == nil || h.Method != w.Method {
		return
	}
	r := h.Candidate(do.To)
	if r == nil || r.Refused != "" || r.Current {
		return
	}
	c := Choice{Slot: slot, Method: h.Method, To: r.Version, Own: true}
	if now := h.Current(); now != nil {
		c.From = now.Version
	}
	d.fact(Chosen{c})
}

// LeaveSchema leaves a component's schema as it is.
type LeaveSchema struct{ Component string }

func (do LeaveSchema) decide(d *decider) {
	if slot := Schema(do.Component); d.inc().Choice(slot) != nil {
		d.fact(Dropped{slot})
	}
}

// schemaUnder returns the write that takes a component's schema back and is not at its
// end; nil when there is none.
func (i *Incident) schemaUnder(component string) *Write {
	for _, s := range i.Standing() {
		if s.Write.Plan.Slot() == Schema(component) && s.Write.underWay() {
			return s.Write
		}
	}
	return nil
}

// waits reports whether a write has to wait for the end of what goes before it: the
// release's schema is taken back in the same attempt, or still is by an earlier one; what
// was stopped is brought back one component after the other.
func (d *decider) waits(p *model.Plan, before []model.Plan) bool {
	return bringsBack(p) && slices.ContainsFunc(before, func(o model.Plan) bool { return o.Method == p.Method }) || p.Role == model.RoleRelease && (d.inc().schemaUnder(p.Component) != nil ||
		slices.ContainsFunc(before, func(o model.Plan) bool { return o.Slot() == Schema(p.Component) }))
}

// bringsBack reports whether a plan scales up what was scaled to 0.
func bringsBack(p *model.Plan) bool {
	return p.Method == model.MethodScale && p.To.Key != model.Replicas(0).Key
}

// schemaChecks are the lines of a release about its migrations.
func schemaChecks(s *Snapshot, c Choice) []model.Check {
	m := s.MigrationsSince(c.Component)
	if c.Role != model.RoleRelease || c.Course == CourseDrill || c.Pays != "" || m == nil {
		return nil
	}
	line := model.Check{ID: "migrations", State: model.CheckOK, Text: m.Words()}
	taken := s.Incident.Choice(Schema(c.Component))
	switch {
	case m.Why != "":
		line.State, line.Do = model.CheckUnknown, "look on 3 Choose (s) which migrations are applied"
	case len(m.List) == 0:
	case taken == nil:
		line.State, line.Do = model.CheckWarning, "see whether its code can live with that, or take the schema back first: s on 3 Choose"
		line.Text += ": left applied"
	case taken.To.Key != m.Head:
		line.State, line.Do = model.CheckWarning, "choose "+m.Head+" with s on 3 Choose"
		line.Text += fmt.Sprintf(": its code ends at %s, by %s, and the schema is taken back to %s", m.Head, m.By, taken.To.Key)
	default:
		line.State = model.CheckOK
		line.Text += ": taken back first, and it waits for that"
	}
	return []model.Check{line}
}

// sentences returns what has to be typed beside the word, of the plans that are shown.
func sentences(plans []model.Plan) (out []string) {
	for n := range plans {
		if x := plans[n].Sentence; x != "" && !plans[n].Same && !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// Sentences returns what has to be typed beside the word to confirm what is chosen.
func (s *Snapshot) Sentences() []string {
	var plans []model.Plan
	for _, c := range openChoices(&s.Incident) {
		if p := s.Seen.Preflight[c.Slot]; p != nil && p.To == c.To.Key {
			plans = append(plans, p.Plans...)
		}
	}
	return sentences(plans)
}

// subject names what a plan changes, for sentences.
func subject(p *model.Plan) string {
	switch p.Role {
	case model.RoleSchema:
		return "the schema of " + p.Component
	case model.RoleMaintenance:
		return "the maintenance page"
	}
	return p.Component
}

// WriteStopped is a write that ended before it was where it was to go: something of it
// may be done.
type WriteStopped struct {
	WriteID
	Text string `json:"text"`
}

func (b WriteStopped) apply(i *Incident, f Fact) {
	i.onWrite(b.WriteID, func(w *Write) { w.State, w.Err = Stopped, b.Text })
}

func (b WriteStopped) entry(i *Incident) (EntryKind, string) {
	w := i.write(b.WriteID)
	if w != nil && w.Plan.Role == model.RoleAid {
		return EntryBad, i.component(b.WriteID) + ": " + b.Text
	}
	if w != nil && w.Plan.Role != model.RoleSchema {
		return EntryBad, fmt.Sprintf("%s is not %s: %s", i.component(b.WriteID), arrived(&w.Plan), b.Text)
	}
	return EntryBad, fmt.Sprintf("%s was not taken back to the end: %s", i.component(b.WriteID), b.Text)
}

// stopped takes it that a write ended before it was where it was to go: a schema that was
// not taken back to the end, a switch or a release of which some objects are left. What
// was to follow is not written; where it stands is planned anew.
func (d *decider) stopped(s Standing, why string) {
	d.fact(WriteStopped{WriteID: s.WriteID, Text: why})
	d.dropAid(s.Write.Plan.Component)
	text := strings.TrimSuffix(subject(&s.Write.Plan)+": "+why, ".")
	if a := d.inc().Attempt(); a != nil && slices.ContainsFunc(a.Writes, func(w Write) bool { return w.State == Pending }) {
		text += ". Nothing of what was to follow was written"
	}
	d.askAgain(AskFailed, text+".")
}
