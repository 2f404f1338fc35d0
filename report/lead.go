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
	if x := b.drill(); x != nil {
		say("%s", x.Text)
	}
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
		if b.inRecovery(&b.i.Attempts[n]) || b.i.Attempts[n].OfDrill() {
			continue
		}
		for _, s := range b.attempted(&b.i.Attempts[n]) {
			say("%s", s)
		}
	}
	for _, x := range b.i.Shells {
		say("At %s %s opened psql on the database of %s; what was done there is not known to rollbook.", b.day(x.At), x.By, x.Component)
	}
	for _, s := range b.recovered() {
		say("%s", s)
	}
	for _, s := range b.owners() {
		say("%s", s)
	}
	for _, s := range b.ended(d) {
		say("%s", s)
	}
	return out
}

// day says a time of day; with its date and the zone where the first is said, and with
// its date again where it is another one.
func (b *builder) day(at time.Time) string {
	at = at.UTC()
	was := b.dated
	b.dated = at
	switch {
	case was.IsZero():
		return at.Format("15:04 UTC on 2 January 2006")
	case was.Format(time.DateOnly) != at.Format(time.DateOnly):
		return at.Format("15:04 on 2 January")
	}
	return at.Format("15:04")
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
	for _, c := range order {
		out = append(out, b.followed(c, by[c])...)
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

// ills say what was seen of the pods of a release, behind when it went out.
var ills = map[incident.Illness]string{incident.IllCrash: " and crash-looped", incident.IllImage: " and did not start: its image could not be pulled",
	incident.IllReady: ", and its pods did not become ready"}

// failure is one component's sentence: what was released before, and what failed since
// when.
func (b *builder) failure(component string, triggers []incident.Trigger) string {
	s := b.suspect(component)
	out, ill := "", ""
	if s != nil {
		ill = ills[b.i.Known[component+"/"+s.Version.Key].Ill]
		out = nameRelease(s) + " went out at " + b.day(s.At) + ill
	}
	what, at := b.symptom(component, triggers, ill != "")
	switch {
	case what == "":
	case s == nil:
		out = "From " + b.day(at) + " " + what
	case at.Truncate(time.Minute).Equal(s.At.Truncate(time.Minute)):
		out += "; from then on " + what
	default:
		out += "; from " + b.day(at) + " " + what
	}
	return out + "."
}

// symptom says what users felt of a component's triggers, and since when; of a rollout
// that is stuck only where nothing more is known of its pods, which ill says.
func (b *builder) symptom(component string, triggers []incident.Trigger, ill bool) (what string, at time.Time) {
	for _, kind := range []incident.TriggerKind{incident.TNoPod, incident.TErrors, incident.TP95, incident.TStuck, incident.TBurn} {
		n := slices.IndexFunc(triggers, func(t incident.Trigger) bool { return t.Kind == kind })
		if n < 0 || ill && kind == incident.TStuck {
			continue
		}
		t := &triggers[n]
		switch kind {
		case incident.TNoPod:
			what = component + " had no available pod"
		case incident.TErrors:
			what = "up to " + share(max(b.peak(component, t), b.failedShare(component))) + " of the requests to " + component + " failed"
		case incident.TP95:
			what = component + " answered slowly, 5% of the requests in " + model.Seconds(b.peak(component, t)) + " or more"
		case incident.TStuck:
			what = "the rollout of " + component + " was stuck"
		default:
			what = component + " was using up its error budget"
		}
		return what, t.Onset
	}
	return "", time.Time{}
}

// followed tells of each release of a component since it failed that was not this
// incident's own; that it did not help, where the limit was broken before and after it
// without a break.
func (b *builder) followed(component string, triggers []incident.Trigger) (out []string) {
	cause := b.suspect(component)
	for n := range b.i.Suspects {
		s := &b.i.Suspects[n]
		if s.Component != component || !s.Later() || s == cause {
			continue
		}
		text := nameRelease(s) + " followed at " + b.day(s.At)
		if slices.ContainsFunc(triggers, func(t incident.Trigger) bool { return t.Onset.Before(s.At) && t.At.After(s.At) }) {
			text += " and did not help"
		}
		out = append(out, text+".")
	}
	return out
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
	if b.kept == nil {
		return most
	}
	// The program may have been opened later: what the pictures show is told too.
	for _, s := range b.kept.figures[map[incident.TriggerKind]string{incident.TErrors: "error-ratio", incident.TP95: "p95"}[t.Kind]] {
		for _, v := range s.Samples {
			if s.Component == component && !v.At.Before(t.Onset) && (until.IsZero() || !v.At.After(until)) {
				most = max(most, v.V)
			}
		}
	}
	return most
}

// failedShare is the share of a component's requests that failed over the whole time: no
// peak is lower. 0 = it is not known.
func (b *builder) failedShare(component string) float64 {
	for _, c := range b.i.Impact.Impact.Components {
		if c.Component == component && c.Failed.Known && c.Requests.Known && !c.Requests.AtLeast && c.Requests.Value > 0 {
			return c.Failed.Value / c.Requests.Value
		}
	}
	return 0
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
	f := i.All.Failed.Value
	switch {
	case !i.Known || !f.Known:
		text := "How many requests failed is not known"
		if b.podless() {
			text += ": there was no pod to count them"
		}
		return text + "."
	case math.Round(f.Value) <= 0 && !b.rose(): // since when it failed is not known
		return "How many requests failed before " + b.day(i.From.Time) + " is not known."
	}
	until := ""
	if b.i.Recovered.IsZero() || i.To.Before(b.i.Recovered.Add(-time.Minute)) {
		until = " until " + b.day(i.To.Time)
	}
	text := failedOf(i.All, until)
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// failedOf says how many requests failed, as far as that is known; until is when the
// counting ended, where that was before the end.
func failedOf(c Cost, until string) string {
	f, r := c.Failed.Value, c.Requests.Value
	none := math.Round(f.Value) <= 0
	switch {
	case !f.Known && f.Why != "":
		return "how many requests failed is not known: " + f.Why
	case !f.Known:
		return "how many requests failed is not known"
	case none && (f.AtLeast || c.NoData.Value.Value >= 0.5 || !c.NoData.Value.Known):
		return "as far as there are figures, no request failed" + until
	case none:
		return "no request failed" + until
	case r.Known && r.Value > 0 && !f.AtLeast && !r.AtLeast:
		return fmt.Sprintf("%s of %s requests failed%s (%s)", number(f.Value), number(r.Value), until, share(f.Value/r.Value))
	case f.AtLeast:
		return "at least " + number(f.Value) + " requests failed" + until
	}
	return number(f.Value) + " requests failed" + until
}

// podless reports whether each component that failed had no available pod.
func (b *builder) podless() bool {
	none := map[string]bool{}
	each(b.facts, func(_ incident.Fact, r incident.Rose) {
		c := r.Trigger.Component
		none[c] = none[c] || r.Trigger.Kind == incident.TNoPod
	})
	for _, without := range none {
		if !without {
			return false
		}
	}
	return len(none) > 0
}
