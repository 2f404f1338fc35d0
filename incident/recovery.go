package incident

import (
	"fmt"
	"slices"
	"strings"

	"rollbook/model"
)

// The IDs of recovery's steps. Those of the restore are StepRestore and a number.
const (
	StepStop     = "stop"
	StepPageOn   = "maintenance on"
	StepRestore  = "restore"
	StepRedeploy = "redeploy"
	StepOnePod   = "one pod"
	StepProve    = "verify"
	StepAll      = "all replicas"
	StepPageOff  = "maintenance off"
)

// Recover begins the recovery of some components, in the order of the configuration; of
// those that the incident is about, if none are named.
type Recover struct{ Components []string }

func (do Recover) decide(d *decider) {
	if RecoverBlocked(&d.s) != "" {
		return
	}
	if a := d.inc().Asked; a != AskNothing && a != AskSettle {
		d.fact(AskAnswered{What: a, With: ReplyRecovery})
	}
	BeginProcedure{Course: CourseRecovery, Steps: d.s.RecoverySteps(do.Components)}.decide(d)
}

// RecoveryOf returns the components that a recovery would be of, if nobody said
// otherwise: those that the incident is about; in none, the one that the command named.
func (s *Snapshot) RecoveryOf() []string {
	out := slices.DeleteFunc(s.Incident.Concerned(), func(id string) bool { return s.Seen.Component(id) == nil })
	if focus := s.Incident.Settings.Focus; len(out) == 0 && s.Seen.Component(focus) != nil {
		out = []string{focus}
	}
	return s.inOrder(out)
}

// inOrder returns components in the order of the configuration, which is that of the
// board where none is configured.
func (s *Snapshot) inOrder(components []string) []string {
	rank := func(id string) int {
		for n, t := range s.Incident.Settings.Components {
			if t.ID == id {
				return n
			}
		}
		return len(s.Incident.Settings.Components) + slices.IndexFunc(s.Seen.Board, func(c *model.Component) bool { return c.ID == id })
	}
	out := slices.Clone(components)
	slices.SortStableFunc(out, func(a, b string) int { return rank(a) - rank(b) })
	return out
}

// RecoverySteps returns the steps of a recovery of some components, as they can be taken
// here. What rollbook has no method for is done by hand, and ticked; what nothing is
// configured for is not asked.
func (s *Snapshot) RecoverySteps(of []string) []ProcedureStep {
	if of = s.inOrder(of); len(of) == 0 {
		of = s.RecoveryOf()
	}
	if len(of) == 0 {
		return nil
	}
	var scaled []string
	for _, id := range of {
		if c := s.Seen.Component(id); c == nil || c.Workload.Kind != model.DaemonSet {
			scaled = append(scaled, id)
		}
	}
	names := func(of []string) string { return strings.Join(of, ", ") }
	var out []ProcedureStep
	has := func(id string) bool {
		return slices.ContainsFunc(out, func(s ProcedureStep) bool { return s.ID == id })
	}
	add := func(step ProcedureStep, needs ...Need) {
		for _, n := range needs {
			if has(n.ID) {
				step.Needs = append(step.Needs, n)
			}
		}
		step.Any = len(step.Needs) == 0
		out = append(out, step)
	}
	method := func(m model.Method) model.Method {
		if slices.Contains(s.Seen.Methods, m) {
			return m
		}
		return ""
	}
	replicas := func(id, text, undoes string, to model.Version) ProcedureStep {
		return ProcedureStep{ID: id, Text: text, Slot: model.Slot{Role: model.RoleSwitch}, Method: method(model.MethodScale), To: to, Components: scaled, Undoes: undoes}
	}
	page := func(id, text, undoes string, to model.Version) ProcedureStep {
		return ProcedureStep{ID: id, Text: text, Slot: model.Slot{Component: of[0], Role: model.RoleMaintenance}, Method: method(model.MethodMaintenance), To: to, Undoes: undoes}
	}
	if len(scaled) > 0 {
		add(replicas(StepStop, "stop the traffic: "+names(scaled)+" to 0 replicas", "", model.Replicas(0)))
	}
	if s.Incident.Settings.Recovery.Maintenance != "" {
		add(page(StepPageOn, "maintenance page on", "", model.MaintenancePage(true)))
	}
	var restored []Need
	for n, r := range s.Incident.Settings.Recovery.restore() {
		id := fmt.Sprintf("%s %d", StepRestore, n+1)
		text := r.Text
		if !strings.HasPrefix(text, "restore") {
			text = "restore: " + text
		}
		add(ProcedureStep{ID: id, Text: text, Command: r.Command},
			Need{StepStop, "what is written while data is restored would be lost"})
		restored = append(restored, Need{id, "the pods would work on data that is not restored"})
	}
	add(ProcedureStep{ID: StepRedeploy, Text: "redeploy the last known good version: " + names(of), Slot: model.Slot{Role: model.RoleRelease}, Components: of},
		Need{StepStop, "the new version would get all the traffic before it was verified"})
	again := append(restored, Need{StepRedeploy, "the pods would run the version that failed"})
	if len(scaled) > 0 {
		add(replicas(StepOnePod, "one pod: "+names(scaled), StepStop, model.Replicas(1)),
			append([]Need{{StepStop, "there is nothing to bring back"}}, again...)...)
		add(ProcedureStep{ID: StepProve, Text: "verify it with one pod: " + names(scaled), Components: scaled, Undoes: StepStop},
			Need{StepOnePod, "no pod would run that could be verified"})
		add(replicas(StepAll, "all replicas: "+names(scaled)+" as before", StepStop, model.Version{}),
			Need{StepOnePod, "if it still fails, it would fail with every pod"}, Need{StepProve, "if it still fails, it would fail with every pod"})
	}
	if has(StepPageOn) {
		add(page(StepPageOff, "maintenance page off", StepPageOn, model.Version{}),
			append(again, Need{StepAll, "users would come back before the replicas do"})...)
	}
	return out
}

