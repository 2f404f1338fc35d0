package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// decide is the second page: the tree with the path taken lit, the two questions
// beside it, and the verdict.
type decide struct {
	base
	at    int  // selected node
	moved bool // the operator chose it
}

func newDecide(s *scope) *decide { return &decide{base: base{s}} }

func (d *decide) Title() string { return "2 Decide" }
func (d *decide) Says() sentence {
	h := d.d.headline
	if d.inc().Verdict.Overruled && d.d.after.State == incident.AfterNothing && h.Kind != incident.HeadCalm {
		h.Head += " (overruled)"
	}
	return d.verdict(h)
}

// Follow keeps the mark on a question; before the operator moved it, on the one that
// decides.
func (d *decide) Follow() {
	if d.inc().Step != incident.Decision {
		d.moved = false
	}
	if at := slices.IndexFunc(d.d.nodes, func(n incident.Node) bool { return n.End }); !d.moved && at >= 0 {
		d.at = at
		if d.d.nodes[at].Answer != model.TriYes { // nothing does: the one that only a person can answer
			d.at = max(0, slices.IndexFunc(d.d.nodes, func(n incident.Node) bool { return n.Asks }))
		}
	}
	d.at = max(0, min(len(d.d.nodes)-1, d.at))
}

func (d *decide) move(by int) tea.Cmd {
	d.at, d.moved = d.at+by, true
	d.Follow()
	return nil
}

func (d *decide) node() *incident.Node {
	if d.at >= len(d.d.nodes) {
		return nil
	}
	return &d.d.nodes[d.at]
}

func (d *decide) Keys() []Key {
	say := func(t model.Tri) func() tea.Cmd { return func() tea.Cmd { return d.answer(t) } }
	none := func(*incident.Snapshot) string {
		if d.node() == nil {
			return "there is no question yet"
		}
		return ""
	}
	keys := []Key{
		d.nextKey("choose", "go on to what to roll back, with the verdict as it stands"),
		{Keys: []string{"y"}, Name: "yes", Acts: true, Help: "answer the marked question with yes; over a figure it asks why", Disabled: none, do: say(model.TriYes)},
		{Keys: []string{"n"}, Name: "no", Acts: true, Help: "answer the marked question with no; over a figure it asks why", Disabled: none, do: say(model.TriNo)},
		{Keys: []string{"u"}, Name: "unknown", Acts: true, Help: "take your answer back: the figure counts again, or nobody knows", Disabled: none, do: say(model.TriUnknown)},
		{Keys: []string{"o"}, Name: "overrule", Acts: true, Help: "set another verdict than the tree's; both are kept", do: d.overrule},
		{Keys: []string{"s"}, Name: "stand down", Acts: true, Help: "let the triggers fall that have been under their limits for five minutes",
			Disabled: func(*incident.Snapshot) string { return d.d.standNo }, do: func() tea.Cmd {
				return d.reasonless("Let the triggers fall?", "They have been under their limits for five minutes. The verdict follows the figures again.", "stand down", incident.StandDown{})
			}},
		{Keys: []string{"d"}, Name: "details", Help: "all that is known of the component that this is about, with the queries", Disabled: func(*incident.Snapshot) string {
			if d.subject() == nil {
				return "no component is seen yet"
			}
			return ""
		}, do: func() tea.Cmd { return d.open(newDetails(d.scope, d.subject().c.ID)) }},
		{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "the question above", Hide: true, do: func() tea.Cmd { return d.move(-1) }},
		{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "the question below", Hide: true, do: func() tea.Cmd { return d.move(1) }},
		d.backKey(), d.endKey(),
	}
	return append(keys, d.componentKeys()...)
}

// answer says the operator's word. Over a figure it asks for the reason first,
// because that is what the post-mortem will ask.
func (d *decide) answer(t model.Tri) tea.Cmd {
	n := d.node()
	q := n.Question
	if n.Asks || t == model.TriUnknown || t == n.Figure {
		return d.send(incident.Say{Question: q, Answer: t})
	}
	word := map[model.Tri]string{model.TriYes: "yes", model.TriNo: "no"}[t]
	title, says := "Overrule the figure: ", "It says: "+triWord(n.Figure)+". "+n.Text
	if n.Figure == model.TriUnknown {
		title, says = "Answer without a figure: ", "The figure is unknown: "+n.Text
	}
	return d.remark(title+n.Title, []string{says, "You say: " + word + ". Both are kept."}, "say "+word,
		func(reason string) tea.Cmd { return d.send(incident.Say{Question: q, Answer: t, Reason: reason}) })
}

func (d *decide) overrule() tea.Cmd {
	var options []string
	for _, v := range verdictOptions {
		options = append(options, v.Name())
	}
	return d.ask(dialog{title: "Overrule the verdict", options: options, typed: true, prompt: "why", yes: "overrule",
		text: []string{"It is " + d.d.verdict.Name() + ": " + d.d.why},
		act: func(n int, reason string) tea.Cmd {
			return d.send(incident.Overrule{Verdict: verdictOptions[n], Reason: reason})
		}})
}

// reasonless asks once more for what needs no reason.
func (s *scope) reasonless(title, text, yes string, do incident.Act) tea.Cmd {
	return s.ask(dialog{title: title, text: []string{text}, yes: yes, quiet: true,
		act: func(int, string) tea.Cmd { return s.send(do) }})
}

func triWord(t model.Tri) string {
	return [...]string{model.TriUnknown: "unknown", model.TriNo: "no", model.TriYes: "yes"}[t]
}

// triMark is an answer with its sign.
func (p *pen) triMark(t model.Tri, w int) string {
	switch t {
	case model.TriYes:
		return p.cell("● YES", w, p.Bad)
	case model.TriNo:
		return p.cell("○ no", w, p.Plain)
	}
	return p.cell("? unknown", w, p.Warn)
}

