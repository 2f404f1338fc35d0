package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// globalKeys work on every page. Main ones are always in the footer.
func (a *App) globalKeys() []Key {
	keys := append(a.lookKeys(), a.besideKeys()...)
	if f := a.session.beside; f != nil {
		keys = append(keys, f(&a.scope)...)
	}
	if a.inc().Step != incident.Assess || len(a.over) > 0 || a.typing() { // there it is the page's own
		brief := a.briefKey()
		brief.Hide = true
		if slices.ContainsFunc(a.front().Keys(), func(k Key) bool { return k.Keys[0] == "y" && !k.Hide }) {
			brief.Keys = []string{"ctrl+y"}
		}
		keys = append(keys, brief)
	}
	return append(keys,
		a.payKey(),
		a.jumpKey(),
		Key{Keys: []string{"ctrl+z"}, Name: "suspend", Hide: true, Help: "back to the shell; fg returns", do: func() tea.Cmd { return tea.Suspend }},
		a.loginKey(),
		a.helpKey("?"),
		Key{Keys: []string{"q", "ctrl+c"}, Show: "q", Name: "quit", Main: true,
			Help: "leave; an open incident stays open and is picked up again by the next start", do: a.quit},
	)
}

func (a *App) helpKey(show string) Key {
	return Key{Keys: []string{"?", "f1"}, Show: show, Name: "help", Main: true, Help: "the keys that work here (F1 while typing)", do: a.help}
}

// lookKeys open what is always at hand.
func (s *scope) lookKeys() []Key {
	return []Key{
		{Keys: []string{"t"}, Name: "timeline", Help: "everything that was seen and done, by whom and when", do: func() tea.Cmd { return s.open(newTimeline(s)) }},
		{Keys: []string{"c"}, Name: "contacts", Help: "whom to call and when, and the team's documents", do: func() tea.Cmd { return s.open(newContacts(s)) }},
		{Keys: []string{"r"}, Name: "recovery", Now: s.recovering() != nil || s.helpless(),
			Help: "the steps for when the rollback failed or made it worse (F1-F5): stop, restore, redeploy, bring back", do: func() tea.Cmd { return s.open(newRecovery(s)) }},
	}
}

// recovering returns the recovery that is under way; nil while none is.
func (s *scope) recovering() *incident.Procedure {
	if p := s.inc().Procedure(incident.CourseRecovery); p != nil && p.Open() > 0 {
		return p
	}
	return nil
}

// componentKeys look closer at the component in focus.
func (s *scope) componentKeys() []Key {
	none := func(*incident.Snapshot) string {
		switch {
		case s.session.unread != "":
			return s.session.unread
		case s.row() == nil:
			return "no component is seen yet"
		}
		return ""
	}
	noViewer := func(snap *incident.Snapshot) string {
		if why := s.unreadable(); why != "" {
			return why
		}
		return none(snap)
	}
	noPods := func(snap *incident.Snapshot) string {
		if why := noViewer(snap); why != "" {
			return why
		}
		c := s.row().c
		switch {
		case c.PodsNo != "":
			return c.PodsNo
		case len(c.Pods) == 0:
			return c.ID + " has no pods"
		}
		return ""
	}
	return []Key{
		{Keys: []string{"l"}, Name: "logs", Help: "the log of a failing pod of this component", Disabled: noPods,
			do: func() tea.Cmd { return s.open(newLogs(s, s.row().c)) }},
		{Keys: []string{"e"}, Name: "events", Help: "the Kubernetes events of this component and its pods", Disabled: none,
			do: func() tea.Cmd { return s.open(newEvents(s, s.row().c)) }},
		{Keys: []string{"m"}, Name: "manifest", Help: "the workload as YAML", Hide: true, Disabled: noViewer,
			do: func() tea.Cmd { return s.open(newManifest(s, s.row().c)) }},
	}
}

func (s *scope) backKey() Key {
	return Key{Keys: []string{"esc"}, Name: "back", Last: true, Acts: true, Turns: true, Help: "one step back; nothing is lost", do: func() tea.Cmd { return s.send(incident.Back{}) }}
}

// nextKey leads one step forward; what stands against it is the step's own word,
// but for those who only turn pages.
func (s *scope) nextKey(name, help string) Key {
	return Key{Keys: []string{"enter"}, Name: name, Help: help, Main: true, Acts: true, Turns: true,
		Disabled: func(*incident.Snapshot) string {
			if s.session.turns {
				return s.session.noTurn
			}
			return s.d.blocked
		},
		do: func() tea.Cmd { return s.send(incident.Next{}) }}
}

// endKey ends the incident otherwise than by a rollback, and reopens one that has
// ended.
func (s *scope) endKey() Key {
	if i := s.inc(); i.End != nil && i.Closed.IsZero() {
		return Key{Keys: []string{"x"}, Name: "reopen", Last: true, Acts: true, Help: "go on with the incident: it is not over after all",
			do: func() tea.Cmd {
				return s.remark("Reopen the incident", []string{"It ended: " + string(i.End.Outcome) + ". Downtime and checks go on, and a rollback can be confirmed again."},
					"reopen", func(reason string) tea.Cmd { return s.send(incident.Reopen{Reason: reason}) })
			}}
	}
	return Key{Keys: []string{"x"}, Name: "end", Last: true, Acts: true,
		Help: "end the incident otherwise than by a rollback: recovered on its own, fixed otherwise, false alarm",
		Disabled: func(snap *incident.Snapshot) string {
			switch {
			case snap.Incident.ID == "":
				return "there is no incident yet"
			case !snap.Incident.Closed.IsZero():
				return "it is closed"
			case s.engine.Writing():
				return "a write is under way"
			}
			return ""
		},
		do: s.endIncident}
}

