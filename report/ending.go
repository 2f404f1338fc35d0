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
	var back, again []string
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
		if w.Worse != "" {
			end = strings.TrimPrefix(end+", and it was worse than before ("+w.Worse+")", ", and ")
		}
		switch {
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
		verified = ", " + string(b.proved()) + " at " + b.i.Verified.UTC().Format("15:04:05 UTC")
	}
	if len(again) > 0 {
		out = append([]string{fmt.Sprintf("Put %s at %s by %s%s.", list(again), b.day(a.Confirmed), a.By, verified)}, out...)
	}
	if len(back) > 0 {
		out = append([]string{fmt.Sprintf("Rolled back %s at %s by %s%s.", list(back), b.day(a.Confirmed), a.By, verified)}, out...)
	}
	return out
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
