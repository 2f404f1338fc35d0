package ui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
)

// App is the screen: the only tea.Model.
type App struct {
	scope
	opt   Options
	look  Look
	pages [7]page

	at       incident.Step  // the page that was shown last
	asked    incident.Asked // the question that stood then
	tick     time.Time      // the last tick's own time
	derived  time.Time      // the clock when d was made
	quiet    bool           // no key for 300 ms
	quietGen int
	last     string // the last key
	hinted   string // the hint at the last tick, and since when it stands
	hintAt   time.Time
	refused  string // the key whose refusal the hint is; "" = it is none
	leaving  leaving
	since    time.Time // of leaving
	farewell string
	called   map[string]bool // what the operator was called for and still stands; nil = nothing was looked at yet
	drilled  bool            // the drill's steps were opened
	offered  bool            // the open incidents of earlier runs
}

// The clock's step, and how long a confirmation waits for silence.
const (
	clockStep = time.Second
	quietTime = 300 * time.Millisecond
	rederive  = 5 * time.Second
	hintTime  = 4 * time.Second
)

type (
	tickMsg  struct{ at time.Time }
	quietMsg struct{ gen int }
)

// New makes the screen without running it.
func New(o Options) *App {
	a := &App{opt: o, look: DetectLook(o.Env)}
	if o.Look != nil {
		a.look = *o.Look
	}
	a.ctx, a.engine, a.viewer, a.start = context.Background(), o.Engine, o.Viewer, o.Start
	a.shells.find = o.Shell
	if e := o.Session.engine; e != nil {
		a.engine = e
	}
	a.w, a.h = o.Width, o.Height
	a.env, a.drafts = lookup(o.Env), map[draftKey]draft{}
	a.pen = newPen(a.look)
	s := &a.scope
	a.pages = [7]page{
		newAssess(s), newDecide(s), newChoose(s), newConfirm(s), newRollBack(s), newVerify(s), newClosing(s),
	}
	a.fetch()
	a.scroll()
	return a
}

// Init asks for the terminal's background, waits for snapshots and starts the
// clock.
func (a *App) Init() tea.Cmd {
	return tea.Batch(waitChanged(a.ctx, a.engine), tickClock(), a.hush(), a.remind(), tea.RequestBackgroundColor)
}

func tickClock() tea.Cmd {
	return tea.Tick(clockStep, func(t time.Time) tea.Msg { return tickMsg{t} })
}

// hush begins a new silence: it is over 300 ms from now, unless a key comes.
func (a *App) hush() tea.Cmd {
	a.quiet = false
	a.quietGen++
	gen := a.quietGen
	return tea.Tick(quietTime, func(time.Time) tea.Msg { return quietMsg{gen} })
}

// fetch takes over the engine's newest snapshot.
func (a *App) fetch() {
	s := *a.engine.Snapshot() // the engine's own is immutable; ours has a clock
	a.session = a.opt.Session.as(&s)
	switch now := a.clock(); {
	case a.session.still:
	case s.Now.IsZero():
		s.Now = now
	case s.Now.Before(now) && now.Sub(s.Now) < 2*clockStep:
		s.Now = now // the clock never steps back by a blink
	}
	a.snap = &s
	a.derive()
}

func (a *App) clock() time.Time {
	if a.snap == nil || a.snap.Now.IsZero() {
		return a.start
	}
	return a.snap.Now
}

func (a *App) derive() {
	a.d, a.derived = derive(a.snap, a.d), a.snap.Now
	if f := a.session.judged; f != nil {
		f(a.d)
	}
	a.pointAt()
	for _, p := range a.pages {
		p.Follow()
	}
	for _, o := range a.over {
		o.Follow()
	}
}

// page is the one of the step where the incident is.
func (a *App) page() page {
	return a.pages[max(0, min(int(a.snap.Incident.Step), len(a.pages)-1))]
}

// front is what keys go to first.
func (a *App) front() page {
	if n := len(a.over); n > 0 {
		return a.over[n-1]
	}
	return a.page()
}

// Update takes a message. It waits for nothing.
func (a *App) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := a.update(msg)
	a.scroll()
	return a, cmd
}

func (a *App) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		a.w, a.h = msg.Width, msg.Height
	case tea.ColorProfileMsg:
		a.look.takes(msg.Profile)
		*a.pen = *newPen(a.look)
	case tea.BackgroundColorMsg:
		a.look.Light = !msg.IsDark()
		*a.pen = *newPen(a.look)
	case changedMsg:
		return tea.Batch(a.changed(), waitChanged(a.ctx, a.engine))
	case tickMsg:
		return tea.Batch(a.advance(msg.at), tickClock())
	case quietMsg:
		a.quiet = a.quiet || msg.gen == a.quietGen
	case leaveMsg:
		return a.leave()
	case tea.KeyPressMsg:
		return a.press(msg)
	case tea.PasteMsg:
		return a.paste(msg)
	case loggedInMsg:
		if msg.err != nil {
			a.hint = msg.err.Error()
		}
	case remindedMsg:
		a.reminder = string(msg)
	case reply:
		return msg.deliver(a)
	}
	return nil
}

