package report

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"rollbook/incident"
	"rollbook/model"
	"rollbook/text"
)

// picName is a picture whose name may stand in a link. The manifest is a file that
// anybody may have changed.
var picName = text.Pattern(`^[A-Za-z0-9._/-]+\.svg$`)

// evidence lists what was kept: of what was gathered more than once the newest, and
// files of one kind in one line.
func (b *builder) evidence() Kept {
	m := b.kept
	if m == nil {
		return Kept{Text: "nothing: no evidence was gathered"}
	}
	k := Kept{}
	var bytes int64
	newest := map[string]int{} // by source
	for n, f := range m.Files {
		bytes += f.Bytes
		newest[f.Source] = n
	}
	lines := map[string]int{}            // by what they hold
	kinds := map[string]map[string]int{} // of objects, by their folder
	older := 0
	for n, f := range m.Files {
		if newest[f.Source] != n {
			older++
			continue
		}
		if picName().MatchString(f.Name) {
			k.Pictures = append(k.Pictures, Text(Folder+"/"+f.Name))
		}
		name, words := f.Name, f.Source
		if f.Note != "" {
			words += " (" + f.Note + ")"
		}
		key := f.Name
		switch dir := path.Dir(f.Name); {
		case strings.HasPrefix(f.Name, "objects/"):
			kind, _, _ := strings.Cut(f.Source, " ")
			if kinds[dir] == nil {
				kinds[dir] = map[string]int{}
			}
			kinds[dir][kind]++
			key, name, words = dir, dir+"/", ""
		case strings.HasPrefix(f.Name, "metrics/"), strings.HasPrefix(f.Name, "events/"):
			key = strings.TrimSuffix(f.Name, path.Ext(f.Name))
			words = asKind().ReplaceAllString(words, "")
		}
		at, there := lines[key]
		switch {
		case !there:
			lines[key] = len(k.Files)
			k.Files = append(k.Files, Item{Text(name), Text(words)})
		case strings.HasPrefix(f.Name, "objects/"):
		default:
			k.Files[at].Name += Text(", " + path.Ext(f.Name))
		}
	}
	for dir, of := range kinds {
		var all []string
		for _, kind := range slices.Sorted(maps.Keys(of)) {
			if of[kind] > 1 {
				kind = fmt.Sprintf("%d of %s", of[kind], kind)
			}
			all = append(all, kind)
		}
		k.Files[lines[dir]].Text = Text("objects as YAML: " + strings.Join(all, ", "))
	}
	slices.SortStableFunc(k.Pictures, func(a, b Text) int { return picRank(a) - picRank(b) })
	for _, x := range m.Missing {
		if whole := lastLines().ReplaceAllString(x.What, ""); whole != x.What && slices.ContainsFunc(m.Missing, func(o Missing) bool { return o.What == whole }) {
			continue // the whole log is missing for the same reason
		}
		k.Missing = append(k.Missing, Item{Text(x.What), Text(x.Why)})
	}
	k.Text = Text(fmt.Sprintf("%s, %s, in the folder %s", model.Plural(len(m.Files), "file"), model.Bytes(bytes), Folder))
	if older > 0 {
		k.Text += Text(fmt.Sprintf("; %d of them are earlier copies", older))
	}
	return k
}

// asKind is what the manifest says of the files that hold the same in another form.
var asKind = text.Pattern(`(, from Prometheus| as (svg|png)|, as JSON lines)$`)

// lastLines matches how the manifest marks the end of a log, beside the whole of it.
var lastLines = text.Pattern(`, last \d+ lines$`)

// picRank puts the figures that a rollback is decided by first.
func picRank(name Text) int {
	for n, f := range []string{"error-ratio", "p95", "requests"} {
		if strings.HasPrefix(path.Base(string(name)), f) {
			return n
		}
	}
	return 3
}

// saidMost is how many lines of a component's logs a report shows.
const saidMost = 5

// said returns what the pods of the components concerned said: the lines that the journal
// has, first those that the version before did not say; else what the ends of the logs
// that were kept tell.
func (b *builder) said() (out []Saying) {
	for _, c := range b.components() {
		n := len(out)
		for _, of := range b.i.PodsSaidBy(c) {
			if len(of.Lines) == 0 {
				continue
			}
			s := Saying{Component: Text(c), Source: Text(fmt.Sprintf("logs of %s of %s", pods(of.Pods), of.Version.Full()))}
			for n := range of.Lines[:min(len(of.Lines), saidMost)] {
				s.Lines = append(s.Lines, Text(quotedLine(&of, &of.Lines[n])))
			}
			out = append(out, s)
		}
		if n == len(out) && b.kept != nil {
			for _, s := range b.kept.ends {
				if s.component != c {
					continue
				}
				lines := make([]Text, 0, saidMost)
				for _, l := range s.lines {
					lines = append(lines, Text(l))
				}
				out = append(out, Saying{Component: Text(c), Source: Text(s.source), Lines: lines})
			}
		}
	}
	return out
}

func pods(n int) string {
	if n == 1 {
		return "one pod"
	}
	return fmt.Sprintf("%d pods", n)
}

// quotedLine is a line of a log with how often it was said; whose log it is of stands
// below all of them.
func quotedLine(of *model.Said, l *model.SaidLine) string {
	line := incident.SaidText(l)
	if l.Count > 1 {
		line += fmt.Sprintf("  ×%d", l.Count)
	}
	switch {
	case l.New:
		line += "  new since " + of.Version.Name()
	case of.OldRead > 0:
		line += "  also in the log of " + of.Before.Name()
	}
	return line
}
