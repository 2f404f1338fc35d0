// Package incident says what an incident is and what may happen next.
//
// It is pure: no clock, no I/O, no types of Kubernetes or of the screen. Two
// functions decide everything:
//
//	Decide(Incident, Seen, Input) ([]Fact, []Effect)   what follows from an input
//	Apply(Incident, Fact) Incident                     what a fact changes
//
// Facts are journaled and carry the figures that they rest on. The incident is
// the fold of its facts and of nothing else; what was observed (Seen) is
// replaced, never folded. Folding a journal therefore gives the live incident
// back, at any point and in any later version.
//
// The zero value of everything here means unknown: nothing is healthy, decided
// or allowed by default.
//
// One concept is one file, to be read from top to bottom: the acts that can be
// sent, what is decided on them, the facts that follow, what each changes, and its
// words. decide.go and fact.go hold what all of them share; incident.go and
// seen.go what a snapshot consists of.
package incident
