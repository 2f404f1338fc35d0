package incident

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rollbook/model"
)

// Bounds of what is read to tell what failing pods say.
const (
	logComponents = 5 // at a time, those with a trigger first
	logPods       = 3 // of each version
)

// PodLogsWanted returns the logs that tell what the failing components say, as of now:
// of those with a trigger, of those whose new pods fail, and of those that were released
// and whose errors nobody can count. It is the engine's to read the same only once.
func PodLogsWanted(s *Snapshot) []model.PodLogs {
	i := &s.Incident
	if i.End != nil || !i.Closed.IsZero() || s.clusterLost() != "" {
		return nil
	}
	why := map[string][]string{}
	for _, t := range i.Triggers {
		if t.Under.IsZero() {
			why[t.Component] = append(why[t.Component], string(t.Kind))
		}
	}
	rank := func(c *model.Component) int {
		switch {
		case why[c.ID] != nil:
			return 0
		case anyFails(c):
			return 1
		case s.uncounted(c):
			return 2
		}
		return -1
	}
	var out []model.PodLogs
	for want := range 3 {
		for _, c := range s.Seen.Board {
			if len(out) == logComponents || rank(c) != want {
				continue
			}
			if w, fails := s.podLogs(c); len(w.New) > 0 && (want == 0 || fails || s.uncounted(c)) {
				w.Why = strings.Join(why[c.ID], " ")
				out = append(out, w)
			}
		}
	}
	return out
}

// uncounted reports whether a component was released shortly before, and its errors are
// not known although Prometheus was asked.
func (s *Snapshot) uncounted(c *model.Component) bool {
	f := s.Seen.Figures[c.ID]
	return f != nil && !f.At.IsZero() && !f.NotMeasured && !f.Errors.Now.Known && s.changed(c)
}

// anyFails reports whether any pod of a component fails: of a thousand healthy ones
// nothing else is looked at.
func anyFails(c *model.Component) bool {
	for n := range c.Pods {
		if c.Pods[n].Failing {
			return true
		}
	}
	return false
}

// podLogs names the logs of a component's pods, and reports whether one of the running
// version's fails. What was rolled back is read only while its own pods fail, and not
// compared: what it left is no measure of it.
func (s *Snapshot) podLogs(c *model.Component) (w model.PodLogs, fails bool) {
	if c.OwnerName == "" || c.PodsNo != "" {
		return w, false
	}
	w = model.PodLogs{Component: c.ID, Namespace: c.Workload.Namespace, Version: c.Running()}
	back := c.Returned || s.Incident.wroteTo(c.ID)
	old := ""
	for n := range c.Pods {
		p := &c.Pods[n]
		log := model.PodLog{Pod: p.Name, UID: p.UID, Container: p.Bad, Restarts: p.Restarts, Started: p.Started, Previous: p.Failing && p.Restarts > 0 && p.Exit != ""}
		if !p.Failing {
			log.Container = changedContainer(c, p)
		}
		switch mine := p.Owner == c.OwnerName; {
		case p.Leftover || p.Deleting || !p.Ready && !p.Failing && p.State != "Running":
		case p.Failing && p.Exit == "" && p.Restarts == 0 && p.State != "Running": // it has never run
			fails = fails || mine
		case mine:
			fails = fails || p.Failing
			if len(w.New) < logPods {
				w.New = append(w.New, log)
			}
		case !back && p.Owner != "" && len(w.Old) < logPods && (old == "" || old == p.Owner):
			old = p.Owner
			log.Previous = false
			w.Old = append(w.Old, log)
			w.Before = came(c, p)
		}
	}
	if back && !fails {
		w.New = nil
	}
	return w, fails
}

// came returns the version that a pod of an earlier one runs.
func came(c *model.Component, p *model.Pod) model.Version {
	for n := range c.Past {
		if c.Past[n].Owner == p.Owner {
			return c.Came(&c.Past[n])
		}
	}
	return model.Revision(p.Owner, p.Revision)
}

// changedContainer returns the container of a pod whose image is another than in the
// version before, else the one that the board names.
func changedContainer(c *model.Component, p *model.Pod) string {
	if len(c.Past) > 0 && len(c.Images) == len(p.Names) && len(c.Past[0].Images) == len(c.Images) {
		for n, image := range c.Images {
			if image != c.Past[0].Images[n] {
				return p.Names[n]
			}
		}
	}
	return p.Bad
}

// wroteTo reports whether an attempt set the version of a component, or may have.
func (i *Incident) wroteTo(component string) bool {
	for w := range i.writes() {
		if w.Plan.Component == component && w.Plan.Role == model.RoleRelease && !w.refused() && !w.Intent.IsZero() {
			return true
		}
	}
	return false
}

// PodLogsRead is what the pods of a failing component said.
type PodLogsRead struct{ Said model.Said }

func (do PodLogsRead) decide(d *decider) {
	i := d.inc()
	if i.End != nil || !i.Closed.IsZero() {
		return
	}
	if was := i.said(do.Said.Component, do.Said.Version); was == nil || tellsMore(was, &do.Said) {
		d.fact(PodsSaid{do.Said})
	}
}

