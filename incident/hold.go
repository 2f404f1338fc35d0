package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// HoldRecord is Verify's good run.
type HoldRecord struct {
	Since time.Time // first good sample; zero = none yet
	// Began is the look with which it began. What is held is counted from there: it
	// was watched.
	Began  time.Time
	Steady time.Time // when the last covered pod became what it is, by the cluster's clock
	Broke  time.Time // when the one before it was reset; zero = none was
	Green  bool      // it held
	With   int       // unknown checks that were accepted
}

// Held returns how much of the hold was watched and good. While the program runs, both
// times carry its monotonic clock, which nobody sets.
func (s *Snapshot) Held() time.Duration {
	h, hold := &s.Incident.Hold, s.Incident.Settings.Verify.Hold
	switch {
	case !s.Incident.Verified.IsZero():
		return hold
	case h.Began.IsZero():
		return 0
	}
	return max(0, min(hold, s.Now.Sub(h.Began)))
}

// standings is what all checks come to.
type standings struct {
	bad, settling, unknown []VerifyCheck
	measuring              bool // one can only be judged when the hold is over
	accepted               int
	proofs                 []string
}

func stand(checks []VerifyCheck) (out standings) {
	for _, v := range checks {
		out.proofs = append(out.proofs, v.proof())
		switch {
		case v.Shown:
		case v.State == model.TriNo:
			out.bad = append(out.bad, v)
		case v.State == model.TriYes:
		case v.Accepted:
			out.accepted++
		case v.Wait == WaitHold:
			out.measuring = true
		case v.Wait == WaitWindow:
			out.settling = append(out.settling, v)
		default:
			out.unknown = append(out.unknown, v)
		}
	}
	return out
}

// why says what speaks against the hold; "" while nothing does.
func (c *standings) why() string {
	var all []string
	for _, v := range slices.Concat(c.bad, c.settling) {
		all = append(all, v.Component+" "+v.Name+" "+v.Seen)
	}
	for _, v := range c.unknown {
		all = append(all, v.Component+" "+v.Name+" unknown: "+v.Seen)
	}
	return strings.Join(all, "; ")
}

// holds reports whether there is anything to hold: what was written is rolled out, or
// the incident ended with somebody's word that it is well again.
func (i *Incident) holds() bool {
	if i.End != nil {
		return i.End.Outcome == RecoveredAlone || i.End.Outcome == FixedOtherwise
	}
	return rollBlocked(i) == ""
}

// verifyHold keeps the hold. It goes on only while each check is good, accepted by
// name, or good so far; is reset by what is bad or not known; and is green when it was
// watched for its whole length and every check is good or accepted. What is over a
// limit after that, or taken away, ends the verification.
func (d *decider) verifyHold() {
	i := d.inc()
	if !i.Verified.IsZero() {
		if why := d.lapsed(); why != "" {
			d.finds(Unverified{Why: why})
		}
		return
	}
	if !i.holds() {
		return
	}
	checks := VerifyChecks(&d.s)
	c := stand(checks)
	steady, moved := steadySince(&d.s)
	switch why := c.why(); {
	case len(checks) == 0: // nothing that anybody could look at
	case why != "" && !i.Hold.Since.IsZero():
		d.finds(HoldBroke{Why: why})
	case why != "":
	case i.Hold.Since.IsZero():
		d.finds(HoldBegan{Since: d.goodSince(steady), Steady: steady})
	case steady.After(i.Hold.Steady):
		// Between two looks, or while the watch was gone: the API remembers it.
		d.finds(HoldBroke{Why: "a pod of " + moved + " restarted or was not ready in between"})
	case !c.measuring && d.s.Held() >= i.Settings.Verify.Hold:
		d.finds(WasVerified{Recovered: i.Hold.Since, Unknown: c.accepted, Figures: c.proofs})
		d.effect(MeasureImpact{})
		d.closeIfDone()
	}
	d.askVerify(&c)
}

// lapsed says why what was verified is not so any more; "" while nothing speaks against
// it.
func (d *decider) lapsed() string {
	covered := d.inc().Covered()
	if over := overNow(&d.s, covered, false); len(over) > 0 {
		return briefs(over)
	}
	for _, id := range covered {
		if why := (&proving{s: &d.s, id: id}).away(); why != "" {
			return id + ": " + why
		}
	}
	return ""
}

// askVerify asks what to do when it has not been green for long. What is only not
// known is asked as that: nothing says that the rollback did not help.
func (d *decider) askVerify(c *standings) {
	i := d.inc()
	if i.End != nil || i.Step < RollBack || len(c.bad)+len(c.unknown) == 0 {
		return
	}
	if p := i.Procedure(CourseRecovery); p != nil && p.Open() > 0 {
		return // that is the answer
	}
	after := model.Short(d.s.Now.Sub(i.RolledOut)) + " after the rollout"
	switch {
	case len(c.bad) == 0:
		if i.Asked == AskNothing && d.asking(i.Settings.Verify.Ask) {
			d.finds(AskedFor{What: AskUnverified, Text: "not verified " + after + ": " + c.why()})
		}
	case i.Asked == AskUnverified, i.Asked == AskNothing && d.asking(i.Settings.Verify.Ask):
		d.finds(AskedFor{What: AskNotGreen, Text: "not green " + after + ": " + c.why()})
	}
}

