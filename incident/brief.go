package incident

import (
	"strings"
)

// Brief returns three lines for the incident's channel: what is wrong and since when,
// what is suspected, and the verdict with who is on it.
func Brief(s *Snapshot, head Headline) []string {
	i := &s.Incident
	what := briefs(allOver(s))
	if what == "" {
		what = "nothing is over its limit now"
		if len(i.Failed) > 0 {
			what = strings.Join(i.Failed, ", ") + " failed; " + what
		}
	}
	if !i.Onset.IsZero() {
		what += ", since " + clockTime(i.Onset)
	}
	for _, said := range saidSentences(i) {
		what += ". " + said
	}
	suspect := "No suspect is known."
	if all := s.Causes(); len(all) > 0 && (!i.Onset.IsZero() || i.ID != "") {
		x := all[0]
		suspect = "Suspect: " + x.Component + " " + x.Version.Name() + ", " + x.Words(s)
		if x.By != "" {
			suspect += ", by " + x.By
		}
		if x.ChangeCause != "" {
			suspect += ": “" + oneLine(x.ChangeCause) + "”"
		}
	}
	verdict := head.String()
	switch {
	case i.ID != "" && i.Closed.IsZero():
		verdict += ". On it: " + i.Operator + " (" + i.ID + ")"
	case i.ID != "":
		verdict += ". " + i.ID
	case s.Operator() != "":
		verdict += ". " + s.Operator() + " is looking at it"
	}
	if len(i.Settings.Links) > 0 {
		verdict += " · " + i.Settings.Links[0].URL
	}
	return []string{"[" + i.Settings.Namespace + "] " + what, suspect, verdict}
}

// saidSentences says what the pods of the components that failed say, a sentence each.
func saidSentences(i *Incident) []string {
	var out []string
	for _, id := range i.Covered() {
		if of, line, ok := i.NewLogLine(id); ok {
			out = append(out, "Pods of "+id+" say: "+SaidText(&line)+" ("+SaidNote(&of, &line)+")")
		}
	}
	return out
}
