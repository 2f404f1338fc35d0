package ui

import (
	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
)

// askKeys answer the walk's own question. None of them is enter: nothing is done
// by a key that was meant to go on.
func (s *scope) askKeys() []Key {
	only := s.askedNo
	if s.inc().Asked == incident.AskSettle {
		return []Key{
			{Keys: []string{"y"}, Name: "it was written", Acts: true, Quiet: true, Help: "you looked: the write was done", do: func() tea.Cmd { return s.send(incident.Answered{With: incident.ReplyWritten}) }},
			{Keys: []string{"n"}, Name: "it was not", Acts: true, Quiet: true, Help: "you looked: the write was not done", do: func() tea.Cmd { return s.send(incident.Answered{With: incident.ReplyNotWritten}) }},
		}
	}
	keys := []Key{
		{Keys: []string{"w"}, Name: "wait", Acts: true, Help: "go on waiting", Disabled: only, do: func() tea.Cmd { return s.send(incident.Answered{With: incident.ReplyWait}) }},
		{Keys: []string{"n"}, Name: "another version", Acts: true, Help: "choose another version and confirm that", Disabled: s.leaveNo, do: func() tea.Cmd { return s.send(incident.Answered{With: incident.ReplyAnother}) }},
	}
	return append(keys, Key{Keys: []string{"u"}, Name: "undo the undo", Acts: true, Disabled: s.undoNo,
		Help: "back to the version that ran before; it is chosen and confirmed like any other",
		do:   func() tea.Cmd { return s.send(incident.Answered{With: incident.ReplyUndo}) }})
}

// leaveNo says why what was rolled back cannot be left for another version.
func (s *scope) leaveNo(*incident.Snapshot) string {
	if s.inc().Asked == incident.AskNothing && s.undoes() == nil {
		return "nothing was rolled back yet"
	}
	return ""
}

// undoes returns the write that the undo of the undo would undo; nil while there is
// none.
func (s *scope) undoes() *incident.Write {
	for _, st := range s.inc().Standing() {
		if w := st.Write; w.InPlace() {
			return w
		}
	}
	return nil
}

func (s *scope) askedNo(*incident.Snapshot) string {
	if s.inc().Asked == incident.AskNothing {
		return "nothing is asked now: it goes on by itself"
	}
	return ""
}

func (s *scope) undoNo(*incident.Snapshot) string {
	if s.inc().Asked == incident.AskReverted {
		return "it is undone already: " + s.inc().AskText
	}
	return s.leaveNo(nil)
}

// question is the walk's own, with every answer and its key.
func (r *rollBack) question(w int) []string {
	if r.looks() {
		return nil // the sentence says what is asked; the answers are for who works on it
	}
	p := r.pen
	out := []string{p.heading("what now?", w)}
	wait := "wait: it goes on in the cluster"
	if r.inc().Asked == incident.AskReverted {
		wait = "leave it as it is, and go on watching"
	}
	if r.inc().Asked == incident.AskSettle {
		for _, k := range [][2]string{{"y", "it was written"}, {"n", "it was not written"}} {
			out = append(out, "   "+paint(p.Key, k[0])+"  "+k[1])
		}
		return out
	}
	answers := [][2]string{{"w", wait}, {"n", "another version"}, {"r", "recovery: scale to 0, maintenance, restore"}}
	if w := r.undoes(); w != nil && r.undoNo(nil) == "" {
		answers = append(answers, [2]string{"u", "undo the undo: " + r.snap.UndoWords(w)})
	}
	for _, k := range answers {
		out = append(out, p.hang("   "+paint(p.Key, k[0])+"  ", k[1], w, 0, p.Plain)...)
	}
	return out
}
