package migrate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// enough is how many migrations are listed.
const enough = 20

// Versions lists the migrations that are applied, by the database, the newest first, and
// at which of them the code of each release ends: as a pod of it says, or rollbook.yaml.
// Where they cannot be seen, what it returns beside the error still has the command for
// psql, if there is one.
func (m *Migrate) Versions(ctx context.Context, c *model.Component, _ time.Time) (*model.History, error) {
	t, err := m.target(c.ID)
	if err != nil {
		return nil, err
	}
	all, err := m.places(ctx, &t, c.Workload)
	if err != nil {
		return nil, model.Told(nil, err, "where the schema of %s is cannot be asked: %s", c.ID, err)
	}
	out := &model.History{Component: c.ID, Method: MethodMigrate, Psql: m.psqlWords(&t, c, all)}
	at, err := newest(all, c)
	if err != nil {
		return out, err
	}
	ask := t.tool()
	var s *state
	var known map[string][]string
	ways.Several(
		func() { s, err = ask.read(ctx, m.runner(at)) },
		func() { known = m.known(ctx, &t, c, all) })
	if err != nil {
		return out, model.Told(nil, err, "where the schema of %s is cannot be seen: %s", c.ID, err)
	}
	applied := s.applied()
	if len(applied) > enough {
		applied = applied[:enough]
	}
	out.At, out.Heads = m.Now(), t.heads(s, known)
	final := map[string]string{}
	if len(applied) > 1 {
		steps, err := ask.undone(ctx, m.runner(at), s, applied[len(applied)-1].Key, false)
		if err != nil {
			out.FiguresErr = "whether they can be undone is not known: " + text.Line(err.Error())
		}
		for _, x := range steps {
			final[x.Key] = x.Never
		}
	}
	refused := ""
	for _, x := range applied {
		k := model.Candidate{Version: version(x.Key), Cause: text.Line(x.Title), Current: x.Key == s.At, Final: final[x.Key], Refused: refused}
		out.Candidates = append(out.Candidates, k)
		if k.Final != "" && refused == "" {
			refused = fmt.Sprintf("%s cannot be undone: %s", k.Label, k.Final)
		}
	}
	return out, nil
}

// most older versions whose pods are asked at which migration their code ends.
const asked = 3

// known returns what the code of each other release knows, as a pod of it says, by owner.
func (m *Migrate) known(ctx context.Context, t *Target, c *model.Component, all map[string]place) map[string][]string {
	owners := slices.Sorted(maps.Keys(all))
	if len(owners) > asked {
		owners = owners[:asked]
	}
	found := make([][]string, len(owners))
	ask := make([]func(), len(owners))
	for n, owner := range owners {
		ask[n] = func() {
			if owner != c.OwnerName {
				found[n], _ = t.tool().knows(ctx, m.runner(all[owner]))
			}
		}
	}
	ways.Several(ask...)
	out := map[string][]string{}
	for n, owner := range owners {
		out[owner] = found[n]
	}
	return out
}

// heads returns at which migration the code of each release ends. What a pod says of its
// own code counts before what is written down of it.
func (t *Target) heads(s *state, known map[string][]string) (out []model.Head) {
	for _, owner := range slices.Sorted(maps.Keys(known)) {
		if key := s.headOf(known[owner]); key != "" && len(known[owner]) > 0 {
			out = append(out, model.Head{Owner: owner, Key: key, By: "a pod of it"})
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(t.Releases)) {
		out = append(out, model.Head{Tag: tag, Key: t.Releases[tag], By: "rollbook.yaml"})
	}
	return out
}
