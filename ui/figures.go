package ui

import (
	"cmp"
	"strings"

	"rollbook/model"
)

// shown says a reading: ≥ stands before one that is only a lower bound.
func shown(r model.Reading, show func(float64) string) string {
	switch {
	case !r.Known:
		return "?"
	case r.AtLeast:
		return "≥" + show(r.Value)
	}
	return show(r.Value)
}

// figureLines say why figures are unknown, and when they are of.
func (s *scope) figureLines(r *row, t *sheet) {
	p := s.pen
	if m := s.snap.Seen.Metrics; r.f == nil {
		t.say("figures", "? ", p.Warn, p.Plain, cmp.Or(m.Off, m.Err, "not read yet"))
		return
	}
	unknown := map[string][]string{} // what, by why
	var whys []string
	say := func(name, why string) {
		if unknown[why] == nil {
			whys = append(whys, why)
		}
		unknown[why] = append(unknown[why], name)
	}
	for _, x := range []struct {
		name string
		model.Reading
	}{{"errors", r.f.Errors.Now}, {"P95", r.f.P95.Now}} {
		if !x.Known && !r.f.NotMeasured && r.c.NoneReady.IsZero() {
			say(x.name, nonEmpty(x.Why, "not read yet"))
		}
	}
	if r.f.AlertsNo != "" {
		say("alerts", r.f.AlertsNo)
	}
	name := "figures"
	if len(whys) > 0 && unknown[whys[0]][0] == "alerts" {
		name = "alert"
	}
	for _, why := range whys {
		t.say(name, "? ", p.Warn, p.Plain, enumerated(unknown[why])+" unknown: "+why)
		name = ""
	}
}

// enumerated returns names as a sentence lists them.
func enumerated(names []string) string {
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " and " + names[n]
	}
	return strings.Join(names, "")
}
