package incident

import (
	"fmt"
	"time"

	"rollbook/model"
)

// PodGroup is pods of a component that are in the same state for the same reason.
type PodGroup struct {
	Pods     []*model.Pod
	State    string
	Exit     string
	Restarts int       // of all of them
	Last     time.Time // when one of them ended last; zero = unknown
	Message  string    // the last words of the newest
}

// FailingPods returns the pods that a person should look at, by what ails them, in the
// order seen.
func FailingPods(c *model.Component) []*PodGroup {
	return PodsBy(c, func(p *model.Pod) bool { return p.Failing })
}

// PodsBy returns those pods of a component that are wanted, by what ails them, in the
// order seen.
func PodsBy(c *model.Component, wanted func(*model.Pod) bool) []*PodGroup {
	var out []*PodGroup
	for i := range c.Pods {
		pod := &c.Pods[i]
		if !wanted(pod) {
			continue
		}
		var g *PodGroup
		for _, have := range out {
			if have.State == pod.State && have.Exit == pod.Exit {
				g = have
			}
		}
		if g == nil {
			g = &PodGroup{State: pod.State, Exit: pod.Exit, Message: pod.Message}
			out = append(out, g)
		}
		g.Pods = append(g.Pods, pod)
		g.Restarts += pod.Restarts
		if pod.ExitAt.After(g.Last) {
			g.Last = pod.ExitAt
			if pod.Message != "" {
				g.Message = pod.Message
			}
		}
	}
	return out
}

// Words returns how many of the component's pods these are and what ails them: "1 new
// pod of 4 CrashLoopBackOff: exit 1, 6 restarts".
func (g *PodGroup) Words(c *model.Component) string {
	text := g.count(c) + " " + g.State
	if g.Exit != "" {
		text += ": " + g.Exit
	}
	if g.Restarts > 0 {
		text += ", " + model.Plural(g.Restarts, "restart")
	}
	return text
}

// count returns how many of a component's pods are in the group: "1 new pod of 4"
// where all of the group are of the revision that is being rolled out and others are
// not.
func (g *PodGroup) count(c *model.Component) string {
	fresh, all, live := 0, 0, 0
	for _, p := range g.Pods {
		if p.Owner != "" && p.Owner == c.OwnerName {
			fresh++
		}
	}
	for i := range c.Pods {
		if p := &c.Pods[i]; !p.Deleting && !p.Leftover {
			live++
			if p.Owner == c.OwnerName {
				all++
			}
		}
	}
	n, total := len(g.Pods), max(c.Desired, live, len(g.Pods))
	age := ""
	switch {
	case all == 0 || all == live || fresh > 0 && fresh < n:
	case fresh > 0:
		age = " new pod"
	default:
		age = " old pod"
	}
	if age != "" && n > 1 {
		age += "s"
	}
	return fmt.Sprintf("%d%s of %d", n, age, total)
}
