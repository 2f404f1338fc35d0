package model

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// The facts of Assess and Decide, and of the incident as a whole.
type (
	// Began is the first fact of every incident: by which rules it is worked.
	Began struct {
		Settings Settings `json:"settings"`
		Version  string   `json:"version"` // of rollbook
	}
	// Opened is when the operator turned to the incident; from here on there is a journal.
	Opened struct {
		ID      string    `json:"id"`
		Cluster string    `json:"cluster"`
		User    string    `json:"user,omitempty"`
		Onset   time.Time `json:"onset,omitzero"`
	}
	// Resumed is a later run of the program that took the incident up again.
	Resumed struct {
		Host string `json:"host,omitempty"`
	}
	// Moved is a change of the step.
	Moved struct {
		To Step `json:"to"`
		// Verdict is with what Decide was left.
		Verdict Verdict `json:"verdict,omitempty"`
		Text    string  `json:"text,omitempty"`
	}
	// Rose is a limit broken for long enough.
	Rose struct {
		Trigger Trigger `json:"trigger"`
	}
	// Eased is a latched trigger that is under its limit again.
	Eased struct {
		Component string      `json:"component"`
		Kind      TriggerKind `json:"kind"`
		Since     time.Time   `json:"since"`
	}
	// BackOver is one that is over again, or that nobody can tell about any more.
	BackOver struct {
		Component string      `json:"component"`
		Kind      TriggerKind `json:"kind"`
	}
	// StoodDown is the operator's word that the triggers are over.
	StoodDown struct{}
	// Judged is a change of the verdict.
	Judged struct {
		Verdict Verdict `json:"verdict"`
		Text    string  `json:"text"`
	}
	// Noticed is a change in what the cluster shows of a component: a pod's
	// reason, a revision, an owner.
	Noticed struct {
		Component string `json:"component"`
		What      string `json:"what"` // pods, revision, owners
		Text      string `json:"text"`
	}
	// Sampled is the components concerned as they were, for the replay.
	Sampled struct {
		Components []SampleOf `json:"components"`
	}
	// SampleOf is one component of a Sampled. Ratios and seconds; nil = unknown.
	SampleOf struct {
		Component string   `json:"c"`
		Revision  int64    `json:"rev,omitempty"`
		Ready     int      `json:"ready"`
		Desired   int      `json:"desired"`
		Errors    *float64 `json:"errors,omitempty"`
		P95       *float64 `json:"p95,omitempty"`

		Replicas   int      `json:"replicas,omitempty"`
		Updated    int      `json:"updated,omitempty"`
		Available  int      `json:"available,omitempty"`
		Generation int64    `json:"gen,omitempty"`
		Observed   int64    `json:"observed,omitempty"`
		Hash       string   `json:"hash,omitempty"` // of the running template
		Requests   *float64 `json:"requests,omitempty"`
		Up         *float64 `json:"up,omitempty"`
		Targets    *float64 `json:"targets,omitempty"`
		HoldErrors *float64 `json:"holdErrors,omitempty"` // over the whole of Verify's hold
		HoldP95    *float64 `json:"holdP95,omitempty"`
	}
	// Said is the operator's answer to a question, beside the figure.
	Said struct {
		Question Question `json:"question"`
		Answer   Answer   `json:"answer"`
	}
	// Overruled is the operator's verdict against the tree's.
	Overruled struct {
		Verdict Verdict `json:"verdict"`
		Against Verdict `json:"against"`
		Reason  string  `json:"reason,omitempty"`
	}
	// JournalGivenUp is the operator's word that the walk goes on without a journal.
	JournalGivenUp struct{}
)

func (b Began) apply(i *Incident, f Fact) { i.Settings = b.Settings; i.Operator = b.Settings.Operator }
func (b Began) entry() (string, string)   { return "", "" }

func (b Opened) apply(i *Incident, f Fact) {
	i.ID, i.Cluster, i.Opened = b.ID, b.Cluster, f.At
	if i.Onset.IsZero() {
		i.Onset = b.Onset
	}
}
func (b Opened) entry() (string, string) { return "note", "incident " + b.ID + " opened" }

func (b Resumed) apply(i *Incident, f Fact) {}
func (b Resumed) entry() (string, string)   { return "note", "taken up again" }