// reply is the answer to something that was read for an overlay.
type reply interface{ deliver(a *App) tea.Cmd }

// changed shows the newest snapshot. When the page or the question is another
// one now, keys that were meant for the one before must not answer it.
func (a *App) changed() tea.Cmd {
	a.fetch()
	a.refuseNoMore()
	i := a.inc()
	offered, signal := a.offer(), tea.Batch(a.signal(), a.lendShell())
	offered = a.rehearse() || offered
	if i.Step == a.at && i.Asked == a.asked && !offered {
		return signal
	}
	if i.Step != a.at {
		a.tellHandling()
	}
	a.at, a.asked = i.Step, i.Asked
	return tea.Batch(a.hush(), signal)
}

// advance moves the clock by what passed since the last tick, so that the age of
// the data grows even when the engine says nothing any more.
func (a *App) advance(at time.Time) tea.Cmd {
	step := clockStep
	if !a.tick.IsZero() {
		step = max(0, at.Sub(a.tick))
	}
	a.tick = at
	if a.hint != a.hinted {
		a.hinted, a.hintAt = a.hint, at
	} else if at.Sub(a.hintAt) >= hintTime {
		a.hint, a.hinted = "", "" // what it said may no longer be so
	}
	a.handling.passes(step, a.snap.OperatorsTurn())
	if f := a.session.passes; f != nil {
		return f(a, step)
	}
	if a.session.still {
		return nil // what was does not grow older
	}
	s := *a.snap
	s.Now = a.clock().Add(step)
	a.snap = &s
	if s.Now.Sub(a.derived) >= rederive {
		a.derive()
	}
	return nil
}

// press dispatches a key: the field that is open, the overlay or the page, then
// the keys that work everywhere.
func (a *App) press(msg tea.KeyPressMsg) tea.Cmd {
	a.keys++
	quiet, repeated := a.quiet, a.last == msg.String()
	a.rested = quiet
	a.last, a.hint, a.refused = msg.String(), "", ""
	silence := a.hush()
	if cmd, done := a.pressLeaving(msg); done {
		return tea.Batch(silence, cmd)
	}
	if msg.String() == "ctrl+z" {
		return tea.Batch(silence, tea.Suspend)
	}
	if a.small() {
		// What cannot be read must not be answered.
		if msg.String() == "q" {
			return tea.Batch(silence, a.quit())
		}
		return silence
	}
	if h, open := a.front().(*hintBox); open && !h.takes(msg) {
		a.shut()
	}
	front := a.front()
	if cmd, taken := front.Update(msg); taken {
		a.counts(Key{})
		return tea.Batch(silence, cmd)
	}
	keys := append(a.frontKeys(), a.usable(a.globalKeys())...)
	for _, k := range keys {
		if !k.matches(msg) {
			continue
		}
		a.counts(k)
		switch why := k.off(a.snap); {
		case why != "":
			a.hint, a.refused = refusal(k, why), k.Keys[0]
			a.refuses(k, why)
		case k.Quiet && !quiet:
			a.hint = k.Shown() + " counts only after 0.3 s without a key: press it again"
			a.refuses(k, "it counts only after 0.3 s without a key")
		case repeated && !quiet && (a.last == "enter" || k.Acts && a.last != "esc"):
			// A held key must not run through the pages, nor through a checklist.
		case k.do != nil:
			cmd := k.do()
			a.refuses(k, a.hint)
			return tea.Batch(silence, cmd)
		}
		return silence
	}
	a.counts(Key{})
	a.refuses(Key{}, "it means nothing there")
	return silence
}

func refusal(k Key, why string) string { return k.Shown() + " " + k.Name + ": " + why }

// refuseNoMore takes away the reason why a key did nothing once it is no longer so.
func (a *App) refuseNoMore() {
	if a.refused == "" {
		return
	}
	for _, k := range append(a.frontKeys(), a.usable(a.globalKeys())...) {
		if k.Keys[0] == a.refused && refusal(k, k.off(a.snap)) == a.hint {
			return
		}
	}
	a.hint, a.refused = "", ""
}

// paste goes to an open field as text; where nothing is typed it does nothing.
func (a *App) paste(msg tea.PasteMsg) tea.Cmd {
	silence := a.hush()
	if a.small() {
		return silence
	}
	if p, ok := a.front().(interface{ paste(text string) }); ok {
		p.paste(msg.Content)
	}
	return silence
}
