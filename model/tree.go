package model

import (
	"fmt"
	"slices"
	"strings"
)

// rank orders the verdicts: at once > within 10 minutes > unknown > watch.
func (v Verdict) rank() int {
	return pick([]int{YourCall: 1, WatchClosely: 0, Within10: 2, Now: 3}, int(v))
}

// pick is all[n], and the first, which is what is unknown, for an n that a
// damaged journal may hold.
func pick[T any](all []T, n int) T {
	if n < 0 || n >= len(all) {
		n = 0
	}
	return all[n]
}

// Name is the verdict as the screen calls it.
func (v Verdict) Name() string {
	return pick([]string{YourCall: "UNKNOWN, YOUR CALL", WatchClosely: "WATCH CLOSELY",
		Within10: "ROLL BACK WITHIN 10 MINUTES", Now: "ROLL BACK NOW"}, int(v))
}

// Title is the question in words.
func (q Question) title(l Limits) string {
	switch q {
	case QErrors:
		return fmt.Sprintf("errors over %s for %s?", Percent(l.Errors), Short(l.For))
	case QP95:
		return fmt.Sprintf("P95 over %s for %s?", Seconds(l.P95.Seconds()), Short(l.P95For))
	case QCritical:
		return "critical feature broken, or no pod?"
	case QSLO:
		return "SLO at risk, or rollout stuck?"
	case QDataLoss:
		return "data lost?"
	}
	return "security hole exploited?"
}

// Tree is the decision tree (D1 to D4) with the path taken lit, followed by the
// two questions that stand beside it. An operator's answer overrules the
// figures, which stay in Text.
func Tree(s *Snapshot) []Node {
	found := findings(s)
	defer forget(found)
	return tree(s, found)
}

func tree(s *Snapshot, found []finding) []Node {
	nodes := []Node{
		measuredNode(s, found, QErrors, TErrors), measuredNode(s, found, QP95, TP95),
		criticalNode(s, found), sloNode(s, found),
		besideNode(s, QDataLoss), besideNode(s, QSecurity),
	}
	for n := range nodes[:4] {
		nodes[n].Lit = true
		if nodes[n].Answer == TriYes || n == 3 {
			nodes[n].End = true
			break
		}
	}
	return nodes
}

// answered lays the operator's word over what the figures say.
func answered(s *Snapshot, n Node) Node {
	if a, ok := s.Incident.Answers[n.Question]; ok && a.Answer != TriUnknown {
		n.Answer, n.By = a.Answer, a.By
		if a.Reason != "" {
			n.Text = strings.TrimPrefix(n.Text+" · “"+a.Reason+"”", " · ")
		}
	}
	return n
}

// fromTriggers answers a question by the latched triggers and the findings of
// one kind: yes for any latched, unknown for any unknown, else no.
func fromTriggers(s *Snapshot, found []finding, kind TriggerKind) (Tri, string, string) {
	var texts []string
	query := ""
	for _, t := range s.Incident.Triggers {
		if t.Kind == kind {
			texts, query = append(texts, t.sentence(s, found)), t.Query
		}
	}
	if len(texts) > 0 {
		return TriYes, strings.Join(texts, "; "), query
	}
	var over, unknown []string
	asked, why := 0, ""
	for _, f := range found {
		if f.Kind != kind || !f.Asked {
			continue
		}
		asked++
		if query == "" {
			query = f.Trigger.Query
		}
		switch {
		case f.State == TriUnknown:
			unknown, why = append(unknown, f.Component), f.Why
		case f.Over:
			over = append(over, f.Text)
		}
	}
	switch {
	case len(over) > 0 && len(unknown) == 0:
		return TriNo, strings.Join(over, "; "), query
	case asked == 0 && len(s.Seen.Board) == 0:
		return TriUnknown, "no workload seen yet", query
	case len(unknown) > 0:
		text := fmt.Sprintf("%s: %s", nameAll(unknown), why)
		return TriUnknown, strings.Join(append(over, text), "; "), query
	case asked == 0:
		return TriNo, "not measured, by configuration", query
	}
	return TriNo, "", query
}

func measuredNode(s *Snapshot, found []finding, q Question, kind TriggerKind) Node {
	n := Node{Question: q, Title: q.title(s.Incident.Settings.Limits)}
	n.Answer, n.Text, n.Query = fromTriggers(s, found, kind)
	n.Rising = slices.ContainsFunc(found, func(f finding) bool { return f.Kind == kind && f.State == TriNo && f.Over })
	if n.Answer == TriNo && n.Text == "" {
		n.Text = worst(s, kind)
	}
	return answered(s, n)
}

