package replay

import (
	"cmp"
	"fmt"

	"rollbook/incident"
	"rollbook/model"
)

// tellFact returns a fact in a line: its last entry in the timeline, if it made
// any, and who did it.
func (r *Reader) tellFact(f incident.Fact, told []incident.Entry) string {
	text := r.quietly(f.Body)
	if len(told) > 0 {
		text = told[len(told)-1].Text
	}
	if f.By != "" {
		return f.By + ": " + text
	}
	return text
}

// sampleText returns a sample in a line: the first component, and how many more.
func sampleText(b incident.Sampled) string {
	if len(b.Components) == 0 {
		return "sample"
	}
	c := b.Components[0]
	text := fmt.Sprintf("sample: %s %d/%d ready", c.Component, c.Ready, c.Desired)
	if c.Errors != nil {
		text += ", errors " + model.Percent(*c.Errors)
	}
	if c.P95 != nil {
		text += ", P95 " + model.Seconds(*c.P95)
	}
	if n := len(b.Components) - 1; n > 0 {
		text += fmt.Sprintf(", and %d more", n)
	}
	return text
}

// baselineText returns a baseline in a line.
func baselineText(b incident.BaselineRead) string {
	text := "the hour before the onset: " + b.Component
	if b.Errors != nil {
		text += ", errors " + model.Percent(*b.Errors)
	}
	if b.P95 != nil {
		text += ", P95 " + model.Seconds(*b.P95)
	}
	return text
}

// versionText returns what was seen of a version in a line.
func versionText(b incident.VersionSeen) string {
	text := b.Component + " runs " + b.Version.Full()
	if b.Ill != "" {
		text += ", " + string(b.Ill)
	}
	if b.Errors != nil {
		text += ", errors " + model.Percent(*b.Errors)
	}
	if b.P95 != nil {
		text += ", P95 " + model.Seconds(*b.P95)
	}
	return text
}

// title returns what a write does, as it was confirmed.
func (r *Reader) title(id incident.WriteID) string {
	for _, f := range r.facts[:r.at] {
		c, ok := f.Body.(incident.Confirmed)
		if !ok || c.N != id.N {
			continue
		}
		for _, p := range c.Plans {
			if p.ID == id.Plan {
				return p.Title
			}
		}
	}
	return "what is not in the journal"
}

// quietly returns a line for a fact that makes none in the timeline.
func (r *Reader) quietly(b incident.Body) string {
	switch b := b.(type) {
	case incident.Began:
		return "rollbook " + cmp.Or(b.Version, "of an unknown version") + " was started"
	case incident.Moved:
		return fmt.Sprintf("went to %d %s", b.To+1, b.To.Name())
	case incident.Sampled:
		return sampleText(b)
	case incident.Intended:
		return "about to write: " + r.title(b.WriteID) + " (the intent is on disk)"
	case incident.ClockRan:
		switch {
		case b.Running && b.Blind:
			return "the downtime's clock runs on without data"
		case b.Running:
			return "the downtime's clock runs"
		}
		return "the downtime's clock stands"
	case incident.BaselineRead:
		return baselineText(b)
	case incident.HistoryRead:
		if b.Err != "" {
			return "the history of " + b.Component + " could not be read: " + b.Err
		}
		return fmt.Sprintf("the history of %s was read: %d versions", b.Component, len(b.Candidates)+b.Left)
	case incident.ImpactMeasured:
		return "the impact was measured"
	case incident.WasClosed:
		return "closed"
	case incident.VersionSeen:
		return versionText(b)
	case incident.PodsSaid:
		return "what the pods of " + b.Component + " say was read"
	case incident.Scaled:
		return fmt.Sprintf("%s: replicas %d", b.Component, b.Replicas)
	case incident.Handled:
		i := incident.Fold([]incident.Fact{{Body: b}})
		return "how " + b.On.Name() + " was handled: " + i.Hesitated().Words()
	case incident.Suspected:
		return "what changed was looked at again"
	}
	return fmt.Sprintf("%T", b)
}
