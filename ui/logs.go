package ui

import (
	"context"
	"slices"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// logTail is how many lines of a log are read, and logKeep how many are kept
// while following: enough to find the reason, little enough to stay small.
const (
	logTail = 500
	logKeep = 5000
	logWait = 100 * time.Millisecond // between two redraws while lines pour in
)

// logs is the overlay with the log of one pod's container at a time.
type logs struct {
	pager
	c         *model.Component
	pods      []model.Pod // as they were when it was opened, failing first
	at        int
	container int
	previous  bool
	follow    bool
	got       loaded
	tail      *tail
	cancel    context.CancelFunc

	whole     bool // lines are shown to their end, with what else their fields hold
	search    field
	searching bool   // the search is being typed
	found     string // in lower case: what is marked; "" = nothing
	match     int    // the line whose match is gone to
}

func newLogs(s *scope, c *model.Component) *logs {
	l := &logs{pager: pager{base: base{s}, title: "Logs", end: true}, c: c, search: newField(fieldMax)}
	l.pods = slices.Clone(c.Pods)
	rank := func(p *model.Pod) int {
		switch {
		case p.Leftover:
			return 2 // its log went with it
		case p.Failing:
			return 0
		}
		return 1
	}
	slices.SortStableFunc(l.pods, func(a, b model.Pod) int { return rank(&a) - rank(&b) })
	if pod := l.pod(); pod != nil {
		l.aim(pod)
	}
	l.lines = l.draw
	return l
}

// aim chooses the container that fails, and its previous run when the one that
// runs now has not failed yet.
func (l *logs) aim(pod *model.Pod) {
	l.container = 0
	for n, name := range pod.Names {
		if name == pod.Bad {
			l.container = n
		}
	}
	l.previous = pod.Failing && pod.Restarts > 0 && pod.Exit != ""
	l.follow = false
}

func (l *logs) pod() *model.Pod {
	if l.at >= len(l.pods) {
		return nil
	}
	return &l.pods[l.at]
}

func (l *logs) name() string {
	pod := l.pod()
	if pod == nil || len(pod.Names) == 0 {
		return ""
	}
	return pod.Names[l.container%len(pod.Names)]
}

func (l *logs) Title() string {
	pod := l.pod()
	if pod == nil {
		return "Logs"
	}
	t := "Log of " + l.pen.middle(pod.Name, 40) + "/" + l.name() + " (" + itoa(int64(l.at+1)) + " of " + itoa(int64(len(l.pods))) + ")"
	if l.previous {
		t += ", its previous run"
	}
	if l.follow {
		t += ", following"
	}
	return t + ", UTC"
}

func (l *logs) typing() bool { return l.searching }

// searchKeys are all that is not text while the search is typed.
func (l *logs) searchKeys() []Key {
	return []Key{
		{Keys: []string{"enter"}, Name: "keep", Help: "keep the search; n and N go on", Main: true, do: func() tea.Cmd { l.searching = false; return nil }},
		{Keys: []string{"esc"}, Name: "clear", Help: "clear the search", do: func() tea.Cmd { l.searching = false; l.search.clear(); l.find(); return nil }},
	}
}

func (l *logs) Keys() []Key {
	if l.searching {
		return l.searchKeys()
	}
	follow := "follow"
	if l.follow {
		follow = "stop following"
	}
	run := "previous run"
	if l.previous {
		run = "this run"
	}
	whole := "whole lines"
	if l.whole {
		whole = "short lines"
	}
	one := func(*incident.Snapshot) string {
		if len(l.pods) < 2 {
			return "there is only one pod"
		}
		return ""
	}
	single := func(*incident.Snapshot) string {
		if pod := l.pod(); pod == nil || len(pod.Names) < 2 {
			return "the pod has one container"
		}
		return ""
	}
	keys := []Key{
		l.closeKey("close", "close"),
		{Keys: []string{"p"}, Name: run, Help: "the container's previous run, and back", do: func() tea.Cmd {
			l.previous, l.follow = !l.previous, false
			return l.begin()
		}},
		{Keys: []string{"f"}, Name: follow, Help: "follow new lines, and stop", Disabled: func(*incident.Snapshot) string {
			if l.previous {
				return "a previous run has ended"
			}
			return ""
		}, do: func() tea.Cmd { l.follow = !l.follow; return l.begin() }},
		{Keys: []string{"tab", "right"}, Show: "tab", Name: "next pod", Help: "the next pod, failing ones first", Disabled: one, do: func() tea.Cmd { return l.turn(1) }},
		{Keys: []string{"shift+tab", "left"}, Show: "shift+tab", Name: "pod before", Help: "the pod before", Hide: true, Disabled: one, do: func() tea.Cmd { return l.turn(-1) }},
		{Keys: []string{"c"}, Name: "next container", Help: "the next container of the pod", Hide: true, Disabled: single, do: func() tea.Cmd {
			l.container++
			return l.begin()
		}},
		{Keys: []string{"/"}, Name: "search", Help: "go to the newest line with these words", Types: true, do: func() tea.Cmd { l.searching = true; return nil }},
		{Keys: []string{"n"}, Name: "next match", Help: "to the next line that matches", Hide: l.found == "", Disabled: l.unmatched, do: func() tea.Cmd { return l.next(1) }},
		{Keys: []string{"N"}, Name: "match before", Help: "to the line before that matches", Hide: true, Disabled: l.unmatched, do: func() tea.Cmd { return l.next(-1) }},
		{Keys: []string{"w"}, Name: whole, Help: "show the lines to their end, with all fields, and back", do: func() tea.Cmd { l.whole = !l.whole; return l.stay() }},
	}
	return append(keys, l.scrollKeys()...)
}

func (l *logs) turn(by int) tea.Cmd {
	l.at = (l.at + by + len(l.pods)) % len(l.pods)
	l.aim(l.pod())
	return l.begin()
}

func (l *logs) Update(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	if !l.searching || !l.search.key(msg) {
		return nil, false
	}
	l.find()
	return nil, true
}

func (l *logs) paste(text string) {
	if l.searching {
		l.search.insert(text)
		l.find()
	}
}

// begin reads anew; what was read for another pod is dropped when it comes.
func (l *logs) begin() tea.Cmd {
	l.stop()
	pod, name, c, v := l.pod(), l.name(), l.c, l.viewer
	if pod == nil || v == nil {
		return nil
	}
	pod = &model.Pod{Name: pod.Name}
	l.pager.end, l.match = true, -1
	if l.follow {
		return l.beginFollow(pod.Name, name)
	}
	previous := l.previous
	return l.load(&l.got, func(ctx context.Context) (content, error) {
		lines, err := v.Logs(ctx, c, pod.Name, name, previous, logTail)
		return content{log: lines}, err
	})
}

func (l *logs) stop() {
	if l.cancel != nil {
		l.cancel()
		l.cancel, l.tail = nil, nil
	}
}

// closed ends what is followed when the overlay closes.
func (l *logs) closed() { l.stop() }

// tail takes lines as they come and hands them over at the screen's pace: the
// log of a busy pod must not flood the terminal, nor wait for it.
type tail struct {
	mu    sync.Mutex
	lines []model.LogLine
	wake  chan struct{} // of one
}

func (t *tail) add(lines []model.LogLine) {
	t.mu.Lock()
	t.lines = append(t.lines, lines...)
	if extra := len(t.lines) - logKeep; extra > 0 {
		t.lines = slices.Clone(t.lines[extra:])
	}
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *tail) take() []model.LogLine {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := t.lines
	t.lines = nil
	return lines
}

// followMsg says that lines came, or that the log has ended.
type followMsg struct {
	l     *logs
	t     *tail
	lines []model.LogLine
	done  bool
	err   error
}

func (m followMsg) deliver(*App) tea.Cmd {
	l := m.l
	if l.tail != m.t {
		return nil // of a pod that is not looked at any more
	}
	l.got.log = append(l.got.log[:len(l.got.log):len(l.got.log)], m.lines...)
	if extra := len(l.got.log) - logKeep; extra > 0 {
		l.got.log, l.match = l.got.log[extra:], l.match-extra
	}
	if m.done {
		l.follow, l.tail = false, nil
		if m.err != nil {
			l.got.log = append(l.got.log, model.LogLine{Text: "(following ended: " + m.err.Error() + ")"})
		}
		return nil
	}
	return nil
}

func (l *logs) beginFollow(pod, name string) tea.Cmd {
	ctx, cancel := context.WithCancel(l.ctx)
	t := &tail{wake: make(chan struct{}, 1)}
	l.cancel, l.tail = cancel, t
	l.got.gen++ // what was being read before is stale now
	l.got.ready, l.got.err, l.got.log = true, "", nil
	c, v := l.c, l.viewer
	read := func() tea.Msg {
		err := v.Follow(ctx, c, pod, name, logTail, t.add)
		if ctx.Err() != nil {
			err = nil
		}
		return followMsg{l: l, t: t, lines: t.take(), done: true, err: err}
	}
	return tea.Batch(read, l.wait(ctx, t))
}

// wait hands over the lines that came, at most ten times a second, and is armed
// again until the log is left.
func (l *logs) wait(ctx context.Context, t *tail) tea.Cmd {
	return func() tea.Msg {
		select {
		case <-ctx.Done():
			return nil
		case <-t.wake:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(logWait):
		}
		return moreMsg{followMsg{l: l, t: t, lines: t.take()}, ctx}
	}
}

// moreMsg is a followMsg after which more is waited for.
type moreMsg struct {
	followMsg
	ctx context.Context
}

func (m moreMsg) deliver(a *App) tea.Cmd {
	m.followMsg.deliver(a)
	if m.l.tail != m.t {
		return nil
	}
	return m.l.wait(m.ctx, m.t)
}