// endIncident asks how it ended. What is over its limit stands against that: then it
// needs a reason.
func (s *scope) endIncident() tea.Cmd {
	title := "End the incident without a rollback"
	for _, st := range s.inc().Standing() {
		if st.Write.State == incident.Rolling || st.Write.State == incident.Done {
			title = "End the incident: it was not the rollback that ended it"
		}
	}
	d := dialog{title: title,
		options: []string{"recovered on its own", "fixed otherwise (restart, flag, fix forward)", "false alarm"},
		typed:   true, prompt: "why", yes: "end it", quiet: true,
		act: func(n int, reason string) tea.Cmd {
			if against := incident.EndAgainst(s.snap); against != "" && reason == "" {
				s.hint = "not ended: " + against + ". Type a reason to end it all the same"
				return nil
			}
			outcome := [...]incident.Outcome{incident.RecoveredAlone, incident.FixedOtherwise, incident.FalseAlarm}[n]
			return s.send(incident.EndIncident{Outcome: outcome, Reason: reason})
		}}
	if against := incident.EndAgainst(s.snap); against != "" {
		d.must = true
		d.text = []string{"⚠ It is not well: " + against + ". To end it all the same needs a reason."}
	}
	return s.ask(d)
}

func (a *App) jumpKey() Key {
	help := nonEmpty(a.session.jumpHelp, "go to a step that was reached before; nothing is lost")
	return Key{Keys: []string{"1", "2", "3", "4", "5", "6", "7"}, Show: "1-7", Name: "go to a step", Hide: true, Help: help, do: a.jump}
}

// jump goes to the step whose number was pressed.
func (a *App) jump() tea.Cmd {
	step := incident.Step(strings.Index("1234567", a.last))
	if f := a.session.jump; f != nil {
		return f(a, step)
	}
	if step < 0 || step == a.inc().Step {
		return nil
	}
	if step > a.inc().Furthest {
		a.hint = step.Name() + " was not reached yet"
		return nil
	}
	return a.send(incident.Goto{Step: step})
}

// frontKeys are those of what keys go to first, after the session's own.
func (a *App) frontKeys() []Key {
	var keys []Key
	if f := a.session.keys; f != nil {
		keys = f(a)
	}
	return a.usable(append(keys, a.front().Keys()...))
}

// everywhere are the keys that are offered beside those of what keys go to
// first. While a field is open they are the help alone: all else is text.
func (a *App) everywhere() []Key {
	switch {
	case a.typing():
		return []Key{a.helpKey("F1")}
	case len(a.over) > 0:
		return a.usable(a.overlayKeys())
	}
	return a.usable(a.globalKeys())
}

// overlayKeys are what works while an overlay is open: q closes it.
func (a *App) overlayKeys() []Key {
	var out []Key
	for _, k := range a.globalKeys() {
		if k.Main && k.Keys[0] != "q" {
			out = append(out, k)
		}
	}
	return out
}

func (a *App) help() tea.Cmd {
	for _, o := range a.over {
		if o.Title() == helpTitle {
			return nil
		}
	}
	sets := []keySet{{a.front().Title(), a.frontKeys()}, {"Everywhere", a.usable(a.globalKeys())}}
	switch {
	case a.typing():
		sets[1] = keySet{"While the field is open all else is text", a.everywhere()}
	case len(a.over) > 0:
		sets[1].Keys = a.everywhere()
	}
	for n := range sets {
		sets[n].Keys = a.possible(sets[n].Keys)
	}
	return a.open(newHelp(&a.scope, sets))
}

// allKeys are the keys of all pages and overlays.
func (a *App) allKeys() []keySet {
	s := &a.scope
	sets := []keySet{{"Everywhere", a.globalKeys()}}
	for _, p := range a.pages {
		sets = append(sets, keySet{p.Title(), p.Keys()})
	}
	c := &model.Component{}
	sets = append(sets, keySet{"The filter of Assess, while it is typed", newAssess(s).filterKeys()}, keySet{"The search in logs, while it is typed", newLogs(s, c).searchKeys()})
	for _, o := range []overlay{newLogs(s, c), newTimeline(s), newMessages(s), newWriting(s, "Writing a message", "", nil), newOffers(s), newRecovery(s), newDrill(s), s.newDialog(dialog{title: "Questions", yes: "do it", typed: true, options: []string{""}})} {
		sets = append(sets, keySet{o.Title(), o.Keys()})
	}
	sets = append(sets, keySet{"The sandbox's opening screen", newPicker(s.ctx, a.opt, nil, nil).keys()})
	sets = append(sets, keySet{"Recovery, once it is begun", (&recovery{pager: pager{base: base{s}}}).stepKeys()})
	return append(sets, keySet{"Replay", (&replaying{}).keys(a)})
}
