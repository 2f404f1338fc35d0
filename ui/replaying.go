package ui

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// Player moves through what a journal tells, fact by fact. The methods that move
// report whether they did.
type Player interface {
	// Snapshot is what was known after the facts told so far; never nil.
	Snapshot() *incident.Snapshot
	// Changed has one element when the journal has grown and nobody looked yet.
	Changed() <-chan struct{}
	// At is how many facts are told, and of how many.
	At() (n, of int)
	// Line is the newest of them, in words.
	Line() string
	// NotKept is what stands where a journal holds nothing.
	NotKept() string
	// Left reports that nobody writes the journal any more.
	Left() bool
	// Err is why the journal cannot be read further; nil = it can.
	Err() error
	Next() bool
	Previous() bool
	First() bool
	Last() bool
	// By goes so much time on or back, but at least one fact.
	By(d time.Duration) bool
	// Goto goes to the last fact that happened by a time, or to the first.
	Goto(at time.Time) bool
	// Span is when the first fact and the last happened, and when each step was first
	// reached; zero = it never was.
	Span() (from, to time.Time, reached [incident.Close + 1]time.Time)
	// Reach goes to the fact with which a step was first reached.
	Reach(s incident.Step) bool
}

// noChange is why a key does nothing in a replay, and noField why nothing is
// typed there.
const (
	noChange = "replay: nothing can be changed"
	noField  = "replay: letters and signs move through the journal here"
)

// Replaying is the session of somebody who looks at a journal again. It brings
// its own engine.
func Replaying(p Player) Session {
	r := &replaying{Player: p}
	return Session{of: r.as, engine: r}
}

// Watching is the session of somebody who looks on at an incident from its journal while
// another program writes it. It is a replay that begins at the end and stays there.
func Watching(p Player) Session {
	r := &replaying{Player: p, live: true}
	return Session{of: r.as, engine: r}
}

// replaying is a player as an engine: nothing is sent, and nothing is written.
type replaying struct {
	Player
	live  bool      // somebody looks on at it
	speed int       // how many times as fast as it happened it plays; 0 = it stands
	clock time.Time // of what plays: between two facts it is ahead of the newest one
}

// speeds are how many times as fast as it happened a replay plays, in the order in which
// space goes round them; at 0 it stands.
var speeds = []int{0, 1, 10, 60}

func (*replaying) Send(incident.Act) {}
func (*replaying) Writing() bool     { return false }

func (r *replaying) as(snap *incident.Snapshot) session {
	dir := filepath.Dir(snap.Seen.Journal)
	for _, m := range []model.Moment{model.AtOpening, model.AtConfirm, model.InFull} {
		dir = nonEmpty(snap.Incident.Evidence[m].Dir, dir)
	}
	s := session{
		mark: r.mark, still: true, guest: true, noActs: noChange, noTyping: noField,
		unread:  "replay: the journal keeps none; what was gathered lies in " + dir,
		nothing: "No component was part of it by then.",
		keys:    r.keys, jump: r.jump, jumpHelp: "to when the step was first reached",
		judged:  func(d *derived) { r.asJudged(d, snap) },
		notices: r.notices, says: r.says, rule: r.bar, passes: r.plays,
	}
	if snap.Incident.Settings.Drill != nil {
		s.beside = func(s *scope) []Key { return []Key{s.drillKey()} }
	}
	return s
}

// now reports that somebody looks on, and sees the newest fact.
func (r *replaying) now() bool {
	n, of := r.At()
	return r.live && n == of
}

// mark is where the replay is.
func (r *replaying) mark(w int) string {
	if r.now() {
		return " LOOKING ON "
	}
	n, of := r.At()
	if w < 80 {
		return fmt.Sprintf(" REPLAY %d/%d ", n, of)
	}
	return fmt.Sprintf(" REPLAY %d/%d %s ", n, of, r.Snapshot().Now.UTC().Format("15:04:05"))
}

// keys move through the journal; the arrows do where nothing else needs them.
func (r *replaying) keys(a *App) []Key {
	forward, back, begin, end := []string{"."}, []string{","}, []string{"<"}, []string{">"}
	if len(a.over) == 0 {
		forward, back = append(forward, "right"), append(back, "left")
		begin, end = append(begin, "home"), append(end, "end")
	}
	const first, last = "this is the first fact of the journal", "this is the last fact of the journal"
	by := func(d time.Duration) func(Player) bool { return func(p Player) bool { return p.By(d) } }
	move := func(to func(Player) bool, cannot string) func() tea.Cmd {
		return func() tea.Cmd { return r.move(a, to, cannot) }
	}
	keys := []Key{
		{Keys: forward, Name: "next fact", Help: "the next fact of the journal (also →)", do: move(Player.Next, last)},
		{Keys: back, Name: "before", Help: "the fact before (also ←)", do: move(Player.Previous, first)},
		{Keys: []string{"]", "}", "shift+right"}, Name: "+1 min", Help: "a minute on, or to the next fact when none is in it", do: move(by(time.Minute), last)},
		{Keys: []string{"[", "{", "shift+left"}, Name: "-1 min", Help: "a minute back, or to the fact before", do: move(by(-time.Minute), first)},
		{Keys: begin, Name: "start", Help: "to the first fact", Hide: true, do: move(Player.First, first)},
		{Keys: end, Name: "end", Help: "to the last fact", Hide: true, do: move(Player.Last, last)},
	}
	if len(a.over) == 0 {
		keys = append([]Key{{Keys: []string{"space"}, Name: r.playName(), Help: "play: as it happened, 10 and 60 times as fast, then stop", do: func() tea.Cmd { r.play(); return nil }}}, keys...)
	}
	return keys
}

