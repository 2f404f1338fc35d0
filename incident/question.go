package incident

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// Question is something that the tree, or the operator beside it, answers.
type Question string

// The questions. D1 to D4 form the tree; W4 and W5 stand beside it. D3 is W3.
const (
	QErrors   Question = "D1" // error ratio over its limit
	QP95      Question = "D2" // P95 over its limit
	QCritical Question = "D3" // a critical feature broken, or no available pod
	QSLO      Question = "D4" // error budget, or the newest rollout is stuck
	QDataLoss Question = "W4"
	QSecurity Question = "W5"
)

// title returns the question in words, with the limits that it is asked by.
func (q Question) title(l model.Limits) string {
	switch q {
	case QErrors:
		return fmt.Sprintf("errors over %s for %s?", model.Percent(l.Errors), model.Short(l.For))
	case QP95:
		return fmt.Sprintf("P95 over %s for %s?", model.Seconds(l.P95.Seconds()), model.Short(l.P95For))
	case QCritical:
		return "critical feature broken, or no pod?"
	case QSLO:
		return "SLO at risk, or rollout stuck?"
	case QDataLoss:
		return "data lost?"
	}
	return "security hole exploited?"
}

// Answer is the operator's word, kept beside the figure that it overrules.
type Answer struct {
	Answer model.Tri `json:"answer"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	Figure string    `json:"figure,omitempty"` // what the tree said at that time
}

// Node is one question of the tree as the screen shows it.
type Node struct {
	Question Question
	Title    string // "Errors over 5% for 5m?"
	Answer   model.Tri
	By       string // "" = a figure; else the operator who overruled or answered
	Text     string // the figure and for how long, or why it is unknown
	Query    string
	Lit      bool      // on the path taken
	End      bool      // the path ends here
	Beside   bool      // W4, W5: stands beside the tree
	Asks     bool      // only the operator can know
	Rising   bool      // over its limit, but not for long enough yet
	Figure   model.Tri // what the figures say, whatever the operator does
	// Covered: it is about nothing but what was rolled back or stopped, or was said before that.
	// The banner tells what came of it.
	Covered bool
}

// Tree is the decision tree (D1 to D4) with the path taken lit, followed by the
// two questions that stand beside it. An operator's answer overrules the
// figures, which stay in Text.
func Tree(s *Snapshot) []Node {
	j, back := s.Judgement(), s.rollbacks()
	nodes := []Node{
		measuredNode(s, j, back, QErrors, TErrors), measuredNode(s, j, back, QP95, TP95),
		criticalNode(s, j, back), sloNode(s, j, back),
		besideNode(s, QDataLoss), besideNode(s, QSecurity),
	}
	for n := range nodes[:4] {
		nodes[n].Lit = true
		if nodes[n].Answer == model.TriYes || n == 3 {
			nodes[n].End = true
			break
		}
	}
	return nodes
}

// answered lays the operator's word over what the figures say.
func answered(s *Snapshot, n Node) Node {
	n.Figure = n.Answer
	if a, ok := s.Incident.Answers[n.Question]; ok && a.Answer != model.TriUnknown {
		n.Answer, n.By = a.Answer, a.By
		n.Covered = !n.Beside && a.At.Before(s.Incident.wroteAt()) || s.nothingServes()
	}
	return n
}

// fromTriggers answers a question by the latched triggers and by what the board
// says of one kind: yes for any latched, unknown for any unknown, else no. Triggers
// that no rollback is about come first.
func (n *Node) fromTriggers(s *Snapshot, j *Judgement, back []rollback, kind TriggerKind) {
	var open, covered []string
	for k := range s.Incident.Triggers {
		switch t := &s.Incident.Triggers[k]; {
		case t.Kind != kind:
		case s.covered(back, t):
			covered = append(covered, t.sentence(s, j))
			if len(open) == 0 {
				n.Query = t.Query
			}
		default:
			open = append(open, t.sentence(s, j))
			n.Query = t.Query
		}
	}
	if len(open)+len(covered) > 0 {
		n.Answer, n.Covered = model.TriYes, len(open) == 0
		n.Text = strings.Join(append(open, covered...), "; ")
		return
	}
	n.Answer, n.Text, n.Query = j.says(s, kind)
}

// says is what the board says of one kind of trigger, with the query of the component
// that it says it of.
func (j *Judgement) says(s *Snapshot, kind TriggerKind) (model.Tri, string, string) {
	k, lost := j.kinds[kind], s.clusterLost()
	var over []string
	for _, l := range k.over {
		over = append(over, l.finding(s, kind, lost).Text)
	}
	switch {
	case len(over) > 0 && k.unknowns == 0:
		return model.TriNo, strings.Join(over, "; "), k.over[0].finding(s, kind, lost).Query
	case k.asked == 0 && len(s.Seen.Board) == 0:
		return model.TriUnknown, "no workload seen yet", k.query
	case k.unknowns > 0:
		last := k.last.finding(s, kind, lost)
		text := fmt.Sprintf("%s: %s", nameSome(ids(k.unknown), k.unknowns), last.Why)
		return model.TriUnknown, strings.Join(append(over, text), "; "), last.Query
	case k.asked == 0 && k.asleeps > 0:
		return model.TriUnknown, nameSome(ids(k.asleep), k.asleeps) + ": " + noReplicas, k.query
	case k.asked == 0:
		return model.TriNo, "not measured, by configuration", k.query
	}
	return model.TriNo, "", k.query
}

func ids(lines []*Line) (out []string) {
	for _, l := range lines {
		out = append(out, l.Component.ID)
	}
	return out
}

func measuredNode(s *Snapshot, j *Judgement, back []rollback, q Question, kind TriggerKind) Node {
	n := Node{Question: q, Title: q.title(s.Incident.Settings.Limits)}
	n.fromTriggers(s, j, back, kind)
	n.Rising = slices.ContainsFunc(j.kinds[kind].over, func(l *Line) bool { return l.finding(s, kind, "").State == model.TriNo })
	if n.Answer == model.TriNo && n.Text == "" {
		n.Text = j.worst(kind)
	}
	return answered(s, n)
}

// worst names the component that comes nearest to the limit.
func (j *Judgement) worst(kind TriggerKind) string {
	k := j.kinds[kind]
	text := "nothing over"
	switch {
	case k.topName == "":
	case kind == TP95:
		text = "highest " + model.Seconds(k.top) + " on " + k.topName
	default:
		text = "highest " + model.Percent(k.top) + " on " + k.topName
	}
	if k.asleeps > 0 {
		text += "; not counted, with 0 replicas: " + nameSome(ids(k.asleep), k.asleeps)
	}
	return text
}

// podsAreThere is what the cluster says of D3 where nothing is wrong with pods.
const podsAreThere = "pods are there; only you know"

func criticalNode(s *Snapshot, j *Judgement, back []rollback) Node {
	n := Node{Question: QCritical, Title: QCritical.title(s.Incident.Settings.Limits), Asks: true}
	n.fromTriggers(s, j, back, TNoPod)
	if n.Answer == model.TriNo {
		// The cluster knows that pods are there, not what they are worth.
		n.Answer = model.TriUnknown
		if n.Text == "" {
			n.Text = podsAreThere
		}
	}
	return answered(s, n)
}

// sloNode never holds the verdict up: a budget that is not set up is not asked for.
func sloNode(s *Snapshot, j *Judgement, back []rollback) Node {
	set := &s.Incident.Settings
	n := Node{Question: QSLO, Title: QSLO.title(set.Limits), Asks: true}
	n.fromTriggers(s, j, back, TStuck)
	burn, slo := n, "SLO: not set up"
	if set.Objective > 0 {
		burn.fromTriggers(s, j, back, TBurn)
		slo = j.slo(set)
	}
	switch {
	case n.Answer == model.TriYes && burn.Answer == model.TriYes && set.Objective > 0:
		n.Text, n.Covered = n.Text+"; "+burn.Text, n.Covered && burn.Covered
	case n.Answer == model.TriYes:
	case burn.Answer == model.TriYes && set.Objective > 0:
		n = burn
	case set.Objective > 0 && n.Answer == model.TriNo && burn.Answer == model.TriUnknown:
		n.Answer, n.Query = model.TriUnknown, burn.Query
		n.Text = "no rollout is stuck; SLO " + model.Percent(set.Objective) + ": " + burn.Text
	case n.Answer == model.TriNo && n.Text == "":
		n.Text = "no rollout is stuck; " + slo
	}
	return answered(s, n)
}

func besideNode(s *Snapshot, q Question) Node {
	n := Node{Question: q, Title: q.title(s.Incident.Settings.Limits), Beside: true, Asks: true}
	n = answered(s, n)
	if q == QDataLoss && n.Answer == model.TriYes {
		n.Text = "stop writing traffic first: an undo brings no data back. Tell the CTO."
	}
	return n
}

// Say answers a question of the tree, or overrules its figure.
type Say struct {
	Question Question
	Answer   model.Tri
	Reason   string
}

func (do Say) decide(d *decider) {
	a := Answer{Answer: do.Answer, At: d.s.Now, By: d.by, Reason: do.Reason}
	for _, n := range Tree(&d.s) {
		if n.Question == do.Question {
			a.Figure = n.Text
		}
	}
	d.fact(Said{Question: do.Question, Answer: a})
	d.judge()
	d.escalate()
}

// Said is the operator's answer to a question, beside the figure.
type Said struct {
	Question Question `json:"question"`
	Answer   Answer   `json:"answer"`
}

func (b Said) apply(i *Incident, f Fact) {
	answers := maps.Clone(i.Answers)
	if answers == nil {
		answers = map[Question]Answer{}
	}
	answers[b.Question] = b.Answer
	i.Answers = answers
	if b.Answer.Answer == model.TriYes {
		if i.Onset.IsZero() {
			i.begins(f.At)
			i.Reported = true
		}
		i.shown(f.At, Detector{Source: SourceAnswer, Name: f.By})
	}
}

func (b Said) entry(i *Incident) (EntryKind, string) {
	return EntryAnswer, fmt.Sprintf("%s %s %s%s", b.Question, b.Question.title(i.Settings.Limits), b.Answer.Answer, because(b.Answer.Reason))
}