// goodSince is the beginning of the good run: the first sample, not before the
// last rollout's end, the last time that the hold was reset, nor when the last pod
// became what it is (a gap may hide that none was ready), of the run at no more than
// half the trigger's limit (the highest that Verify may ask for: a single step of a
// minute is too few requests for the limit itself, by which the whole hold is judged).
// Without samples it is now.
func (d *decider) goodSince(steady time.Time) time.Time {
	i := d.inc()
	limits := i.Settings.Limits
	since := i.RolledOut
	for _, t := range []time.Time{i.Hold.Broke, steady} {
		if t.After(since) {
			since = t
		}
	}
	measured := false
	for _, id := range i.Covered() {
		f := d.s.FiguresOf(id)
		if f == nil {
			continue
		}
		for _, t := range []time.Time{UnderSince(f.Errors, limits.Errors/2), UnderSince(f.P95, limits.P95.Seconds()/2)} {
			if !t.IsZero() {
				measured = true
				if t.After(since) {
					since = t
				}
			}
		}
	}
	if measured && !since.After(d.s.Now) {
		return since
	}
	return d.s.Now
}

// HoldBegan and HoldBroke are Verify's good run.
type HoldBegan struct {
	Since  time.Time `json:"since"`
	Steady time.Time `json:"steady,omitzero"`
}

func (b HoldBegan) apply(i *Incident, f Fact) {
	i.Hold.Since, i.Hold.Began, i.Hold.Steady = b.Since, f.At, b.Steady
}

func (b HoldBegan) entry(i *Incident) (EntryKind, string) {
	return EntrySeen, "all checks green: holding for " + model.Short(i.Settings.Verify.Hold)
}

type HoldBroke struct {
	Why string `json:"why"`
}

func (b HoldBroke) apply(i *Incident, f Fact) { i.Hold = HoldRecord{Broke: f.At} }

func (b HoldBroke) entry(*Incident) (EntryKind, string) { return EntrySeen, "hold reset: " + b.Why }

// WasVerified is the end of the hold.
type WasVerified struct {
	Recovered time.Time `json:"recovered"`
	Unknown   int       `json:"unknown,omitempty"` // checks accepted without being known
	Figures   []string  `json:"figures,omitempty"` // the checks as they stood, with their limits; older journals hold no limits
}

func (b WasVerified) apply(i *Incident, f Fact) {
	i.Hold.Green, i.Hold.With = true, b.Unknown
	i.Recovered, i.Verified = b.Recovered, f.At
	i.attemptVerified(f.At)
	i.Asked, i.AskText = AskNothing, ""
}

// attemptVerified notes on the newest attempt when what it led to was verified.
func (i *Incident) attemptVerified(at time.Time) {
	if len(i.Attempts) > 0 {
		i.Attempts = slices.Clone(i.Attempts)
		i.Attempts[len(i.Attempts)-1].Verified = at
	}
}

func (b WasVerified) entry(*Incident) (EntryKind, string) {
	if b.Unknown > 0 {
		return EntryOutcome, fmt.Sprintf("verified with %d unknown", b.Unknown)
	}
	return EntryOutcome, "verified"
}

// Unverified is the end of a verification: something that the incident covers is over
// a limit again or was taken away, or somebody put another template in place.
type Unverified struct {
	Why string `json:"why"`
}

func (b Unverified) apply(i *Incident, f Fact) {
	i.Hold, i.Verified, i.Recovered, i.AskFrom = HoldRecord{Broke: f.At}, time.Time{}, time.Time{}, f.At
	i.attemptVerified(time.Time{})
}

func (b Unverified) entry(*Incident) (EntryKind, string) {
	return EntryBad, "no longer verified: " + b.Why
}

// AcceptUnknown accepts one of Verify's unknown checks by name.
type AcceptUnknown struct{ Key, Reason string }

// decide takes an unknown check as it is, by name. One that only needs time is not
// taken: it will tell. Nor is one without a reason, or of an incident that is closed.
func (do AcceptUnknown) decide(d *decider) {
	if strings.TrimSpace(do.Reason) == "" || !d.inc().Closed.IsZero() {
		return
	}
	for _, v := range VerifyChecks(&d.s) {
		if v.Key == do.Key && v.Acceptable() {
			d.fact(UnknownAccepted{Key: v.Key, Text: v.Seen, Reason: do.Reason})
			d.verifyHold()
		}
	}
}

// UnknownAccepted is one of Verify's unknown checks accepted by name.
type UnknownAccepted struct {
	Key    string `json:"key"`
	Text   string `json:"text"`
	Reason string `json:"reason,omitempty"`
}

func (b UnknownAccepted) apply(i *Incident, f Fact) {
	i.Accepted = accept(i.Accepted, b.Key, Override{At: f.At, By: f.By, Text: b.Text, Reason: b.Reason})
}

func (b UnknownAccepted) entry(*Incident) (EntryKind, string) {
	return EntryAnswer, fmt.Sprintf("accepted though unknown: %s (%s)%s", CheckName(b.Key), b.Text, because(b.Reason))
}