// playName says what the key for it does next.
func (r *replaying) playName() string {
	switch next := r.next(); {
	case next == 0:
		return "stop"
	case r.speed == 0:
		return "play"
	default:
		return fmt.Sprintf("play %d×", next)
	}
}

func (r *replaying) next() int {
	return speeds[(slices.Index(speeds, r.speed)+1)%len(speeds)]
}

// play begins to play from where it stands, plays faster, or stops.
func (r *replaying) play() {
	if r.speed = r.next(); r.clock.Before(r.Snapshot().Now) || r.speed == speeds[1] {
		r.clock = r.Snapshot().Now
	}
}

// plays goes on by so much of the viewer's time. It stops at the last fact.
func (r *replaying) plays(a *App, passed time.Duration) tea.Cmd {
	if r.speed == 0 {
		return nil
	}
	r.clock = r.clock.Add(time.Duration(r.speed) * passed)
	if n, of := r.At(); n == of {
		r.speed = 0
		return nil
	}
	if !r.Goto(r.clock) {
		return nil
	}
	return a.changed()
}

// bar draws the rule below the rail as the way through the journal: from when to when it
// goes, where each step was first reached, which moment is shown, and how fast it plays.
func (r *replaying) bar(s *scope, w int) string {
	from, to, reached := r.Span()
	left, right := " "+from.UTC().Format("15:04:05 "), to.UTC().Format(" 15:04:05 UTC ")
	switch {
	case r.now() && !r.Left():
		right += "live "
	case r.speed > 0:
		right += fmt.Sprintf("%d× ", r.speed)
	default:
		right += "stands "
	}
	n := w - ansi.StringWidth(left) - ansi.StringWidth(right)
	if n < 10 || !to.After(from) {
		return s.pen.rule(w)
	}
	at := func(t time.Time) int { return int(int64(n-1) * int64(t.Sub(from)) / int64(to.Sub(from))) }
	here := at(r.Snapshot().Now)
	cells := []rune(strings.Repeat("━", here) + strings.Repeat("─", n-here))
	for step, t := range reached {
		if !t.IsZero() {
			cells[at(t)] = rune('1' + step)
		}
	}
	cells[here] = '●'
	p := s.pen
	return paint(p.Dim, left) + paint(p.Note, p.say(string(cells[:here+1]))) + paint(p.Dim, p.say(string(cells[here+1:])+right))
}

// jump goes to when a step was first reached.
func (r *replaying) jump(a *App, s incident.Step) tea.Cmd {
	return r.move(a, func(p Player) bool { return p.Reach(s) }, s.Name()+" was not reached, or stands here")
}

// move shows the journal elsewhere, or says why it cannot.
func (r *replaying) move(a *App, to func(Player) bool, cannot string) tea.Cmd {
	if !to(r.Player) {
		a.hint = cannot
		return nil
	}
	r.clock = r.Snapshot().Now // it plays on from there
	return a.changed()
}

// notices say which fact is shown, and what this page would need and the journal
// does not keep.
func (r *replaying) notices(s *scope) []sentence {
	out := []sentence{{fine, r.Line()}}
	switch {
	case !r.live || !r.Left():
	case !s.inc().Closed.IsZero():
		out = append(out, sentence{fine, "It is closed: nothing more comes. q leaves."})
	default:
		out = append(out, sentence{warn, "The other rollbook has left, or is gone: nothing more comes before it is started again. q leaves."})
	}
	if err := r.Err(); err != nil {
		out = append(out, sentence{bad, "What follows cannot be read: " + err.Error()})
	}
	if text := notKept[max(0, min(int(s.inc().Step), len(notKept)-1))]; text != "" {
		out = append(out, sentence{calm, "not in the journal: " + text})
	}
	return out
}

// notKept is what each page shows live and the journal does not hold.
var notKept = [7]string{
	incident.Assess:   "how the figures went before it was opened, other components, single pods, events",
	incident.Decision: "other components, and the queries",
	incident.Confirm:  "the preflight before it was confirmed",
	incident.RollBack: "single pods and events, but for the count each 15 s",
	incident.Verify:   "the baseline, health URLs, own queries, logs",
}

// says tells of pages of which there is little in the journal what they show.
func (r *replaying) says(a *App, s sentence) sentence {
	switch seen, step := &a.snap.Seen, a.inc().Step; {
	case len(a.over) > 0 && a.front().Says().text != "":
	case r.now() && step == incident.Confirm && len(seen.Preflight) == 0:
		return sentence{calm, "It is not confirmed yet; its lines are in the journal from then on."}
	case step == incident.Assess && len(seen.Board) == 0:
		return sentence{calm, "Nothing had been found by then."}
	case step == incident.Confirm && len(seen.Preflight) > 0:
		return sentence{calm, "The lines as they were when it was confirmed, which comes next."}
	case step == incident.Confirm:
		return sentence{calm, "It was left without a confirmation: its lines are not in the journal."}
	}
	return s
}

// asJudged shows the verdict as it was recorded: judging anew what is left in the
// journal might come to another one. So might a figure's check, whose limit may
// have been the baseline. What is missing only here is no cause for a warning.
func (r *replaying) asJudged(d *derived, s *incident.Snapshot) {
	if v := s.Incident.Verdict; !v.Since.IsZero() {
		d.verdict, d.why = v.Verdict, v.Text
		d.headline = incident.HeadlineOf(s, d.verdict, d.why, d.after, d.calm)
	}
	d.unkept = map[string]bool{}
	for n := range d.checks {
		c := &d.checks[n]
		if c.Baseline && c.State == model.TriNo {
			c.State, c.Seen = model.TriUnknown, c.Seen+"; the baseline that it was judged by is "+r.NotKept()
		}
		d.unkept[c.Key] = strings.HasSuffix(c.Seen, r.NotKept())
	}
}
