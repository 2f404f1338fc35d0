package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// Draft is a message of a kind for a channel, from what is known: what is not
// known is not said. What the public may read names what its readers know, a chat what
// colleagues do, a project gets the follow-up.
func Draft(s *Snapshot, c model.Channel, kind model.MessageKind) model.Message {
	m := model.Message{Kind: kind, Channel: c.ID, Incident: s.Incident.ID}
	if c.Kind == model.ChannelGitLab {
		m.Title, m.Text = "Follow-up of "+s.Incident.ID+": "+strings.Join(affected(s), ", "), followUp(s)
		return m
	}
	public := c.Kind.Public()
	where := s.namesOf(affected(s), public)
	switch kind {
	case model.MessageStarted:
		m.Title, m.Text = symptom(&s.Incident)+" on "+where, paragraphs(started(s, public))
	case model.MessageUpdated:
		m.Title, m.Status = "Working on "+where, model.StatusIdentified
		if back := rolledOut(s); len(back) > 0 {
			m.Title = "Rolled back: " + s.namesOf(back, public)
			if len(overNow(s, s.Incident.Covered(), false)) == 0 && !s.madeWorse() {
				m.Title = "Rolled back, watching: " + s.namesOf(back, public)
				m.Status = model.StatusMonitoring
			}
		}
		if stopped := s.allStops(); len(stopped) > 0 {
			m.Title, m.Status = "Stopped for repair: "+s.namesOf(namesOfStops(stopped), public), model.StatusIdentified
		}
		m.Text = paragraphs(updated(s, public))
	case model.MessageResolved:
		if Unresolved(s) != "" {
			return m
		}
		m.Title, m.Text = "Resolved: "+where, paragraphs(resolved(s, public))
	}
	if !public {
		m.Title = "[" + s.Incident.Settings.Namespace + "] " + m.Title
	}
	if s.Incident.IsDrill() {
		m.Title = "DRILL: " + m.Title
		m.Text = paragraphs([]string{"This is a drill: nothing of it is a real incident.", m.Text})
	}
	return m
}

// rolledOut returns the components that were rolled back, once all of them are.
func rolledOut(s *Snapshot) (out []string) {
	if s.Incident.RolledOut.IsZero() {
		return nil
	}
	for _, st := range s.Incident.Standing() {
		if w := st.Write; w.Plan.Role == model.RoleRelease && w.State == Done {
			out = append(out, w.Plan.Component)
		}
	}
	return out
}

