package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// summary tells in sentences for everybody what failed and since when, what it cost,
// what was done about it by whom, and how it ended; each from a fact.
func (b *builder) summary(d Data) (out []Text) {
	say := func(format string, args ...any) { out = append(out, Text(fmt.Sprintf(format, args...))) }
	for _, s := range b.failures() {
		say("%s", s)
	}
	for _, s := range b.reported() {
		say("%s", s)
	}
	if len(out) == 0 {
		say("No limit was seen to be broken.")
	}
	if s := b.served(); s != "" {
		say("%s", s)
	}
	if s := b.lost(d.Impact); s != "" {
		say("%s", s)
	}
	for n := range b.i.Attempts {
		if b.inRecovery(&b.i.Attempts[n]) {
			continue
		}
		for _, s := range b.attempted(&b.i.Attempts[n]) {
			say("%s", s)
		}
	}
	for _, s := range b.recovered() {
		say("%s", s)
	}
	for _, s := range b.ended(d) {
		say("%s", s)
	}
	return out
}

// day says a time of day with its date where it is said first.
func (b *builder) day(at time.Time) string {
	if !b.dated {
		b.dated = true
		return at.UTC().Format("15:04 UTC on 2 January 2006")
	}
	return Moment{at}.Minute()
}

// failures tells of each component that had a trigger: the release that came before,
// and what was seen since when.
func (b *builder) failures() (out []string) {
	var order []string
	by := map[string][]incident.Trigger{}
	each(b.facts, func(_ incident.Fact, r incident.Rose) {
		t := r.Trigger
		if by[t.Component] == nil {
			order = append(order, t.Component)
		}
		by[t.Component] = append(by[t.Component], t)
	})
	told := map[string]bool{}
	for _, c := range order {
		told[c] = true
		out = append(out, b.failure(c, by[c]))
	}
	for _, a := range b.i.Attempts { // what was rolled back without a limit that was broken
		for _, w := range a.Writes {
			if s := b.suspect(w.Plan.Component); s != nil && !told[w.Plan.Component] && w.Plan.Role == model.RoleRelease {
				told[w.Plan.Component] = true
				out = append(out, fmt.Sprintf("%s went out at %s.", nameRelease(s), b.day(s.At)))
			}
		}
	}
	if len(order) > 0 && !slices.ContainsFunc(b.i.Suspects, func(s incident.Suspect) bool { return !s.Later() }) {
		out = append(out, "Nothing is known to have been released in the hour before.")
	}
	return out
}

// suspect is the release of a component that came last before its first bad sample; nil =
// none.
func (b *builder) suspect(component string) *incident.Suspect {
	onset := b.i.Onset
	each(b.facts, func(_ incident.Fact, r incident.Rose) {
		if t := r.Trigger; t.Component == component && (onset.Equal(b.i.Onset) || t.Onset.Before(onset)) {
			onset = t.Onset
		}
	})
	var out *incident.Suspect
	for n := range b.i.Suspects {
		s := &b.i.Suspects[n]
		// The cluster tells whole seconds.
		if s.Component == component && (onset.IsZero() || s.At.Before(onset.Add(time.Second))) && (out == nil || s.At.After(out.At)) {
			out = s
		}
	}
	return out
}

// nameRelease names a release for everybody, with who made it and what for.
func nameRelease(s *incident.Suspect) string {
	by := s.By
	if s.ChangeCause != "" {
		by = strings.TrimPrefix(by+": “"+s.ChangeCause+"”", ": ")
	}
	if by != "" {
		by = " (" + by + ")"
	}
	name := "Release " + s.Version.Tag
	if s.Version.Tag == "" {
		label := s.Version.String()
		name = strings.ToUpper(label[:1]) + label[1:]
	}
	return name + " of " + s.Component + by
}

// failure is one component's sentence.
func (b *builder) failure(component string, triggers []incident.Trigger) string {
	worst := map[incident.TriggerKind]*incident.Trigger{}
	for n := range triggers {
		if t := &triggers[n]; worst[t.Kind] == nil {
			worst[t.Kind] = t
		}
	}
	s := b.suspect(component)
	var ill incident.Illness
	if s != nil {
		ill = b.i.Known[component+"/"+s.Version.Key].Ill
	}
	no, errors, p95, stuck := worst[incident.TNoPod], worst[incident.TErrors], worst[incident.TP95], worst[incident.TStuck]
	var what string
	var at time.Time
	switch {
	case ill == incident.IllCrash:
		what, at = "crash-looped from %s", triggers[0].Onset
	case ill == incident.IllImage:
		what, at = "did not start from %s: its image could not be pulled", triggers[0].Onset
	case ill == incident.IllReady && stuck != nil:
		what, at = "did not get ready from %s", stuck.Onset
	}
	var also string
	switch {
	case no != nil:
		also = component + " had no available pod from %s"
		at = either(at, no.Onset)
	case errors != nil:
		also = "from %s up to " + share(b.peak(component, errors)) + " of the requests to " + component + " failed"
		at = either(at, errors.Onset)
	case p95 != nil:
		also = "from %s " + component + " answered slowly, 5%% of the requests in " + model.Seconds(b.peak(component, p95)) + " or more"
		at = either(at, p95.Onset)
	case what == "" && stuck != nil:
		also = "the rollout of " + component + " was stuck from %s"
		at = stuck.Onset
	case what == "":
		also = "from %s " + component + " was using up its error budget"
		at = triggers[0].Onset
	}
	also = strings.ReplaceAll(also, "%%", "%")
	when := ""
	at1 := func(format string) string { return strings.Replace(format, "%s", when, 1) }
	switch {
	case what != "" && also != "":
		when = b.day(at)
		return nameRelease(s) + " " + at1(what) + ", and " + strings.Replace(also, "from %s", "from then on", 1) + "."
	case what != "":
		when = b.day(at)
		return nameRelease(s) + " " + at1(what) + "."
	case s != nil:
		went := nameRelease(s) + " went out at " + b.day(s.At) + "; "
		when = Moment{at}.Minute()
		if when == (Moment{s.At}).Minute() {
			also = strings.Replace(also, "from %s", "from then on", 1)
		}
		return went + at1(also) + "."
	}
	when = b.day(at)
	also = at1(also)
	return strings.ToUpper(also[:1]) + also[1:] + "."
}

