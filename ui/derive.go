package ui

import (
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// derived is what is dear to work out from a snapshot. It is made once per
// snapshot, and again when the clock has moved enough for ages to differ.
type derived struct {
	judgement *incident.Judgement // that the rows are made of
	reading   bool                // the pods, for the first time

	rows     []*row
	byID     map[string]*row
	nodes    []incident.Node
	verdict  incident.Verdict
	why      string         // of the verdict
	after    incident.After // what came of a rollback
	calm     bool           // nothing is wrong as far as anybody knows
	headline incident.Headline
	alerts   bool // any fires
	nameW    int  // the widest name of a component
	tagW     int  // and the widest tag
	suspects []incident.Suspect
	checks   []incident.VerifyCheck
	unkept   map[string]bool // checks of which nothing is known because what is shown was, by their keys
	blocked  string          // why this step cannot be left forward
	standNo  string          // why the triggers may not be lowered
}

// row is one line of the board with its judgement.
type row struct {
	*incident.Line
	c       *model.Component
	f       *model.Figures // as they count now; nil = none read
	failing int            // pods that a person should look at
	stuck   string         // why its newest rollout does not get on; "" = nothing speaks for it
	since   time.Time      // since when it is stuck
	rank    int            // how far up it stands; see rankOver …
	reading bool           // its pods are not known yet
	tag     string         // what it runs, in a column: a tag, else the number of the revision; "" = not known
}

// Worst first: what is over a limit, what fails, what an alert began to fire about,
// what nobody knows, the rest.
const (
	rankOver = iota
	rankFailing
	rankAlert
	rankUnknown
	rankRest
)

// derive works out what the screen shows of a snapshot. Rows of a board that is
// the same as in before, which may be nil, are taken from there.
func derive(s *incident.Snapshot, before *derived) *derived {
	d := &derived{judgement: s.Judgement(), reading: s.Seen.Reading}
	if before != nil && before.judgement == d.judgement && before.reading == d.reading {
		d.rows, d.byID, d.alerts, d.nameW, d.tagW = before.rows, before.byID, before.alerts, before.nameW, before.tagW
	} else {
		d.sort(s.Now)
	}
	d.nodes = incident.Tree(s)
	d.verdict, d.why = incident.VerdictOf(s, d.nodes)
	d.after, d.calm = s.Afterwards(), incident.Calm(s, d.nodes)
	d.headline = incident.HeadlineOf(s, d.verdict, d.why, d.after, d.calm)
	if !d.calm {
		d.suspects = s.Suspects()
	}
	d.checks = incident.VerifyChecks(s)
	d.blocked = s.Incident.Step.Blocked(s)
	d.standNo = incident.CanStandDown(s)
	return d
}

// sort makes the rows, the worst first. Within a rank the board's own order stays,
// so that lines do not jump under the cursor with every sample.
func (d *derived) sort(now time.Time) {
	lines := d.judgement.Lines
	d.byID = make(map[string]*row, len(lines))
	d.rows = make([]*row, 0, len(lines))
	d.nameW = ansi.StringWidth(nameHead(len(lines)))
	var ranked [rankRest + 1][]*row
	all := make([]row, len(lines))
	for n, l := range lines {
		r := &all[n]
		*r = row{Line: l, c: l.Component, f: l.Figures, reading: d.reading}
		for i := range r.c.Pods {
			p := &r.c.Pods[i]
			if p.Failing {
				r.failing++
			}
		}
		r.stuck, r.since = r.c.StuckAt(now)
		r.rank = r.judge()
		d.alerts = d.alerts || len(r.alerts()) > 0
		if v := r.c.Running(); v.Tag != "" || v.Short != "" {
			r.tag = nonEmpty(v.Tag, v.Short)
		}
		d.nameW, d.tagW = max(d.nameW, ansi.StringWidth(r.c.ID)), max(d.tagW, ansi.StringWidth(r.tag))
		ranked[r.rank] = append(ranked[r.rank], r)
		d.byID[r.c.ID] = r
	}
	for _, rows := range ranked {
		d.rows = append(d.rows, rows...)
	}
}

func (r *row) judge() int {
	switch {
	case r.Errors.State == model.TriYes || r.P95.State == model.TriYes:
		return rankOver
	case r.fails():
		return rankFailing
	case r.Alert() != nil:
		return rankAlert
	case r.c.Missing != "" || r.unmeasured():
		return rankUnknown
	}
	return rankRest
}

// fails says whether its pods are what is wrong with it.
func (r *row) fails() bool { return r.failing > 0 || r.stuck != "" || !r.c.NoneReady.IsZero() }

// unmeasured says whether a figure is missing that should be there.
func (r *row) unmeasured() bool {
	if r.f == nil {
		return true
	}
	return !r.f.NotMeasured && (r.Errors.State == model.TriUnknown || r.P95.State == model.TriUnknown)
}

// over is the longest that a figure has been over its limit, and whether that is
// as long as the trigger asks.
func (r *row) over() (state model.Tri, d time.Duration, held bool) {
	for _, run := range []incident.Run{r.Errors, r.P95} {
		if run.State == model.TriYes {
			state, d, held = model.TriYes, max(d, run.For), held || run.Held
		}
	}
	if state == model.TriYes {
		return state, d, held
	}
	if r.f == nil || r.Errors.State == model.TriUnknown || r.P95.State == model.TriUnknown {
		return model.TriUnknown, 0, false
	}
	return model.TriNo, 0, false
}

// filtered are the rows whose name holds the words.
func (d *derived) filtered(filter string) []*row {
	filter = strings.ToLower(strings.TrimSpace(filter))
	if filter == "" {
		return d.rows
	}
	var out []*row
	for _, r := range d.rows {
		if strings.Contains(strings.ToLower(r.c.ID), filter) {
			out = append(out, r)
		}
	}
	return out
}

// indexOf returns the index of a component among rows; -1 when it is not there.
func indexOf(rows []*row, id string) int {
	for i, r := range rows {
		if r.c.ID == id {
			return i
		}
	}
	return -1
}
