package engine

import (
	"time"

	"rollbook/incident"
)

// Configure replaces the settings by those of a configuration that came after
// the start. While nobody has turned to the incident all is found anew by them:
// what was gathered under other limits would be half of each. One that was taken
// up from an earlier run goes on by them, as if they had been there at its start.
// One that was opened by now keeps those that it was opened by.
func (e *Engine) Configure(set incident.Settings, idlePoll time.Duration) {
	e.post(func() {
		set.ReadOnly = set.ReadOnly || e.cfg.Settings.ReadOnly
		switch {
		case e.looking != nil: // by what the other works
			return
		case e.inc.ID == "":
			e.inc, e.pending = incident.Incident{}, nil
		case !e.seen.Resumed:
			e.seen.ConfigE = "it came after this incident was opened: its limits and components count from the next start on"
			return
		}
		e.cfg.Settings, e.cfg.IdlePoll = set, idlePoll
		e.seen.ConfigE = ""
		e.begin()
		e.seen.Figures, e.dirty = nil, true
		e.forget("poll")
	})
}

// ConfigFailed tells why a configuration that came after the start is not used.
func (e *Engine) ConfigFailed(why string) {
	e.post(func() { e.seen.ConfigE = why })
}
