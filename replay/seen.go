package replay

import (
	"fmt"
	"strings"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// replayTrend is how far back the samples are shown as a trend.
const replayTrend = 30 * time.Minute

// seen rebuilds what was observed, as far as the facts told so far hold it. What
// they do not is unknown, with that as the reason.
func (r *Reader) seen(i *incident.Incident) incident.Seen {
	now := r.now()
	seen := incident.Seen{
		Cluster:  model.Connection{To: i.Settings.Server, Heard: now},
		Metrics:  model.Connection{Heard: now},
		Identity: model.Identity{Cluster: i.Cluster},
		Journal:  r.path, OnCallOff: "who was on call is " + NotKept,
		Figures: map[string]*model.Figures{},
	}
	for _, f := range r.facts[:r.at] {
		if o, ok := f.Body.(incident.Opened); ok {
			seen.Identity.User = o.User
		}
	}
	lines := r.lines(i)
	r.noticed(lines)
	seen.Progress = r.sampled(i, lines, seen.Figures)
	for _, s := range i.Standing() {
		if _, sampled := seen.Progress[s.WriteID]; !sampled {
			if seen.Progress == nil {
				seen.Progress = map[incident.WriteID]model.Progress{}
			}
			seen.Progress[s.WriteID] = model.Progress{Text: "no sample of it since the write"}
		}
	}
	for _, id := range lines.order {
		seen.Board = append(seen.Board, lines.byID[id])
	}
	r.kept(i, &seen)
	return seen
}

// lines are the board's, in the order in which the incident came to know them.
type lines struct {
	order []string
	byID  map[string]*model.Component
}

func (l *lines) add(i *incident.Incident, id string) *model.Component {
	if c := l.byID[id]; c != nil || id == "" {
		return c
	}
	c := &model.Component{ID: id, Workload: model.Workload{Kind: model.Deployment, Namespace: i.Settings.Namespace, Name: id},
		Missing: "no sample yet"}
	if t := i.Settings.Target(id); t != nil && t.Workload.Name != "" {
		c.Workload = t.Workload
	}
	l.order, l.byID[id] = append(l.order, id), c
	return c
}

func (r *Reader) lines(i *incident.Incident) *lines {
	l := &lines{byID: map[string]*model.Component{}}
	for _, t := range i.Triggers {
		l.add(i, t.Component)
	}
	for _, c := range i.Choices {
		l.add(i, c.Component)
	}
	for _, s := range i.Standing() {
		if c := l.add(i, s.Write.Plan.Component); c != nil && s.Write.Plan.Workload.Name != "" {
			c.Workload = s.Write.Plan.Workload
		}
	}
	for _, p := range i.Procedures {
		for _, s := range p.Steps {
			l.add(i, s.Slot.Component)
		}
	}
	for _, n := range r.samples {
		if n >= r.at {
			break
		}
		for _, c := range r.facts[n].Body.(incident.Sampled).Components {
			l.add(i, c.Component)
		}
	}
	return l
}

// noticed puts what was noticed of each component on its line: reasons of pods,
// the image, owners.
func (r *Reader) noticed(l *lines) {
	revisions := map[string]bool{}
	pods := map[string][]string{}
	for _, n := range r.notes {
		if n >= r.at {
			break
		}
		b := r.facts[n].Body.(incident.Noticed)
		c := l.byID[b.Component]
		if c == nil {
			continue
		}
		switch b.What {
		case "revision":
			var rev int64
			if _, err := fmt.Sscanf(b.Text, "revision %d", &rev); err != nil {
				continue
			}
			c.Revision, c.Images, c.RevisionStart = rev, strings.Fields(b.Text)[2:], time.Time{}
			if revisions[b.Component] {
				c.RevisionStart = r.facts[n].At // it became another one then
			}
			revisions[b.Component] = true
		case "owners":
			c.Hints = append(c.Hints, b.Text)
		default:
			pods[b.Component] = append(pods[b.Component], r.facts[n].At.UTC().Format("15:04:05 ")+b.Text)
		}
	}
	for id, c := range l.byID {
		c.PodsNo = "single pods are " + NotKept
		if all := pods[id]; len(all) > 0 {
			text := "; noticed: " + strings.Join(all[max(0, len(all)-2):], ", ")
			c.PodsNo += text
			c.Missing += text // which stands until a sample comes
		}
	}
}

// sampled puts the newest sample of each component on its line, and the ones
// before it into its figures. It returns how far each write had come then.
func (r *Reader) sampled(i *incident.Incident, l *lines, figures map[string]*model.Figures) (progress map[incident.WriteID]model.Progress) {
	reading := func(v *float64, at time.Time) model.Reading {
		if v == nil {
			return model.Unknown("", "it was not known then")
		}
		return model.Reading{Known: true, Value: *v, At: at}
	}
	none := model.Reading{Why: NotKept}
	for _, id := range l.order {
		f := &model.Figures{Up: none, Targets: none, Requests: none, HoldErrors: none, HoldP95: none, HoldRequests: none}
		f.Errors.Now.Why, f.P95.Now.Why = "no sample yet", "no sample yet"
		if t := i.Settings.Target(id); t != nil {
			f.NotMeasured = t.NotMeasured
		}
		f.Errors.Step, f.P95.Step = 15*time.Second, 15*time.Second
		for _, a := range i.Alerts {
			if a.Component == id && a.Over.IsZero() {
				f.Alerts = append(f.Alerts, model.Alert{Name: a.Name, Severity: a.Severity, Since: a.Since})
			}
		}
		figures[id] = f
	}
	for _, n := range r.samples {
		if n >= r.at {
			break
		}
		at := r.facts[n].At
		sample := r.facts[n].Body.(incident.Sampled)
		progress = map[incident.WriteID]model.Progress{}
		for _, p := range sample.Progress {
			progress[p.WriteID] = p.Progress
		}
		for _, o := range sample.Components {
			c, f := l.byID[o.Component], figures[o.Component]
			if c == nil {
				continue
			}
			onLine(c, o, at)
			if r.now().Sub(at) > replayTrend {
				continue
			}
			for _, x := range []struct {
				f *model.Figure
				v *float64
			}{{&f.Errors, o.Errors}, {&f.P95, o.P95}} {
				x.f.Now = reading(x.v, at)
				x.f.Samples = sampledOf(x.f.Samples, x.v, at)
			}
			f.Requests, f.Up, f.Targets = reading(o.Requests, at), reading(o.Up, at), reading(o.Targets, at)
			f.HoldErrors, f.HoldP95 = reading(o.HoldErrors, at), reading(o.HoldP95, at)
			f.Old.Errors, f.Old.P95 = reading(o.OldErrors, at), reading(o.OldP95, at)
			f.New.Errors, f.New.P95 = reading(o.NewErrors, at), reading(o.NewP95, at)
			f.NewErrors, f.NewP95 = sampledOf(f.NewErrors, o.NewErrors, at), sampledOf(f.NewP95, o.NewP95, at)
		}
	}
	return progress
}

// sampledOf adds a value that was known.
func sampledOf(all []model.Sample, v *float64, at time.Time) []model.Sample {
	if v == nil {
		return all
	}
	return append(all, model.Sample{At: at, V: *v})
}

// onLine shows one sample.
func onLine(c *model.Component, o incident.SampleOf, at time.Time) {
	c.Missing = ""
	if o.Revision != 0 {
		c.Revision = o.Revision
	}
	c.Ready, c.Desired = o.Ready, o.Desired
	c.Replicas, c.Updated, c.Available = o.Replicas, o.Updated, o.Available
	switch {
	case c.Ready > 0 || c.Desired == 0:
		c.NoneReady = time.Time{}
	case c.NoneReady.IsZero():
		c.NoneReady = at
	}
}

// unread is the history of a choice of which no version is kept by then: it was being
// read, or it is that of a journal that keeps none.
func (r *Reader) unread(c incident.Choice) *model.History {
	h := &model.History{Component: c.Component, Method: c.Method}
	for _, n := range r.histories {
		b := r.facts[n].Body.(incident.HistoryRead)
		if n >= r.at && b.Slot() == c.Slot && b.Method == c.Method {
			return h
		}
	}
	h.Err = "the history is " + NotKept + "; it holds what was chosen"
	return h
}

// kept fills what pages wait for live: the preflight as it was confirmed, and why
// the rest is not there.
func (r *Reader) kept(i *incident.Incident, seen *incident.Seen) {
	seen.History, seen.Preflight = map[model.Slot]*model.History{}, map[model.Slot]*model.Preflight{}
	seen.Probes, seen.Own = map[string][]model.ProbeSeen{}, map[string][]model.OwnSeen{}
	seen.Selected, seen.Tails = map[string]model.SelectedSeen{}, map[string]model.TailSeen{}
	for n := range i.Histories {
		seen.History[i.Histories[n].Slot()] = &i.Histories[n].History
	}
	for _, c := range i.Choices {
		if h := seen.History[c.Slot]; h == nil || h.Method != c.Method {
			seen.History[c.Slot] = r.unread(c)
		}
	}
	for _, t := range i.Settings.Components {
		for _, h := range t.Health {
			seen.Probes[t.ID] = append(seen.Probes[t.ID], model.ProbeSeen{URL: h.URL, Text: NotKept})
		}
		for _, q := range t.Promql {
			seen.Own[t.ID] = append(seen.Own[t.ID], model.OwnSeen{Name: q.Name, Reading: model.Reading{Why: NotKept}})
		}
		seen.Selected[t.ID], seen.Tails[t.ID] = model.SelectedSeen{Err: NotKept}, model.TailSeen{Err: NotKept}
	}
	if i.Step != incident.Confirm {
		return
	}
	for _, f := range r.facts[r.at-1:] {
		switch b := f.Body.(type) {
		case incident.Moved:
			if b.To < incident.Confirm {
				return // it was left without a confirmation
			}
		case incident.Confirmed:
			for _, plan := range b.Plans {
				slot := plan.Slot()
				p := seen.Preflight[slot]
				if p == nil {
					p = &model.Preflight{Slot: slot, To: plan.To.Key, Done: true}
					for _, k := range b.Checks {
						if k.Component == slot.Component && k.Role == slot.Role {
							p.Checks = append(p.Checks, k)
						}
					}
					seen.Preflight[slot] = p
				}
				p.Plans = append(p.Plans, plan)
			}
			return
		}
	}
}
