package ui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// frontKeys are those of what keys go to first; in a replay, after its own.
func (a *App) frontKeys() []Key {
	return a.usable(append(a.replayKeys(len(a.over) == 0), a.front().Keys()...))
}

// usable turns off, in a replay, every key that changes something or begins to
// type.
func (s *scope) usable(keys []Key) []Key {
	if s.replay == nil {
		return keys
	}
	out := make([]Key, len(keys))
	for n, k := range keys {
		switch {
		case k.Acts:
			k.Disabled, k.Main = func(*incident.Snapshot) string { return noChange }, false
		case k.Types:
			k.Disabled = func(*incident.Snapshot) string { return noField }
		}
		out[n] = k
	}
	return out
}

// seek shows the replay at another position.
func (a *App) seek(n int) tea.Cmd {
	was := a.replay.at
	switch {
	case n < 1 && was == 1:
		a.hint = "this is the first fact of the journal"
	case n > len(a.replay.facts) && was == len(a.replay.facts):
		a.hint = "this is the last fact of the journal"
	}
	a.replay.seek(n)
	return a.changed()
}

// replayKeys move through a replay; the arrows do where nothing else needs them.
func (a *App) replayKeys(arrows bool) []Key {
	if a.replay == nil {
		return nil
	}
	r := a.replay
	forward, back := []string{"."}, []string{","}
	if arrows {
		forward, back = append(forward, "right"), append(back, "left")
	}
	return []Key{
		{Keys: forward, Name: "next fact", Help: "the next fact of the journal (also →)", do: func() tea.Cmd { return a.seek(r.at + 1) }},
		{Keys: back, Name: "before", Help: "the fact before (also ←)", do: func() tea.Cmd { return a.seek(r.at - 1) }},
		{Keys: []string{"}"}, Name: "+1 min", Help: "a minute on, or to the next fact when none is in it", do: func() tea.Cmd { return a.seek(r.by(time.Minute)) }},
		{Keys: []string{"{"}, Name: "-1 min", Help: "a minute back, or to the fact before", do: func() tea.Cmd { return a.seek(r.by(-time.Minute)) }},
		{Keys: []string{"<"}, Name: "start", Help: "to the first fact", Hide: true, do: func() tea.Cmd { return a.seek(1) }},
		{Keys: []string{">"}, Name: "end", Help: "to the last fact", Hide: true, do: func() tea.Cmd { return a.seek(len(r.facts)) }},
	}
}

// replayNotices say which fact is shown, and what this page would need and the
// journal does not keep.
func (s *scope) replayNotices() []sentence {
	out := []sentence{{fine, s.replay.line}}
	if text := notKept[max(0, min(int(s.inc().Step), len(notKept)-1))]; text != "" {
		out = append(out, sentence{calm, "not in the journal: " + text})
	}
	return out
}

// notKept is what each page shows live and the journal does not hold.
var notKept = [7]string{
	incident.Assess:   "other components, single pods, events",
	incident.Decision: "other components, and the queries",
	incident.Choose:   "the history, but for what was proposed and chosen",
	incident.Confirm:  "the preflight before it was confirmed",
	incident.RollBack: "single pods and events, but for the count each 15 s",
	incident.Verify:   "the baseline, health URLs, own queries, logs",
}

// asJudged shows the verdict as it was recorded: judging anew what is left in the
// journal might come to another one. So might a figure's check, whose limit may
// have been the baseline.
func (d *derived) asJudged(i *incident.Incident) {
	if v := i.Verdict; !v.Since.IsZero() {
		d.verdict, d.why = v.Verdict, v.Text
	}
	for n := range d.checks {
		c := &d.checks[n]
		figure := strings.HasSuffix(c.Key, "/errors") || strings.HasSuffix(c.Key, "/p95")
		if figure && c.State == model.TriNo && !strings.HasSuffix(c.Seen, "in the last minute") {
			c.State, c.Seen = model.TriUnknown, c.Seen+"; the baseline that it was judged by is "+gone
		}
	}
}