func (b Moved) apply(i *Incident, f Fact) {
	if i.Step == Decision && b.To > Decision && i.Decided.IsZero() {
		i.Decided = f.At
		i.Verdict.Deadline = f.At.Add(i.Settings.Limits.Within)
	}
	i.Step = b.To
	i.Furthest = max(i.Furthest, b.To)
	if b.To == Close && i.Items == nil {
		i.Items = checklist()
	}
}
func (b Moved) entry() (string, string) {
	if b.To == Choose && b.Text != "" {
		return "choice", fmt.Sprintf("decided: %s (%s)", b.Verdict.Name(), b.Text)
	}
	return "", ""
}

func (b Rose) apply(i *Incident, f Fact) {
	i.Triggers = with(i.Triggers, b.Trigger)
	if i.Onset.IsZero() || b.Trigger.Onset.Before(i.Onset) && i.Decided.IsZero() {
		i.Onset = b.Trigger.Onset
	}
	if i.Detected.IsZero() {
		i.Detected = f.At
	}
	if i.Verdict.Overruled {
		i.Verdict.Overruled, i.Verdict.Reason = false, ""
	}
}
func (b Rose) entry() (string, string) { return "bad", b.Trigger.Text }

func (i *Incident) setUnder(component string, kind TriggerKind, since time.Time) {
	i.Triggers = slices.Clone(i.Triggers)
	if t := i.trigger(component, kind); t != nil {
		t.Under = since
	}
}
func (b Eased) apply(i *Incident, f Fact) { i.setUnder(b.Component, b.Kind, b.Since) }
func (b Eased) entry() (string, string) {
	return "seen", fmt.Sprintf("%s of %s under its limit again", b.Kind, b.Component)
}
func (b BackOver) apply(i *Incident, f Fact) { i.setUnder(b.Component, b.Kind, time.Time{}) }
func (b BackOver) entry() (string, string) {
	return "seen", fmt.Sprintf("%s of %s no longer known to be under its limit", b.Kind, b.Component)
}

func (b StoodDown) apply(i *Incident, f Fact) {
	i.Triggers = nil
	i.Verdict.Overruled, i.Verdict.Reason = false, ""
}
func (b StoodDown) entry() (string, string) { return "answer", "stood down: the triggers are over" }

func (b Judged) apply(i *Incident, f Fact) {
	i.Verdict.Verdict, i.Verdict.Text, i.Verdict.Since = b.Verdict, b.Text, f.At
}
func (b Judged) entry() (string, string) {
	return "seen", fmt.Sprintf("verdict: %s: %s", b.Verdict.Name(), b.Text)
}

func (b Noticed) apply(i *Incident, f Fact) {
	if !i.ownNoted {
		i.Noted, i.ownNoted = maps.Clone(i.Noted), true
	}
	if i.Noted == nil {
		i.Noted = map[string]string{}
	}
	i.Noted[b.Component+"/"+b.What] = b.Text
}
func (b Noticed) entry() (string, string) {
	return "seen", b.Component + ": " + b.Text
}

func (b Sampled) apply(i *Incident, f Fact) { i.SampledAt = f.At }
func (b Sampled) entry() (string, string)   { return "", "" }

func (b Said) apply(i *Incident, f Fact) {
	answers := maps.Clone(i.Answers)
	if answers == nil {
		answers = map[Question]Answer{}
	}
	answers[b.Question] = b.Answer
	i.Answers = answers
	if b.Answer.Answer == TriYes {
		if i.Onset.IsZero() {
			i.Onset = f.At
		}
		if i.Detected.IsZero() {
			i.Detected = f.At
		}
	}
}
func (b Said) entry() (string, string) {
	word := pick([]string{"unknown", "no", "yes"}, int(b.Answer.Answer))
	return "answer", fmt.Sprintf("%s %s %s%s", b.Question, b.Question.title(DefaultLimits()), word, because(b.Answer.Reason))
}

func (b Overruled) apply(i *Incident, f Fact) {
	i.Verdict.Overruled, i.Verdict.Reason = true, b.Reason
	i.Verdict.Verdict, i.Verdict.Since = b.Verdict, f.At
	i.Verdict.Text = "overruled from “" + b.Against.Name() + "”"
}
func (b Overruled) entry() (string, string) {
	return "answer", fmt.Sprintf("overruled: %s instead of %s%s", b.Verdict.Name(), b.Against.Name(), because(b.Reason))
}

func (b JournalGivenUp) apply(i *Incident, f Fact) { i.WithoutJournal = true }
func (b JournalGivenUp) entry() (string, string)   { return "bad", "going on without a journal" }

// because adds a reason to a sentence, if there is one.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": “" + reason + "”"
}