func (d *decide) View(w, h int) []string {
	r := d.subject()
	if w < wideWidth {
		whole := d.chosenNode(w)
		free := h - len(d.d.nodes) - 2 - len(whole) // less the two blank lines
		if d.leading(r, w, free-1) != nil {
			free -= 1 + chartLeast
		}
		out := append(append(d.tree(w, free), ""), whole...)
		if chart := d.leading(r, w, h-len(out)-1); chart != nil {
			out = append(append(out, ""), chart...)
		}
		return out
	}
	cols := widths(w)
	left := append(d.tree(cols[0], h-len(d.d.nodes)-2-chartLeast), "")
	left = append(left, d.charts(r, cols[0], h-len(left), chartMost)...)
	right := append(d.chosenNode(cols[1]), "")
	if len(cols) > 2 {
		return d.pen.side([][]string{left, append(right, d.fullDetail(cols[1], h-len(right))...), d.aside(cols[2], h)}, cols, h)
	}
	return d.pen.side([][]string{left, append(right, d.lately(cols[1], h-len(right))...)}, cols, h)
}

// tree draws the questions, one a line and so many more lines at most for what has no
// room there. The verdict that they come to stands below the page.
func (d *decide) tree(w, free int) []string {
	p := d.pen
	titles := 0
	for _, n := range d.d.nodes {
		titles = max(titles, ansi.StringWidth(p.say(n.Title)))
	}
	if free < len(d.d.nodes) { // else what has no room beside a title stands below it
		titles = min(titles, w/2)
	}
	var out []string
	besides := false
	for i, n := range d.d.nodes {
		if n.Beside && !besides {
			besides = true
			out = append(out, "")
		}
		lines := d.line(i, n, titles, w, free)
		free -= len(lines) - 1
		out = append(out, lines...)
	}
	return out
}

// line is a question with its answer, and what there is to say of it: beside the answer,
// and if it has no room there below it, in so many lines at most.
func (d *decide) line(i int, n incident.Node, titles, w, free int) []string {
	p := d.pen
	mark, style := "   ", p.Plain
	if i == d.at {
		mark, style = paint(p.Note, p.say(" ▸ ")), p.Note
	}
	id := string(n.Question)
	path := " "
	switch {
	case n.Beside:
	case n.End:
		path = "└"
	case n.Lit:
		path = "│"
	}
	unlit := !n.Lit && !n.Beside
	if unlit && i != d.at {
		style = p.Dim
	}
	lead := mark + paint(p.Note, p.say(path)) + " " + p.cell(id, 2, p.Dim) + " "
	head := lead + p.cell(n.Title, titles, style) + "  "
	room := w - ansi.StringWidth(head) - 11
	by := ""
	if n.By != "" {
		by = "(" + n.By + ") "
	}
	if unlit && n.By == "" && n.Answer == model.TriNo {
		return []string{head + p.cell("– not needed", 12, p.Dim)}
	}
	text := by + d.brief(n)
	if free > 0 && ansi.StringWidth(p.say(text)) > room {
		return append([]string{head + p.triMark(n.Answer, 9)}, p.hang(spaces(ansi.StringWidth(lead)), text, w, free, p.Plain)...)
	}
	return []string{head + p.triMark(n.Answer, 10) + " " + p.fit(text, room)}
}

// brief is what a line of the tree has room for: the title has said the rest,
// and the whole stands below.
func (d *decide) brief(n incident.Node) string {
	kind := map[incident.Question]incident.TriggerKind{incident.QErrors: incident.TErrors, incident.QP95: incident.TP95}[n.Question]
	switch {
	case n.By != "":
		if a := d.inc().Answers[n.Question]; a.Reason != "" {
			return "“" + a.Reason + "”"
		} else if n.Answer == n.Figure {
			return n.Text
		} else if !n.Asks && n.Figure == model.TriUnknown {
			return "answered; the figure is unknown: " + n.Text
		} else if !n.Asks {
			return "against the figure"
		}
		return ""
	case n.Asks && n.Answer == model.TriUnknown && !n.Beside:
		return "only you know"
	case n.Answer == model.TriYes && kind != "":
		var names []string
		for _, t := range d.inc().Triggers {
			if t.Kind == kind {
				names = append(names, t.Component)
			}
		}
		if len(names) > 0 {
			return strings.Join(names, ", ")
		}
	}
	return n.Text
}

// chosenNode is the marked question in full.
func (d *decide) chosenNode(w int) []string {
	p, n := d.pen, d.node()
	if n == nil {
		return []string{" No question yet: nothing was observed."}
	}
	out := []string{" " + paint(p.Strong, p.fit(string(n.Question)+" "+n.Title, w-2))}
	add := func(name, text string, max int) {
		for i, l := range p.wrap(text, w-11, max) {
			if i > 0 {
				name = ""
			}
			out = append(out, p.label(name, l))
		}
	}
	if a, ok := d.inc().Answers[n.Question]; ok && a.Answer != model.TriUnknown {
		text := a.By + " said " + triWord(a.Answer) + " at " + a.At.UTC().Format("15:04:05")
		if a.Reason != "" {
			text += ": “" + a.Reason + "”"
		}
		add("answer", text, 2)
		if a.Figure != "" {
			add("figure", "then: "+a.Figure, 2)
		}
	} else if n.Asks && n.Answer == model.TriUnknown {
		add("asks", nonEmpty(d.keyed("only you can know: y yes, n no. What stays open counts as unknown."), "only the operator could know; what stays open counts as unknown"), 2)
	}
	if n.Text != "" {
		add("now", n.Text, 3)
	}
	return out
}
