package report

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"rollbook/model"
	"rollbook/text"
)

// tail takes the last lines of a log. A container that ended says no more than it
// did; where all is wanted and the last lines are there, the whole log follows.
func (g *gathering) tail(ctx context.Context, l container) {
	source := fmt.Sprintf("%s, last %d lines", l.source(), g.c.bounds.Tail)
	if l.previous || g.r.Moment == model.InFull {
		if _, there := g.s.has(source, ""); there {
			return
		}
	}
	g.read(ctx, l, source, l.file("-"+string(g.r.Moment)), g.c.bounds.File,
		LogOf{Namespace: l.namespace, Pod: l.pod.Name, Container: l.name, Previous: l.previous, Tail: g.c.bounds.Tail})
}

// log takes all lines since the beginning of the window, or since they were
// taken last.
func (g *gathering) log(ctx context.Context, l container, limit int64) {
	since, source := g.from, l.source()
	if at, there := g.s.has(source, ""); there {
		if l.previous {
			return
		}
		since = at
	}
	g.read(ctx, l, source, l.file(""), limit,
		LogOf{Namespace: l.namespace, Pod: l.pod.Name, Container: l.name, Previous: l.previous, Since: since})
}

// yieldEvery is after how many lines a reader steps back: redacting is work for the
// processor, and the screen and a write that is confirmed meanwhile must not wait
// for a whole slice of the scheduler's, 10 ms, for each of the readers.
const yieldEvery = 32

func (g *gathering) read(ctx context.Context, l container, source, name string, limit int64, of LogOf) {
	if g.c.src.Logs == nil {
		g.miss(source, "logs cannot be read here")
		return
	}
	if ctx.Err() != nil {
		g.miss(source, g.why(ctx, nil))
		return
	}
	log := g.s.longLog(name, limit)
	defer log.drop()
	stream := new(text.Stream)
	broke := ""
	for line, err := range g.c.src.Logs.Log(ctx, of) {
		switch {
		case ctx.Err() != nil:
			broke = g.why(ctx, nil)
		case err != nil:
			broke = g.why(ctx, err)
		default:
			if err := log.line(stream.Line(line)); err != nil {
				broke = err.Error()
			}
			if log.lines%yieldEvery == 0 {
				runtime.Gosched()
			}
		}
		if broke != "" {
			break
		}
	}
	if broke == "" && ctx.Err() != nil { // a stream that ended because of it
		broke = g.why(ctx, nil)
	}
	if log.lines > 0 {
		err := log.keep(File{Name: g.s.reserve(name), Source: source, At: g.to, Moment: g.r.Moment}, ctx.Err() != nil)
		if err != nil {
			g.miss(source, err.Error())
			return
		}
		if broke != "" {
			g.miss("the rest of the "+source, broke)
		}
		return
	}
	if broke == "" {
		broke = errEmpty.Error()
	}
	g.miss(source, broke)
}

// cleanLines makes text of several lines safe to read and to keep.
func cleanLines(s string) string {
	var stream text.Stream
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(stream.Line(strings.TrimRight(line, "\r\n")))
		b.WriteByte('\n')
	}
	return b.String()
}

// safe makes a name that is a file's and nothing else.
func safe(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '-'
	}, s)
	s = strings.TrimLeft(s, ".")
	if s == "" {
		return "unnamed"
	}
	return s[:min(len(s), 200)]
}
