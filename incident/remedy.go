package incident

import (
	"fmt"
	"slices"
	"strings"
)

// Remedy names what fits the way in which a component does not get on, such as deleting a
// stuck pod: it may be all that is needed, before its traffic is stopped.
type Remedy struct {
	Component string
	What      string  // what to do
	Why       string  // what speaks for it
	Write     WriteID // which Help gets on; zero = rollbook offers no write for it
}

// Remedies returns what fits the components that a recovery is of, or would be of: a pod
// that a rollout stands still on, pods that cannot be scheduled, an image that is gone.
func (s *Snapshot) Remedies() (out []Remedy) {
	of := s.recovered()
	if len(of) == 0 {
		of = s.RecoveryOf()
	}
	done := map[string]bool{}
	for _, id := range of {
		c := s.Seen.Component(id)
		if c == nil || done[id] {
			continue
		}
		done[id] = true
		for _, st := range s.Incident.Standing() {
			if aid := s.ProgressOf(st.WriteID).Aid; aid != nil && !aid.Offer && st.Write.State == Rolling && st.Write.Plan.Component == id {
				out = append(out, Remedy{id, aid.Text, s.ProgressOf(st.WriteID).Text, st.WriteID})
			}
		}
		for _, g := range FailingPods(c) {
			r := Remedy{Component: id, Why: g.Words(c)}
			if said, _, _ := strings.Cut(g.Message, "\n"); said != "" {
				r.Why += ": " + said
			}
			switch {
			case strings.Contains(g.State, "ImagePull") || g.State == "InvalidImageName":
				r.What = "its image cannot be pulled: redeploy a version whose image is there; another pod of this one will not start"
			case g.State == "Pending":
				r.What = "no node takes it, whatever its version: make room, or go on with fewer replicas"
				if n := readyPods(c); n > 0 {
					r.What += fmt.Sprintf(" (%d of %d serve)", n, c.Desired)
				}
			default:
				continue
			}
			if !slices.ContainsFunc(out, func(o Remedy) bool { return o.Component == id && o.What == r.What }) {
				out = append(out, r)
			}
		}
	}
	return out
}
