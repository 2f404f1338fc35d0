package incident

import (
	"fmt"
	"regexp"
	"strings"

	"rollbook/model"
)

// kubectl returns kubectl's name with where the incident is.
func (s *Settings) kubectl() string {
	out := "kubectl"
	if s.Context != "" {
		out += " --context " + model.ShellWord(s.Context)
	}
	return out + " -n " + model.ShellWord(s.Namespace)
}

// StepCommands returns the commands that a step of a recovery is by hand, each whole, with
// its context; none where there is nothing to copy.
func (s *Snapshot) StepCommands(step *ProcedureStep) (out []string) {
	set := &s.Incident.Settings
	scale := func(c *model.Component, n int) {
		out = append(out, fmt.Sprintf("%s scale %s --replicas=%d", set.kubectl(), model.ShellWord(c.Workload.String()), n))
	}
	each := func(do func(c *model.Component)) {
		for _, id := range step.Of() {
			if c := s.Seen.Component(id); c != nil {
				do(c)
			}
		}
	}
	manifest := model.ShellWord(set.Recovery.Maintenance)
	switch step.ID {
	case StepStop:
		each(func(c *model.Component) { scale(c, 0) })
	case StepPageOn:
		out = append(out, set.kubectl()+" apply -f "+manifest)
	case StepPageOff:
		out = append(out, set.kubectl()+" delete -f "+manifest)
	case StepRedeploy:
		if o := set.Recovery.Overlay; o != "" {
			out = append(out, "git checkout LAST_GOOD_TAG && "+set.kubectl()+" apply -k "+model.ShellWord(o))
		}
	case StepOnePod:
		each(func(c *model.Component) { scale(c, 1) })
	case StepProve:
		each(func(c *model.Component) {
			out = append(out, fmt.Sprintf("%s rollout status %s --timeout=2m", set.kubectl(), model.ShellWord(c.Workload.String())))
		})
	case StepAll:
		each(func(c *model.Component) {
			if n, _ := s.ReplicasToGoBackTo(c); n > 0 {
				scale(c, n)
			}
		})
	default:
		if c := step.Command; c != "" {
			out = append(out, set.inContext(c))
		}
	}
	return out
}

// kubectlCalls finds where a command calls kubectl: at its beginning, or behind another one.
var kubectlCalls = regexp.MustCompile(`(^|[|;&(]\s*)kubectl `)

// inContext gives each call of kubectl in a command the context that the incident is in, if
// it names none: in which one the terminal is that it is pasted into, nobody knows.
func (s *Settings) inContext(command string) string {
	if s.Context == "" || strings.Contains(command, "--context") {
		return command
	}
	return kubectlCalls.ReplaceAllString(command, "${1}kubectl --context "+strings.ReplaceAll(model.ShellWord(s.Context), "$", "$$")+" ")
}

// StepNotes returns what has to be known beside a step of a recovery.
func (s *Snapshot) StepNotes(step *ProcedureStep) (out []string) {
	switch step.ID {
	case StepStop:
		for _, id := range step.Of() {
			if c := s.Seen.Component(id); c != nil && c.Desired == 0 {
				out = append(out, id+" has 0 replicas already.")
			}
		}
	case StepAll:
		for _, id := range step.Of() {
			if c := s.Seen.Component(id); c != nil {
				if _, from := s.ReplicasToGoBackTo(c); from != "" {
					out = append(out, from)
				}
			}
		}
	case StepProve:
		if why := s.proveBlocked(step, ""); why != "" {
			out = append(out, why)
		} else {
			out = append(out, "All checks are good: "+strings.Join(s.proofs(step), "; ")+".")
		}
	}
	return out
}

// StepUnderWay reports whether a write of a recovery's step is not at its end.
func (s *Snapshot) StepUnderWay(id string) bool {
	p := s.Incident.Procedure(CourseRecovery)
	return p != nil && p.Step(id) != nil && s.Incident.stepUnderWay(p, id) != nil
}

// RecoverBlocked says why a recovery cannot be begun; "" when it can.
func RecoverBlocked(s *Snapshot) string {
	if why := endedBlocked(&s.Incident); why != "" {
		return why
	}
	if s.Incident.ID == "" {
		return Assess.Blocked(s)
	}
	return ""
}
