package incident

import (
	"fmt"
	"strings"
	"time"

	"rollbook/model"
)

// HoldRecord is Verify's good run.
type HoldRecord struct {
	Since time.Time // first good sample; zero = none yet
	Green bool      // it held
	With  int       // unknown checks that were accepted
}

// verifyHold keeps the hold: it begins with the rollout's end, breaks when something
// is known to be bad, and is green when it has lasted and every check is good or
// accepted.
func (d *decider) verifyHold() {
	i := d.inc()
	if !i.Verified.IsZero() || i.RolledOut.IsZero() || rollBlocked(i) != "" {
		return
	}
	var bad, unknown []string
	accepted := 0
	var figures []string
	checks := VerifyChecks(&d.s)
	for _, v := range checks {
		figures = append(figures, v.proof())
		switch {
		case v.Shown:
		case v.State == model.TriNo:
			bad = append(bad, v.Component+" "+v.Name+" "+v.Seen)
		case v.State == model.TriUnknown && v.Accepted:
			accepted++
		case v.State == model.TriUnknown:
			unknown = append(unknown, v.Key)
		}
	}
	switch hold := i.Settings.Verify.Hold; {
	case len(bad) > 0 && !i.Hold.Since.IsZero():
		d.fact(HoldBroke{Why: strings.Join(bad, "; ")})
	case len(bad) > 0:
	case i.Hold.Since.IsZero():
		d.fact(HoldBegan{Since: d.goodSince()})
	case len(unknown) == 0 && d.s.Now.Sub(i.Hold.Since) >= hold:
		d.fact(WasVerified{Recovered: i.Hold.Since, Unknown: accepted, Figures: figures})
		d.effect(MeasureImpact{})
	}
	if i.Verified.IsZero() && i.Asked == AskNothing && i.Step >= RollBack && d.asking(i.Settings.Verify.Ask) {
		why := append(bad, unknown...)
		d.fact(AskedFor{What: AskNotGreen, Text: fmt.Sprintf("not green %s after the rollout: %s",
			model.Short(d.s.Now.Sub(i.RolledOut)), strings.Join(why, "; "))})
	}
}

// goodSince is the beginning of the good run: the first sample, not before the
// last rollout's end, of the run at no more than half the trigger's limit (the
// highest that Verify may ask for: a single step of a minute is too few requests
// for the limit itself, by which the whole hold is judged). Without samples it
// is now.
func (d *decider) goodSince() time.Time {
	limits := d.inc().Settings.Limits
	since := d.inc().RolledOut
	measured := false
	for _, s := range d.inc().Standing() {
		f := d.s.FiguresOf(s.Write.Plan.Component)
		if f == nil || f.NotMeasured {
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
	Since time.Time `json:"since"`
}

func (b HoldBegan) apply(i *Incident, f Fact) { i.Hold.Since = b.Since }

func (b HoldBegan) entry(*Incident) (EntryKind, string) { return EntrySeen, "good: the hold begins" }

type HoldBroke struct {
	Why string `json:"why"`
}

func (b HoldBroke) apply(i *Incident, f Fact) { i.Hold = HoldRecord{} }

func (b HoldBroke) entry(*Incident) (EntryKind, string) { return EntrySeen, "the hold broke: " + b.Why }

// WasVerified is the end of the hold.
type WasVerified struct {
	Recovered time.Time `json:"recovered"`
	Unknown   int       `json:"unknown,omitempty"` // checks accepted without being known
	Figures   []string  `json:"figures,omitempty"` // the checks as they stood, with their limits; older journals hold no limits
}

func (b WasVerified) apply(i *Incident, f Fact) {
	i.Hold.Green, i.Hold.With = true, b.Unknown
	i.Recovered, i.Verified = b.Recovered, f.At
	i.Asked, i.AskText = AskNothing, ""
}

func (b WasVerified) entry(*Incident) (EntryKind, string) {
	if b.Unknown > 0 {
		return EntryOutcome, fmt.Sprintf("verified with %d unknown", b.Unknown)
	}
	return EntryOutcome, "verified"
}

// AcceptUnknown accepts one of Verify's unknown checks by name.
type AcceptUnknown struct{ Key, Reason string }

// decide takes an unknown check as it is, by name.
func (do AcceptUnknown) decide(d *decider) {
	for _, v := range VerifyChecks(&d.s) {
		if v.Key == do.Key && v.State == model.TriUnknown && !v.Accepted && !v.Shown {
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
	return EntryAnswer, fmt.Sprintf("accepted though unknown: %s (%s)%s", b.Key, b.Text, because(b.Reason))
}