// namesOf names components in a message. The public reads the names that are configured
// for it, and no others.
func (s *Snapshot) namesOf(ids []string, public bool) string {
	if !public {
		return strings.Join(ids, ", ")
	}
	var names []string
	for _, id := range ids {
		if n := s.nameOf(id, true); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return strings.Join(names, ", ")
}

func (s *Snapshot) nameOf(id string, public bool) string {
	if !public {
		return id
	}
	if t := s.Incident.Settings.Target(id); t != nil && t.Public != "" {
		return t.Public
	}
	return "a service"
}

// upperFirst begins a sentence with a name.
func upperFirst(s string) string {
	if strings.HasPrefix(s, "a service") {
		return "A" + s[1:]
	}
	return s
}

func paragraphs(sentences []string) string { return strings.Join(sentences, "\n") }

// affected are the components that the incident is about, else the namespace.
func affected(s *Snapshot) []string {
	if ids := s.Incident.Concerned(); len(ids) > 0 {
		return ids
	}
	return []string{s.Incident.Settings.Namespace}
}

// symptom is the worst of the triggers, in words for everybody.
func symptom(i *Incident) string {
	words := "Problem"
	for _, t := range i.Triggers {
		switch t.Kind {
		case TNoPod:
			return "Service unavailable"
		case TErrors:
			words = "Elevated error rate"
		case TP95:
			if words == "Problem" {
				words = "Slow responses"
			}
		}
	}
	return words
}

func started(s *Snapshot, public bool) []string {
	i := &s.Incident
	out := []string{"We are looking into it."}
	if !i.Onset.IsZero() {
		out = []string{fmt.Sprintf("%s since %s. We are looking into it.", symptom(i), clockTime(i.Onset))}
	}
	if public {
		return out
	}
	for _, t := range i.Triggers {
		out = append(out, "- "+t.Text)
	}
	for _, said := range saidSentences(i) {
		out = append(out, said+".")
	}
	if len(i.Attempts) == 0 {
		for _, x := range s.Suspects() {
			if !x.Later() {
				out = append(out, fmt.Sprintf("Changed before it: %s of %s, at %s.", x.Version, x.Component, clockTime(x.At)))
			}
		}
	}
	return append(out, fmt.Sprintf("On it: %s (%s).", i.Operator, i.ID))
}

func updated(s *Snapshot, public bool) []string {
	i := &s.Incident
	var out []string
	for _, st := range i.Standing() {
		w := st.Write
		if w.Plan.Role != model.RoleRelease || public && w.State != Rolling && w.State != Done {
			continue
		}
		switch w.State {
		case Rolling:
			out = append(out, s.rolledBack(w, public)+"; it is rolling out.")
		case Done:
			how := "rolled out at " + clockTime(w.RolledOut)
			switch stopped := s.StopOf(w.Plan.Component) != nil; {
			case stopped && w.Asleep:
				how = "it does not run yet"
			case !stopped && s.NoneRuns(w.Plan.Component):
				how = "it does not run: it is scaled to 0"
			}
			out = append(out, s.rolledBack(w, public)+"; "+how+".")
		case Reverted:
			out = append(out, fmt.Sprintf("%s was rolled back, and changed again by somebody else.", w.Plan.Component))
		case Refused, Failed:
			out = append(out, fmt.Sprintf("%s is not rolled back: %s.", w.Plan.Component, w.Err))
		}
	}
	stops := s.stops(public)
	out = append(out, stops...)
	switch over := overNow(s, i.Covered(), false); {
	case len(stops) > 0:
	case s.madeWorse():
		text := "It is worse than before since then; we are working on it."
		if !public {
			text = "It is worse than before: " + s.Afterwards().Text + "."
		}
		out = append(out, text)
	case len(over) > 0 && (!i.RolledOut.IsZero() || i.End != nil):
		text := "The problem goes on; we are working on it."
		if !public {
			text = "Still over its limit: " + briefs(over) + "."
		}
		out = append(out, text)
	case !i.Verified.IsZero():
		out = append(out, "It is stable since "+clockTime(i.Recovered)+".")
	case !i.RolledOut.IsZero() || i.End != nil:
		out = append(out, "We are watching whether it stays well.")
	case len(out) == 0 && !public && len(i.Choices) > 0:
		for _, c := range i.Choices {
			if !c.To.IsZero() {
				out = append(out, fmt.Sprintf("%s is to go back to %s.", c.Component, c.To))
			}
		}
	}
	if len(out) == 0 {
		out = append(out, "We are working on it.")
	}
	if !public {
		out = append(out, fmt.Sprintf("On it: %s (%s).", i.Operator, i.ID))
	}
	return out
}

func (s *Snapshot) rolledBack(w *Write, public bool) string {
	if public {
		return fmt.Sprintf("%s was rolled back at %s", upperFirst(s.nameOf(w.Plan.Component, true)), clockTime(w.Receipt.At))
	}
	return fmt.Sprintf("%s was rolled back from %s to %s at %s", w.Plan.Component, w.Plan.From.Full(), w.Plan.To.Full(), clockTime(w.Receipt.At))
}

func resolved(s *Snapshot, public bool) []string {
	i := &s.Incident
	var out []string
	for _, st := range i.Standing() {
		if w := st.Write; w.InPlace() {
			text := s.rolledBack(w, public) + "."
			if !public || !slices.Contains(out, text) { // two may bear one name
				out = append(out, text)
			}
		}
	}
	if i.End != nil && i.End.Outcome != RolledBack {
		how := "It ended without a rollback: "
		if len(out) > 0 {
			how = "It did not end by that: " // it did not help, and something else did
		}
		out = append(out, how+string(i.End.Outcome)+".")
	}
	if !i.Verified.IsZero() {
		name := i.Settings.Namespace
		if public {
			name = "It"
		}
		out = append(out, fmt.Sprintf("%s is stable since %s.", name, clockTime(i.Recovered)))
	}
	for _, id := range i.Covered() {
		if f := s.FiguresOf(id); f != nil && !i.Verified.IsZero() {
			r := f.HoldErrors
			if !r.Known {
				r = f.Errors.Now
			}
			if r.Known {
				out = append(out, fmt.Sprintf("Error rate of %s: %s.", s.nameOf(id, public), model.Percent(r.Value)))
			}
		}
	}
	if allHealthy(s) {
		out = append(out, "All services are healthy.")
	}
	if total, blind := Downtime(s); total >= time.Minute {
		text := "Downtime: " + model.Short(total)
		if public {
			text = "It lasted " + minutesOf(total)
		} else if blind >= time.Minute {
			text += " (" + model.Short(blind) + " of it without data)"
		}
		out = append(out, text+".")
	}
	for _, m := range i.Messages {
		if c := i.Settings.Channel(m.Message.Channel); !public && c != nil && c.Kind == model.ChannelGitLab && m.Delivery.URL != "" {
			out = append(out, "Follow-up: "+m.Delivery.URL)
		}
	}
	if !public {
		out = append(out, i.ID)
	}
	return out
}

// minutesOf rounds a time of a minute and more to what the public reads.
func minutesOf(d time.Duration) string {
	switch n := int(d.Round(time.Minute).Minutes()); {
	case n == 1:
		return "about a minute"
	case n < 90:
		return fmt.Sprintf("about %d minutes", n)
	default:
		return fmt.Sprintf("about %d hours", int(d.Round(time.Hour).Hours()))
	}
}

// allHealthy says whether every component of the board is known to be well.
func allHealthy(s *Snapshot) bool {
	if s.clusterLost() != "" || len(s.Seen.Board) == 0 {
		return false
	}
	for _, c := range s.Seen.Board {
		if c.Missing != "" || c.Ready < c.Desired {
			return false
		}
	}
	return len(findings(s)) == 0
}

// followUp is what a person has to do after it.
func followUp(s *Snapshot) string {
	i := &s.Incident
	out := []string{fmt.Sprintf("%s on %s in %s.", symptom(i), strings.Join(affected(s), ", "), i.Settings.Namespace), ""}
	if !i.Onset.IsZero() {
		out[0] = fmt.Sprintf("%s on %s in %s since %s.", symptom(i), strings.Join(affected(s), ", "),
			i.Settings.Namespace, i.Onset.UTC().Format("2006-01-02 15:04 UTC"))
	}
	out = append(out, resolved(s, false)...)
	for _, said := range saidSentences(i) {
		out = append(out, said+".")
	}
	out = append(out, "", "To do:")
	items := i.Items
	if items == nil {
		items = checklist()
	}
	for _, it := range items {
		switch {
		case !it.Action:
		case it.State == ItemToDo:
			out = append(out, "- "+it.Text+": "+it.Task.Words())
		case it.State == ItemOpen:
			out = append(out, "- "+it.Text)
		}
	}
	return strings.Join(out, "\n")
}