// restore returns the restore's steps: those of the configuration, else the three that
// every restore has. Without a procedure that is linked there are none.
func (r *Recovery) restore() []RestoreStep {
	switch {
	case len(r.Steps) > 0:
		return r.Steps
	case r.Restore == "":
		return []RestoreStep{{Text: "restore the data from the backup, if data is affected"}}
	}
	return []RestoreStep{{Text: "choose the backup: the last one from before the onset"}, {Text: "restore the data, by " + r.Restore}, {Text: "check the restored data"}}
}

// StepBlocked says why an open step of a recovery can be neither taken nor ticked now; ""
// when it can.
func (s *Snapshot) StepBlocked(p *Procedure, id string) string {
	if step := p.Step(id); step != nil && step.ByHand() {
		if why := p.Blocked(id); why != "" || !step.Seen {
			return why
		}
		return s.TickBlocked(p.Course, id, "")
	}
	_, why := s.StepChoices(p.Course, id)
	return why
}

// proveBlocked says why one pod is not verified: what a check says against it, or, without
// a reason, what is not known.
func (s *Snapshot) proveBlocked(step *ProcedureStep, reason string) string {
	var bad, unknown []string
	checked := map[string]bool{}
	for _, v := range VerifyChecks(s) {
		if v.Shown || v.Name == checkOwed || !slices.Contains(step.Of(), v.Component) {
			continue
		}
		checked[v.Component] = true
		line := v.Component + " " + v.Name + ": " + v.Seen
		switch v.State {
		case model.TriNo:
			bad = append(bad, line)
		case model.TriUnknown:
			unknown = append(unknown, line)
		}
	}
	for _, id := range step.Of() {
		if !checked[id] {
			unknown = append(unknown, id+" is not what this incident is about: look yourself")
		}
	}
	switch {
	case len(bad) > 0:
		return "not well: " + nameSome(bad, len(bad))
	case len(unknown) > 0 && reason == "":
		return "not known, it needs a reason: " + nameSome(unknown, len(unknown))
	}
	return ""
}

// proofs returns what the good checks of a step's components saw, in words.
func (s *Snapshot) proofs(step *ProcedureStep) (out []string) {
	for _, v := range VerifyChecks(s) {
		if v.State == model.TriYes && !v.Shown && slices.Contains(step.Of(), v.Component) {
			out = append(out, v.Component+" "+v.Name+" "+v.Seen)
		}
	}
	return out
}

// ReplicasToGoBackTo returns how many replicas a component is to have in the end, and
// where the number is from: the count from before it was scaled to 0, what it has now if
// it was not, else what is configured. 0 = not known.
func (s *Snapshot) ReplicasToGoBackTo(c *model.Component) (n int, from string) {
	configured := s.Incident.Settings.Recovery.Replicas
	before := s.Incident.ReplicasBefore(c.ID)
	switch {
	case before > 0:
		return before, fmt.Sprintf("%s had %s before it was scaled to 0.", c.ID, model.Replicas(before))
	case c.Desired > 0:
		return c.Desired, "" // it was not stopped
	case configured > 0:
		return configured, fmt.Sprintf("%s by the configuration (recovery.replicas): %s had 0 when this incident first looked.", model.Replicas(configured), c.ID)
	}
	return 0, "How many replicas " + c.ID + " had is not known: it had 0 when this incident first looked, and recovery.replicas is not configured. " +
		"Its manifest or its HPA tells."
}
