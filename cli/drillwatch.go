package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/replay"
	"rollbook/ui"
)

// newestDrill stands for the newest drill that is not closed, where a name may be given.
const newestDrill = "newest"

// watchDrill looks on at a drill from its journal, at the end of which it stays.
func watchDrill(ctx context.Context, f *flags, name string, errs io.Writer) error {
	cfg, err := looseConfig(f)
	if err != nil {
		return err
	}
	all, _, err := shelf(f, cfg)
	if err != nil {
		return err
	}
	b, err := drillNamed(all, name, errs)
	if err != nil {
		return err
	}
	r, err := replay.Open(journal.NewTail(b.Content), b.Path)
	if err != nil {
		return fmt.Errorf("look on at %s: %w", b.name, err)
	}
	r.Last()
	if err := noScreen("looking on at a drill", "rollbook report "+b.name); err != nil {
		return err
	}
	return showAgain(ctx, r, ui.Options{Start: time.Now(), Session: ui.Watching(r)})
}

// drillNamed reads the drill of that name, or the newest that is open.
func drillNamed(all []shelved, name string, errs io.Writer) (book, error) {
	drills := drillsAmong(all)
	if name != newestDrill {
		return findBook(drills, name, errs)
	}
	for _, s := range drills {
		if b, err := s.read(); err == nil && !b.Closed() {
			return b, nil
		}
	}
	return book{}, errors.New("no drill is open here: --journal-dir names another folder; rollbook replay shows one that is over")
}

// drillsAmong returns the incidents that are drills, the newest first: the name says both.
func drillsAmong(all []shelved) []shelved {
	drills := slices.DeleteFunc(slices.Clone(all), func(s shelved) bool { return !strings.HasPrefix(s.name, incident.DrillPrefix) })
	slices.SortFunc(drills, func(a, b shelved) int { return strings.Compare(b.name, a.name) })
	return drills
}
