package report

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"

	"rollbook/model"
	"rollbook/text"
)

// events keeps a component's events, newest last, for people and for programs.
func (g *gathering) events(ctx context.Context, x Subject) {
	id := x.Component.ID
	source := "events of " + id
	if g.c.src.Events == nil {
		g.miss(source, "events cannot be read here")
		return
	}
	read, err := g.c.src.Events.Events(ctx, x.Component, g.c.bounds.Events)
	if err != nil {
		g.miss(source, g.why(ctx, err))
		return
	}
	if read.Older > 0 {
		g.miss(fmt.Sprintf("%d older %s", read.Older, source), fmt.Sprintf("over the bound of %d", g.c.bounds.Events))
	}
	if read.Unread != "" {
		g.miss("the rest of the "+source, read.Unread)
	}
	events := read.List
	if len(events) == 0 && read.Unread == "" {
		g.miss(source, "there are none: the cluster keeps them for an hour")
		return
	}
	name := fmt.Sprintf("events/%s-%s", safe(id), g.r.Moment)
	g.keep(name+".txt", source, func(w io.Writer) error {
		for _, e := range events {
			times := ""
			if e.Count > 1 {
				times = fmt.Sprintf(" (%d times)", e.Count)
			}
			if _, err := fmt.Fprintf(w, "%s  %-7s  %-20s  %s%s  %s\n", e.At.UTC().Format(time.RFC3339), text.Line(e.Type), text.Line(e.Reason),
				text.Line(e.Object), times, text.Line(e.Message)); err != nil {
				return err
			}
		}
		return nil
	})
	g.keep(name+".jsonl", source+", as JSON lines", func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		for _, e := range events {
			if err := enc.Encode(eventLine{e.At.UTC(), e.Component, text.Line(e.Object), text.Line(e.Type), text.Line(e.Reason), text.Line(e.Message), e.Count}); err != nil {
				return err
			}
		}
		return nil
	})
}

type eventLine struct {
	At        time.Time `json:"at"`
	Component string    `json:"component"`
	Object    string    `json:"object"`
	Type      string    `json:"type"`
	Reason    string    `json:"reason"`
	Message   string    `json:"message"`
	Count     int       `json:"count,omitempty"`
}

// objects keeps the workload and what belongs to it.
func (g *gathering) objects(ctx context.Context, x Subject) {
	id := x.Component.ID
	if g.c.src.Objects == nil {
		g.miss("objects of "+id, "objects cannot be read here")
		return
	}
	if ctx.Err() != nil {
		g.miss("objects of "+id, g.why(ctx, nil))
		return
	}
	for _, o := range g.c.src.Objects.Objects(ctx, x.Component) {
		source := fmt.Sprintf("%s %s", o.Kind, text.Line(o.Name))
		if o.Err != nil {
			g.miss(source, g.why(ctx, o.Err))
			continue
		}
		g.keep(fmt.Sprintf("objects/%s/%s-%s.yaml", safe(id), strings.ToLower(safe(o.Kind)), safe(o.Name)), source, func(w io.Writer) error {
			_, err := io.WriteString(w, cleanLines(o.YAML))
			return err
		})
	}
}

// diff keeps what changed between the suspected revision and the one that it is
// compared with.
func (g *gathering) diff(ctx context.Context, x Subject) {
	c, id := x.Component, x.Component.ID
	source := "difference of " + id
	to, name := x.Against, fmt.Sprintf("diff/%s-%s-to-%s.txt", safe(id), safe(x.Failed.Short), safe(x.Against.Short))
	back := c.OwnerName != x.Failed.Key
	if back {
		to = x.Failed // after the rollback: from what runs now back to what failed
		if x.Against.IsZero() {
			name = fmt.Sprintf("diff/%s-%s-to-%s.txt", safe(id), safe(x.Failed.Short), safe(c.Running().Short))
		}
	}
	switch {
	case g.c.src.Diff == nil:
		g.miss(source, "differences cannot be read here")
		return
	case to.IsZero():
		return // no version was chosen: there is nothing that could be compared
	}
	if _, there := g.s.has(source, ""); there {
		return // of before the rollback
	}
	d, err := g.c.src.Diff.Diff(ctx, c, to.Key)
	if err != nil {
		g.miss(source, g.why(ctx, err))
		return
	}
	runs := c.Running()
	head := fmt.Sprintf("%s: what changes when going from %s, which runs, to %s", id, runs.Full(), to.Full())
	if back {
		head = fmt.Sprintf("%s: what changed from %s, which runs again, to %s, which failed; the rollback took it back", id, runs.Full(), to.Full())
	}
	g.keep(name, source, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s\n\n%s", head, cleanLines(d))
		return err
	})
}

// configuration keeps by which rules the incident is worked.
func (g *gathering) configuration() {
	g.keep("configuration.json", "version of the configuration", func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(struct {
			Config
			Limits any `json:"limits"`
			Verify any `json:"verify"`
		}{g.r.Config, spelled(reflect.ValueOf(g.r.Limits)), spelled(reflect.ValueOf(g.r.Verify))})
	})
}

func (g *gathering) targets() (out []model.Target) {
	for _, x := range g.r.Subjects {
		out = append(out, x.Target)
	}
	return out
}

// impact keeps what the incident cost, as it stands in the journal.
func (g *gathering) impact() {
	switch i := g.r.Impact; {
	case !i.At.IsZero():
		g.keep("impact.json", impactSource, func(w io.Writer) error {
			enc := json.NewEncoder(w)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			return enc.Encode(impactOf(&i.Impact))
		})
	case i.Err != "":
		g.miss(impactSource, i.Err)
	case g.r.Onset.IsZero():
		g.miss(impactSource, "when it began is not known")
	default:
		g.miss(impactSource, "it was not measured yet")
	}
}

// figures keeps the window of each figure as numbers and as pictures.
func (g *gathering) figures(ctx context.Context) {
	const source = "figures, from Prometheus"
	if g.c.src.Figures == nil {
		g.miss(source, "no Prometheus is known")
		return
	}
	all, err := g.c.src.Figures.Window(ctx, g.targets(), g.from, g.to)
	if err != nil {
		g.miss(source, g.why(ctx, err))
		return
	}
	var order []string
	by := map[string][]model.Series{}
	for _, s := range all {
		what := fmt.Sprintf("%s of %s", s.Figure, s.Component)
		if len(s.Samples) == 0 {
			g.miss(what, s.Why)
			continue
		}
		if by[s.Figure] == nil {
			order = append(order, s.Figure)
		}
		by[s.Figure] = append(by[s.Figure], s)
	}
	for _, f := range order {
		series := by[f]
		stem := "metrics/" + safe(f)
		g.keep(stem+".csv", f+", from Prometheus", func(w io.Writer) error { return writeCSV(w, series) })
		for _, format := range []string{"svg", "png"} {
			if ctx.Err() != nil {
				g.miss(f+" as "+format, g.why(ctx, nil))
				continue
			}
			g.keep(stem+"."+format, f+" as "+format, func(w io.Writer) error {
				return picture(w, format, series, g.s.marks(), g.from, g.to)
			})
		}
	}
}

// writeCSV has one line for each sample. A P95 beyond the last bucket is a lower
// bound, which its last column says.
func writeCSV(w io.Writer, series []model.Series) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"time", "component", "value", "at_least"}); err != nil {
		return err
	}
	for _, s := range series {
		for _, v := range s.Samples {
			least := ""
			if v.AtLeast {
				least = "true"
			}
			if err := out.Write([]string{v.At.UTC().Format(time.RFC3339), s.Component, strconv.FormatFloat(v.V, 'g', -1, 64), least}); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}
