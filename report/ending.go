package report

import (
	"fmt"
	"slices"
	"strings"

	"rollbook/incident"
	"rollbook/model"
)

// undoes reports whether a plan puts back what an earlier attempt rolled back from.
func (b *builder) undoes(a *incident.Attempt, p *model.Plan) bool {
	for n := range b.i.Attempts {
		for _, w := range b.i.Attempts[n].Writes {
			if b.i.Attempts[n].N < a.N && w.Plan.Slot() == p.Slot() && p.Role == model.RoleRelease && w.InPlace() && w.Plan.From.Is(p.To) {
				return true
			}
		}
	}
	return false
}

// attempted tells what one attempt did: in one sentence what was written, and each
// write that came to another end in one of its own.
func (b *builder) attempted(a *incident.Attempt) (out []string) {
	var back, again, schema []string
	for _, w := range a.Writes {
		p := &w.Plan
		name := p.Component + " to " + p.To.Name()
		undoes := b.undoes(a, p)
		if undoes {
			name = p.Component + " back to " + p.To.Name()
		}
		if p.Role != model.RoleRelease {
			name = ""
		}
		end := ""
		switch w.State {
		case incident.Pending:
			continue
		case incident.Refused, incident.Failed:
			end = "nothing was written: " + w.Err
		case incident.Writing, incident.Unsettled:
			end = "whether it was written is not known"
		case incident.Reverted:
			end = "it was " + w.Err
		case incident.Stopped:
			end = "it did not finish: " + w.Err
		case incident.Rolling:
			end = "it was never rolled out"
			if a == b.i.Attempt() && b.i.End == nil && b.i.Closed.IsZero() {
				end = "it is not rolled out yet"
			}
		}
		if end == "" && w.Worse == "" && p.Role == model.RoleRelease && a != b.i.Attempt() && a.Verified.IsZero() {
			end = "that it helped is not verified"
		}
		if w.Worse != "" {
			end = strings.TrimPrefix(end+", and it was worse than before: "+wentUp(&w), ", and ")
		}
		switch {
		case end == "" && p.Role == model.RoleSchema:
			schema = append(schema, fmt.Sprintf("The schema of %s was taken back to %s at %s by %s.", p.Component, p.To.Name(), b.day(a.Confirmed), a.By))
		case end == "" && undoes:
			again = append(again, name)
		case end == "" && name != "":
			back = append(back, name)
		case name != "":
			did, tried := "Rolled back ", "Tried to roll back "
			if undoes {
				did, tried = "Put ", "Tried to put "
			}
			if w.State == incident.Refused || w.State == incident.Failed {
				did = tried
			}
			out = append(out, fmt.Sprintf("%s%s at %s by %s; %s.", did, name, b.day(a.Confirmed), a.By, end))
		default:
			if end != "" {
				end = "; " + end
			}
			out = append(out, fmt.Sprintf("At %s %s confirmed: %s%s.", b.day(a.Confirmed), a.By, p.Title, end))
		}
	}
	verified := ""
	if a == b.i.Attempt() && !b.i.Verified.IsZero() && (b.i.End == nil || b.i.End.Outcome == incident.RolledBack) {
		verified = ", " + string(b.proved()) + " at "
	}
	done := func(did string, names []string) {
		if len(names) == 0 {
			return
		}
		text := fmt.Sprintf("%s %s at %s by %s", did, list(names), b.day(a.Confirmed), a.By)
		if verified != "" {
			text += verified + b.day(b.i.Verified)
		}
		out = append([]string{text + "."}, out...)
	}
	done("Put", again)
	done("Rolled back", back)
	return append(schema, out...)
}

// owners tells of who else sets the version of a component that was rolled back: the
// rollback does not outlast it.
func (b *builder) owners() (out []string) {
	each(b.facts, func(_ incident.Fact, c incident.Confirmed) {
		for _, k := range c.Checks {
			if k.State == model.CheckOK || !strings.HasPrefix(k.ID, ownerCheck) {
				continue
			}
			text := k.Component + ": " + k.Text // as an older journal has it
			switch {
			case k.Owner != "" && k.State == model.CheckBlocked: // what it did then is told with the rollback
				text = k.Owner + " owns " + k.Component
			case k.Owner != "" && k.Does == "":
				continue // what it does is not known: the checks tell why
			case k.Owner != "":
				text = k.Owner + " owns " + k.Component + k.Does
			}
			if text += "."; !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	})
	return out
}

// wentUp says for everybody how a figure rose, or as the journal of an older version
// has it.
func wentUp(w *incident.Write) string {
	r := w.Rise
	if r == nil {
		return w.Worse
	}
	of := ""
	if r.New {
		of = " on the new pods"
	}
	name, was, is := r.Words()
	return name + " rose from " + was + " to " + is + of
}

// list joins names with commas and an "and".
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// ended tells how it ended.
func (b *builder) ended(d Data) (out []string) {
	i := &b.i
	released := slices.ContainsFunc(d.Attempts, func(t Try) bool { return t.Role == string(model.RoleRelease) })
	if i.End != nil && i.End.Outcome != incident.RolledBack {
		text := "It ended without a rollback: "
		if released {
			text = "It ended otherwise: "
		}
		text += string(i.End.Outcome)
		if i.End.Reason != "" {
			text += " (“" + i.End.Reason + "”)"
		}
		if i.End.Against != "" {
			text += ", though " + i.End.Against
		}
		if !i.Recovered.IsZero() {
			text += "; the figures were good again from " + b.day(i.Recovered)
		}
		return append(out, text+".")
	}
	if released && i.Verified.IsZero() {
		out = append(out, "That it helped is not verified.")
	}
	if i.End == nil && i.Closed.IsZero() {
		out = append(out, "The incident is still open.")
	}
	return out
}