// tellsMore reports whether what was read now is worth to be kept in the place of what
// was read before of the same version.
func tellsMore(was, now *model.Said) bool {
	switch {
	case len(now.Lines) == 0:
		return len(was.Lines) == 0 && was.Err != now.Err
	case now.OldRead == 0 && was.OldRead > 0 && len(was.Lines) > 0:
		return false // the pods that it was compared with have gone since
	}
	return !slices.EqualFunc(was.Lines, now.Lines, func(a, b model.SaidLine) bool {
		grown := b.Count >= 2*a.Count || a.Count >= 2*b.Count
		return a.Text == b.Text && a.Where == b.Where && a.New == b.New && !grown
	})
}

// PodsSaid is what the pods of a failing component said, in place of what was known of
// the same version.
type PodsSaid struct{ model.Said }

func (b PodsSaid) apply(i *Incident, f Fact) {
	i.Said = slices.Clone(i.Said)
	if was := i.said(b.Component, b.Version); was != nil {
		*was = b.Said
		return
	}
	i.Said = append(i.Said, b.Said)
}

// Only what was not said before is told.
func (b PodsSaid) entry(before *Incident) (EntryKind, string) {
	was := before.said(b.Component, b.Version)
	switch {
	case len(b.Lines) == 0:
		return EntryNone, ""
	case was != nil && len(was.Lines) > 0 && (was.Lines[0].Text == b.Lines[0].Text || was.Lines[0].Where != "" && was.Lines[0].Where == b.Lines[0].Where):
		return EntryNone, ""
	}
	return EntrySeen, "pods of " + b.Component + " say: " + SaidWords(&b.Said, &b.Lines[0])
}

// said returns what is known of a version, or nil.
func (i *Incident) said(component string, v model.Version) *model.Said {
	for n := range i.Said {
		if x := &i.Said[n]; x.Component == component && x.Version.Is(v) {
			return x
		}
	}
	return nil
}

// PodsSaidBy returns what the pods of a component said while it failed, a version each,
// in the order in which they were read first; those of which nothing was read with the reason.
func (i *Incident) PodsSaidBy(component string) []model.Said {
	var out []model.Said
	for _, x := range i.Said {
		if x.Component == component {
			out = append(out, x)
		}
	}
	return out
}

// NewLogLine returns the line that tells best why a component failed: the first one that
// is new, else the first of the version that was read first. The Said that it is of comes
// with it; false = nothing is known.
func (i *Incident) NewLogLine(component string) (model.Said, model.SaidLine, bool) {
	var of model.Said
	var line model.SaidLine
	found := false
	for _, x := range i.PodsSaidBy(component) {
		if len(x.Lines) > 0 && (!found || x.Lines[0].New && !line.New) {
			of, line, found = x, x.Lines[0], true
		}
	}
	return of, line, found
}

// SaidNow returns what the pods of a component's running version say, or, where nothing
// is known of it, said what NewLogLine tells of; nil when nothing was read.
func (i *Incident) SaidNow(c *model.Component) *model.Said {
	now := i.said(c.ID, c.Running())
	if now == nil || len(now.Lines) == 0 {
		if of, _, ok := i.NewLogLine(c.ID); ok {
			return &of
		}
	}
	return now
}

// SaidWords returns "KeyError: 'PAYMENT_URL'  (settings.py:27)  ×6, new since 1.42.0".
func SaidWords(of *model.Said, l *model.SaidLine) string {
	return SaidText(l) + "  " + SaidNote(of, l)
}

// SaidText returns a line with the place in the code.
func SaidText(l *model.SaidLine) string {
	if l.Where == "" || strings.Contains(l.Text, l.Where) {
		return l.Text
	}
	return l.Text + "  (" + l.Where + ")"
}

// SaidNote returns how often a line was said, and by whom: "×6, new since 1.42.0". It
// is new only where the pods of the version before were read and do not say it.
func SaidNote(of *model.Said, l *model.SaidLine) string {
	note := "in the log of " + of.Version.Name()
	switch {
	case l.New:
		note = "new since " + of.Version.Name()
	case of.OldRead > 0:
		note = "also in the log of " + of.Before.Name()
	}
	if l.Count > 1 {
		note = "×" + strconv.Itoa(l.Count) + ", " + note
	}
	return note
}

// SaidBasis says what the lines of a reading were found in: "200 lines of 1 pod of
// 1.42.0, compared with 600 lines of 3 pods of 1.41.0".
func SaidBasis(of *model.Said) string {
	lines := func(lines, pods int, v model.Version) string {
		return fmt.Sprintf("%s of %s of %s", model.Plural(lines, "line"), model.Plural(pods, "pod"), v.Name())
	}
	text := lines(of.Read, of.Pods, of.Version)
	switch {
	case of.OldRead > 0:
		return text + ", compared with " + lines(of.OldRead, of.OldPods, of.Before)
	case of.OldPods > 0:
		return text + "; " + model.Plural(of.OldPods, "pod") + " of " + of.Before.Name() + " said nothing to compare with"
	}
	return text + "; no pod of an earlier version is left to compare with"
}

// SaidNothing tells of pods whose logs were read and hold no error and no warning; pods
// that logged nothing at all are told from those.
func SaidNothing(of *model.Said) string {
	if of.Read == 0 && of.Pods > 0 {
		return model.Plural(of.Pods, "pod") + " of " + of.Version.Name() + " logged nothing at all"
	}
	return "no error and no warning in " + SaidBasis(of)
}
