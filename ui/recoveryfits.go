package ui

import (
	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
)

// Size is no higher than what is told: above it the page goes on to show how it stands.
func (r *recovery) Size(w, h int) (int, int) {
	lines, _ := r.draws(w - 2)
	return w, min(h, len(lines)+2)
}

// fits tells what fits the way in which a component fails, before it is stopped, with why.
func (r *recovery) fits(w int) (out []string) {
	p := r.pen
	for _, x := range r.snap.Remedies() {
		lead := p.say(" ! ")
		if x.Write.N > 0 && !r.looks() {
			lead = " " + paint(p.Key, "D") + " "
		}
		out = append(out, p.hang(lead, x.Component+": "+x.What, w, 2, p.Warn)...)
		out = append(out, p.hang("   ", x.Why, w, 2, p.Dim)...)
	}
	return out
}

// helpKey takes up the write that gets on what does not by itself.
func (r *recovery) helpKey() Key {
	var of incident.WriteID
	for _, x := range r.snap.Remedies() {
		if x.Write.N > 0 {
			of = x.Write
		}
	}
	return Key{Keys: []string{"D"}, Name: "delete stuck pod", Acts: true, Hide: of.N == 0,
		Help: "delete the pod that the rollout waits for, so that it is made again; it is checked and confirmed like any other write",
		Disabled: func(*incident.Snapshot) string {
			if of.N == 0 {
				return "no rollout waits for a pod that could be deleted"
			}
			return ""
		}, do: func() tea.Cmd {
			r.shut()
			return r.send(incident.Help{Write: of})
		}}
}