func either(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}

// share prints a ratio for people: without a fraction from ten percent on.
func share(v float64) string {
	if v >= 0.1 {
		v = math.Round(v*100) / 100
	}
	return model.Percent(v)
}

// peak is the worst that was measured of a trigger's figure, from its onset to the first
// write, which may have made it worse itself.
func (b *builder) peak(component string, t *incident.Trigger) float64 {
	most := t.Value
	until := b.i.Recovered
	if len(b.i.Attempts) > 0 {
		until = b.i.Attempts[0].Confirmed
	}
	each(b.facts, func(f incident.Fact, s incident.Sampled) {
		if f.At.Before(t.Onset) || !until.IsZero() && f.At.After(until) {
			return
		}
		for _, o := range s.Components {
			v := o.Errors
			if t.Kind == incident.TP95 {
				v = o.P95
			}
			if o.Component == component && v != nil {
				most = max(most, *v)
			}
		}
	})
	return most
}

// reported are the operators' own words about what failed.
func (b *builder) reported() (out []string) {
	words := map[incident.Question]string{incident.QErrors: "requests failed", incident.QP95: "answers were slow", incident.QCritical: "a critical feature was broken",
		incident.QSLO: "the error budget was at risk", incident.QDataLoss: "data was lost", incident.QSecurity: "a security hole was exploited"}
	each(b.facts, func(f incident.Fact, s incident.Said) {
		if s.Answer.Answer != model.TriYes || words[s.Question] == "" {
			return
		}
		text := fmt.Sprintf("Reported at %s by %s: %s", b.day(s.Answer.At), s.Answer.By, words[s.Question])
		if s.Answer.Reason != "" {
			text += " (“" + s.Answer.Reason + "”)"
		}
		if text += "."; !slices.Contains(out, text) {
			out = append(out, text)
		}
	})
	return out
}

// served says that pods of the version before went on serving while the new ones
// failed; "" where that is not known of each sample before the first write.
func (b *builder) served() string {
	first := time.Time{}
	for _, a := range b.i.Attempts {
		if first.IsZero() {
			first = a.Confirmed
		}
	}
	var components []string
	each(b.facts, func(_ incident.Fact, r incident.Rose) {
		c := r.Trigger.Component
		s := b.suspect(c)
		if r.Trigger.Kind == incident.TStuck && s != nil && b.i.Known[c+"/"+s.Version.Key].Ill != "" && !slices.Contains(components, c) {
			components = append(components, c)
		}
	})
	seen := map[string]bool{}
	down := false
	each(b.facts, func(f incident.Fact, s incident.Sampled) {
		for _, o := range s.Components {
			if slices.Contains(components, o.Component) && (first.IsZero() || !f.At.After(first)) {
				seen[o.Component] = true
				down = down || o.Ready < o.Desired || o.Ready == 0
			}
		}
	})
	if down || len(components) == 0 || len(seen) < len(components) {
		return ""
	}
	return "The old pods kept serving."
}

// rose reports whether a limit was seen to be broken.
func (b *builder) rose() (yes bool) {
	each(b.facts, func(incident.Fact, incident.Rose) { yes = true })
	return yes
}

// lost says how many requests failed.
func (b *builder) lost(i Impact) string {
	until := ""
	if i.Known && (b.i.Recovered.IsZero() || i.To.Before(b.i.Recovered.Add(-time.Minute))) {
		until = " until " + i.To.Minute()
	}
	f, r := i.All.Failed.Value, i.All.Requests.Value
	none, least := math.Round(f.Value) <= 0, ""
	if f.AtLeast {
		least = "at least "
	}
	switch {
	case !i.Known || !f.Known:
		return "How many requests failed is not known."
	case none && !b.rose(): // since when it failed is not known
		return "How many requests failed before " + i.From.Minute() + " is not known."
	case none && (f.AtLeast || i.All.NoData.Value.Value >= 0.5 || !i.All.NoData.Value.Known):
		return "As far as there are figures, no request failed" + until + "."
	case none:
		return "No request failed" + until + "."
	case r.Known && r.Value > 0 && !f.AtLeast && !r.AtLeast:
		return fmt.Sprintf("%s of %s requests failed%s (%s).", number(f.Value), number(r.Value), until, share(f.Value/r.Value))
	}
	text := least + number(f.Value) + " requests failed" + until + "."
	return strings.ToUpper(text[:1]) + text[1:]
}