// worst names the component that comes nearest to the limit.
func worst(s *Snapshot, kind TriggerKind) string {
	top, name := -1.0, ""
	for _, c := range s.Seen.Board {
		f := s.FiguresOf(c.ID)
		if f == nil {
			continue
		}
		r := f.Errors.Now
		if kind == TP95 {
			r = f.P95.Now
		}
		if r.Known && r.Value > top {
			top, name = r.Value, c.ID
		}
	}
	switch {
	case name == "":
		return "nothing over"
	case kind == TP95:
		return "highest " + Seconds(top) + " on " + name
	}
	return "highest " + Percent(top) + " on " + name
}

func criticalNode(s *Snapshot, found []finding) Node {
	n := Node{Question: QCritical, Title: QCritical.title(s.Incident.Settings.Limits), Asks: true}
	tri, text, query := fromTriggers(s, found, TNoPod)
	n.Answer, n.Text, n.Query = tri, text, query
	if tri == TriNo {
		// The cluster knows that pods are there, not what they are worth.
		n.Answer = TriUnknown
		if text == "" {
			n.Text = "pods are there; only you know"
		}
	}
	return answered(s, n)
}

// sloNode never counts as unknown: a budget that is not set up is not asked for.
func sloNode(s *Snapshot, found []finding) Node {
	n := Node{Question: QSLO, Title: QSLO.title(s.Incident.Settings.Limits), Asks: true}
	tri, text, query := fromTriggers(s, found, TStuck)
	n.Answer, n.Text, n.Query = tri, text, query
	if tri == TriNo {
		n.Text = "no rollout is stuck; SLO: not set up"
	}
	return answered(s, n)
}

func besideNode(s *Snapshot, q Question) Node {
	n := Node{Question: q, Title: q.title(s.Incident.Settings.Limits), Beside: true, Asks: true}
	n = answered(s, n)
	if q == QDataLoss && n.Answer == TriYes {
		n.Text = "stop writing traffic first: an undo brings no data back. Tell the CTO."
	}
	return n
}

// verdictOf is what the tree ends in, with the sentence that says why. It knows
// nothing of overruling, nor of a countdown that is over.
func verdictOf(s *Snapshot, nodes []Node) (Verdict, string) {
	for _, n := range nodes {
		if n.Answer != TriYes {
			continue
		}
		why := n.Text
		if n.By != "" {
			why = fmt.Sprintf("%s says yes to “%s”", n.By, strings.TrimSuffix(n.Title, "?"))
		}
		if n.Question == QSLO {
			continue
		}
		return Now, why
	}
	if nodes[3].Answer == TriYes {
		why := nodes[3].Text
		if nodes[3].By != "" {
			why = nodes[3].By + " says that the SLO is at risk"
		}
		return Within10, why
	}
	for k, n := range nodes[:3] {
		if n.Answer == TriUnknown {
			if k == 2 && len(s.Seen.Board) > 0 && s.clusterLost() == "" {
				why := "nothing is over its limit"
				for _, r := range nodes[:2] {
					if r.Rising {
						why = r.Text
					}
				}
				return YourCall, why + "; is a critical feature broken? Only you know"
			}
			return YourCall, strings.TrimSuffix(n.Title, "?") + ": " + n.Text
		}
	}
	for _, r := range nodes[:2] {
		if r.Rising {
			return WatchClosely, r.Text + ": prepare"
		}
	}
	return WatchClosely, "nothing is over its limit: prepare, and keep watching"
}

// VerdictNow is the verdict that counts, with its sentence as of now.
func VerdictNow(s *Snapshot) (Verdict, string) { return VerdictOf(s, Tree(s)) }

// VerdictOf is VerdictNow for a reader that has the tree already: judging a
// thousand components twice costs a screen milliseconds.
func VerdictOf(s *Snapshot, nodes []Node) (Verdict, string) {
	v, why := verdictOf(s, nodes)
	r := s.Incident.Verdict
	switch {
	case r.Overruled:
		why = "overruled from “" + v.Name() + "”"
		if r.Reason != "" {
			why += ": " + r.Reason
		}
		return r.Verdict, why
	case v == Within10 && !r.Deadline.IsZero() && !s.Now.Before(r.Deadline):
		return Now, "the ten minutes are over: " + why
	}
	return v, why
}

// sentence says a latched trigger as of now: how long it has lasted, or since
// when it is under its limit again.
func (t Trigger) sentence(s *Snapshot, found []finding) string {
	if !t.Under.IsZero() {
		return fmt.Sprintf("%s; under again for %s", t.Text, Short(s.Now.Sub(t.Under)))
	}
	for _, f := range found {
		if f.Component == t.Component && f.Kind == t.Kind {
			switch {
			case f.State == TriYes:
				return f.Text
			case f.State == TriUnknown:
				return t.Text + " (now unknown: " + f.Why + ")"
			}
		}
	}
	return t.Text
}

// nameAll lists names for a sentence, at most three of them.
func nameAll(names []string) string {
	names = slices.Compact(slices.Clone(names))
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:2], ", "), len(names)-2)
	}
	return strings.Join(names, ", ")
}
