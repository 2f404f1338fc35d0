package ui

import (
	"cmp"
	"fmt"
	"strings"

	"rollbook/incident"
	"rollbook/model"
)

// Says tells where the newest attempt stands, and what is next.
func (r *rollBack) Says() sentence {
	i := r.inc()
	a := i.Attempt()
	switch {
	case a == nil:
		return sentence{warn, "Nothing has been confirmed yet."}
	case i.Asked != incident.AskNothing:
		return sentence{bad, r.upper(stop(i.AskText))}
	case a.Course == incident.CourseRecovery && a.Active():
		return sentence{calm, r.upper(stop(r.inc().StepText(a.Course, a.Step))) + " It is under way."}
	case a.Course == incident.CourseRecovery && r.recovering() != nil:
		return r.onward(a)
	case r.d.blocked == "" && !i.Verified.IsZero():
		says := r.verified()
		says.text = "Rolled out. " + says.text + r.keyed(" Enter shows Verify.")
		return says
	case r.d.blocked == "":
		for _, w := range r.writes() {
			if name := w.Write.Plan.Component; w.Write.Plan.Role == model.RoleRelease && r.snap.NoneRuns(name) {
				return sentence{warn, "The version of " + name + " is set; 0 replicas run it. Verify can prove nothing until it is scaled up."}
			}
		}
		for _, c := range r.d.checks {
			switch {
			case c.State != model.TriNo || c.Shown:
			case c.Beside:
				return sentence{warn, "Rolled out, but " + c.Component + " still fails (" + c.Name + " " + c.Seen + ")." + r.keyed(" Enter shows Verify.")}
			case strings.HasSuffix(c.Key, "/pods"):
				return sentence{bad, "Rolled out, but " + c.Component + " " + c.Name + ": " + c.Seen}
			}
		}
		if r.helpless() {
			return r.otherwise(r.afterwards())
		}
		return sentence{fine, "Rolled out. Verify proves that it worked" + r.keyed(": enter") + "."}
	}
	calmly := sentence{}
	for _, w := range r.writes() {
		name := w.Write.Plan.Component
		switch w.Write.State {
		case incident.Writing:
			if p := r.snap.Seen.Progress[w.WriteID]; p.Text != "" {
				return sentence{warn, "Writing " + name + ": " + stop(p.Text)}
			}
			return sentence{warn, "Writing " + name + ": waiting for the API server's answer."}
		case incident.Unsettled:
			return sentence{bad, "No answer to the write of " + name + ": looking whether it happened. Nothing is sent twice."}
		case incident.Rolling:
			if why := r.newFail(w); why != "" {
				return sentence{bad, why}
			}
			if calmly.text == "" {
				calmly = sentence{calm, "Rolling back " + name + ". Verify comes when it is rolled out."}
				if w.Write.Plan.Role != model.RoleRelease {
					calmly.text = w.Write.Plan.Title + ": under way."
				}
			}
		}
	}
	if calmly.text != "" {
		return calmly
	}
	return sentence{bad, r.upper(r.d.blocked) + "."}
}

// onward says what a step of the recovery has come to, and which one is next.
func (r *rollBack) onward(a *incident.Attempt) sentence {
	p := r.recovering()
	text, level := "", fine
	for n := range a.Writes {
		if w := &a.Writes[n]; w.State != incident.Done {
			text, level = stop(named(&w.Plan)+" "+fromTo(w.Plan)+": "+string(w.State)+": "+w.Err)+" ", bad
		}
	}
	if s := p.Step(a.Step); text == "" && s != nil && s.State != incident.ItemOpen {
		text = r.upper(stop(s.Text+" is done")) + " "
	}
	next := p.Next()
	if next == nil {
		return sentence{level, text + fmt.Sprintf("%s of the recovery open", model.Plural(p.Open(), "step")) + r.keyed(": r") + "."}
	}
	return sentence{level, text + "Next of the recovery" + r.keyed(" (r)") + ": " + next.Text + "."}
}

// newFail says that pods of the revision that was gone back to fail: then it
// does not help, and the bar need not be waited for.
func (r *rollBack) newFail(s incident.Standing) string {
	c, seen := r.snap.Seen.Component(s.Write.Plan.Component), r.snap.ProgressOf(s.WriteID)
	if c == nil || seen.Phase == model.PhaseUnknown {
		return ""
	}
	owner := cmp.Or(seen.Owner, s.Write.Plan.To.Key)
	n, state := 0, ""
	for k := range c.Pods {
		if p := &c.Pods[k]; p.Failing && !p.Deleting && p.Owner == owner {
			n, state = n+1, podState(p)
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s of the revision that was gone back to fails: %s.", model.Plural(n, "new pod"), state) + r.keyed(" l shows why; esc leads back to another revision.")
}
