// Package schema is a database's schema in memory, with the tool that brings it from one
// migration to another: it answers as Alembic 1.8 does, in its words, exit codes and
// order of lines.
package schema

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// A Migration is one step of the schema.
type Migration struct {
	Key, Title string
	SQL        []string // of going back
	// Raises is what its downgrade() raises; "" = nothing.
	Raises string
	// Fails is what the database says when it goes back, which no dry run shows.
	Fails string
}

// Schema is a schema and its migrations. Its fields are set before it is used.
type Schema struct {
	All []Migration // the oldest first
	// Takes is how long each step takes.
	Takes time.Duration
	// Each says that each step is a transaction of its own: one that fails leaves the
	// schema half-way. Otherwise they are undone together or not at all.
	Each bool
	// Env is what env.py prints; "" = nothing.
	Env string

	mu    sync.Mutex
	at    int // how many are applied
	begun int // downgrades
}

// New returns a schema at its newest migration.
func New(all ...Migration) *Schema { return &Schema{All: all, at: len(all)} }

// At returns the newest migration that is applied; "" = none is.
func (s *Schema) At() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key(s.at)
}

// Set brings the schema to a migration, as somebody does by hand.
func (s *Schema) Set(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = s.number(key)
}

// Downgrades returns how many commands that take migrations back were begun.
func (s *Schema) Downgrades() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun
}

func (s *Schema) key(n int) string {
	if n == 0 {
		return ""
	}
	return s.All[n-1].Key
}

// number returns how many migrations are applied at one; -1 = it is not known.
func (s *Schema) number(key string) int {
	if key == "base" || key == "" {
		return 0
	}
	for n := range s.All {
		if s.All[n].Key == key {
			return n + 1
		}
	}
	return -1
}

// Alembic runs the tool with some arguments, by code that knows only so many migrations.
func (s *Schema) Alembic(ctx context.Context, known int, args []string, say func(stderr bool, text string)) int {
	out := func(format string, a ...any) { say(false, fmt.Sprintf(format+"\n", a...)) }
	info := func(format string, a ...any) {
		say(true, fmt.Sprintf("INFO  [alembic.runtime.migration] "+format+"\n", a...))
	}
	env := func() {
		if s.Env != "" {
			out("%s", s.Env)
		}
		info("Context impl PostgresqlImpl.")
	}
	known = min(known, len(s.All))
	s.mu.Lock()
	at := s.at
	s.mu.Unlock()
	lost := func(key string) int {
		out("FAILED: Can't locate revision identified by '%s'", key)
		return 255
	}
	switch args = append(args, "", ""); args[0] {
	case "current":
		env()
		switch {
		case at > known:
			return lost(s.key(at))
		case at == known && at > 0:
			out("%s (head)", s.key(at))
		case at > 0:
			out("%s", s.key(at))
		}
		return 0
	case "heads":
		out("%s (head)", s.key(known))
		return 0
	case "history":
		for n := known; n > 0; n-- {
			from, head := s.key(n-1), ""
			if from == "" {
				from = "<base>"
			}
			if n == known {
				head = " (head)"
			}
			out("%s -> %s%s, %s", from, s.key(n), head, s.All[n-1].Title)
		}
		return 0
	case "downgrade":
		if args[2] == "--sql" {
			from, to, _ := strings.Cut(args[1], ":")
			if s.number(from) < 0 || s.number(from) > known {
				return lost(from)
			}
			return s.write(s.number(from), s.number(to), out, say)
		}
		env()
		if at > known {
			return lost(s.key(at))
		}
		return s.back(ctx, s.number(args[1]), info, say)
	}
	say(true, "alembic: error: argument: invalid choice: '"+args[0]+"'\n")
	return 2
}

// raised writes a traceback that ends in an error.
func raised(say func(bool, string), what string) int {
	say(true, "Traceback (most recent call last):\n  File \"versions/x.py\", line 13, in downgrade\n    raise\n"+what+"\n")
	return 1
}

// write writes the SQL of going back, which runs no database.
func (s *Schema) write(from, to int, out func(string, ...any), say func(bool, string)) int {
	if s.Env != "" {
		out("%s", s.Env)
	}
	out("BEGIN;\n")
	for n := from; n > to; n-- {
		m := s.All[n-1]
		out("-- Running downgrade %s -> %s\n", m.Key, s.key(n-1))
		if m.Raises != "" {
			return raised(say, m.Raises)
		}
		for _, l := range m.SQL {
			out("%s\n", l)
		}
		if n > 1 {
			out("UPDATE alembic_version SET version_num='%s' WHERE alembic_version.version_num = '%s';\n", s.key(n-1), m.Key)
		} else {
			out("DELETE FROM alembic_version WHERE alembic_version.version_num = '%s';\n", m.Key)
		}
	}
	out("COMMIT;\n")
	return 0
}

// back goes back, each step in its time.
func (s *Schema) back(ctx context.Context, to int, info func(string, ...any), say func(bool, string)) int {
	s.mu.Lock()
	s.begun++
	at := s.at
	s.mu.Unlock()
	for n := at; n > to; n-- {
		m := s.All[n-1]
		info("Running downgrade %s -> %s, %s", m.Key, s.key(n-1), m.Title)
		select {
		case <-ctx.Done():
			return 137
		case <-time.After(s.Takes):
		}
		switch {
		case m.Raises != "":
			return raised(say, m.Raises)
		case m.Fails != "":
			return raised(say, m.Fails)
		}
		if s.Each {
			s.mu.Lock()
			s.at = n - 1
			s.mu.Unlock()
		}
	}
	s.mu.Lock()
	s.at = to
	s.mu.Unlock()
	return 0
}
