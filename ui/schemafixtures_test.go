package ui

import (
	"reflect"
	"testing"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// pythonSchema is the schema of backend-python, which has a tool for its migrations.
var pythonSchema = incident.Schema("backend-python")

func migration(key string) model.Version {
	return model.Version{Key: key, Label: "migration " + key, Short: key}
}

// migrated tells which migrations of backend-python are applied.
func migrated(s *incident.Snapshot) {
	s.Seen.Ways = append(s.Seen.Ways, incident.Way{Method: "migrate", Title: "migrations", Role: model.RoleSchema, Serves: func(c string) bool { return c == "backend-python" }})
	s.Seen.History[pythonSchema] = &model.History{Component: "backend-python", Method: "migrate", At: ago(20 * time.Second),
		Psql:  "kubectl --context prod-eu -n production exec -it backend-python-5d88c4f7b9-b8v7m -c api -- psql",
		Heads: []model.Head{{Owner: goodRS, Key: "b2c3d4e5f6a1", By: "a pod of it"}},
		Candidates: []model.Candidate{
			{Version: migration("d4e5f6a1b2c3"), Cause: "names in capitals", Current: true, Final: "NotImplementedError: the small letters are gone"},
			{Version: migration("c3d4e5f6a1b2"), Cause: "index names", Refused: "migration d4e5f6a1b2c3 cannot be undone: NotImplementedError: the small letters are gone"},
			{Version: migration("b2c3d4e5f6a1"), Cause: "add email", Refused: "migration d4e5f6a1b2c3 cannot be undone: NotImplementedError: the small letters are gone"},
			{Version: migration("a1b2c3d4e5f6"), Cause: "create users", Refused: "migration d4e5f6a1b2c3 cannot be undone: NotImplementedError: the small letters are gone"}}}
}

// reversible is migrated, and all of it can be undone.
func reversible(s *incident.Snapshot) {
	migrated(s)
	for n := range s.Seen.History[pythonSchema].Candidates {
		k := &s.Seen.History[pythonSchema].Candidates[n]
		k.Final, k.Refused = "", ""
	}
}

// schemaChosen has the schema chosen before the release.
func schemaChosen(s *incident.Snapshot) {
	reversible(s)
	s.Incident.Choices = append(s.Incident.Choices, incident.Choice{Slot: pythonSchema, Method: "migrate", From: migration("d4e5f6a1b2c3"), To: migration("b2c3d4e5f6a1"), Own: true})
}

var schemaPlan = model.Plan{ID: "plan-schema", Method: "migrate", Role: model.RoleSchema, Component: "backend-python", From: migration("d4e5f6a1b2c3"), To: migration("b2c3d4e5f6a1"),
	Title: "Take back 2 migrations of backend-python: the schema goes from d4e5f6a1b2c3 to b2c3d4e5f6a1", Sentence: "data of backend-python will be lost",
	Changes: []model.Change{{Kind: "migration", What: "d4e5f6a1b2c3 names in capitals", From: "applied"}, {Kind: "DROP", What: "ALTER TABLE users DROP COLUMN capitals;"},
		{Kind: "migration", What: "c3d4e5f6a1b2 index names", From: "applied"}, {Kind: "sql", What: "DROP INDEX users_name;"}},
	Stays:   []string{"what is dropped: its data comes back from a backup alone"},
	Command: "kubectl --context prod-eu -n production exec backend-python-5d88c4f7b9-b8v7m -c api -- alembic downgrade b2c3d4e5f6a1"}

// schemaChecked is at Confirm with the schema and the release.
func schemaChecked() *incident.Snapshot {
	s := checked()
	schemaChosen(s)
	s.Seen.Preflight[pythonSchema] = &model.Preflight{Slot: pythonSchema, To: "b2c3d4e5f6a1", Done: true, Plans: []model.Plan{schemaPlan}, Checks: []model.Check{
		{ID: "access.exec", State: model.CheckOK, Text: "you may run commands in pod backend-python-5d88c4f7b9-b8v7m"},
		{ID: "schema", State: model.CheckOK, Text: "the schema is at d4e5f6a1b2c3, by the database; it is asked in pod backend-python-5d88c4f7b9-b8v7m (revision 42)"},
		{ID: "sql:d4e5f6a1b2c3:all", State: model.CheckNote, Text: "d4e5f6a1b2c3: ALTER TABLE users DROP COLUMN capitals;"},
		{ID: "drop:d4e5f6a1b2c3:0", State: model.CheckWarning, Text: "d4e5f6a1b2c3: ALTER TABLE users DROP COLUMN capitals;", Do: "have a backup at hand"}}}
	return s
}

// schemaRolling is at Roll back: the schema is taken back, and the release waits.
func schemaRolling(state incident.AttemptState) *incident.Snapshot {
	s := schemaChecked()
	i := &s.Incident
	i.Step, i.Furthest = incident.RollBack, incident.RollBack
	release := s.Seen.Preflight[python].Plans[0]
	release.Waits = true
	w := incident.Write{Plan: schemaPlan, State: state, Intent: ago(14 * time.Second), Receipt: model.Receipt{At: ago(12 * time.Second), Text: "begun in pod backend-python-5d88c4f7b9-b8v7m"}}
	if state == incident.Stopped {
		w.Err = "alembic failed (exit 1): psycopg2.errors.LockNotAvailable: timeout; half-way: 1 of 2 migrations undone, the schema is at c3d4e5f6a1b2"
	}
	i.Attempts = []incident.Attempt{{N: 1, Confirmed: ago(14 * time.Second), By: "maria", Writes: []incident.Write{w, {Plan: release}}}}
	s.Seen.Progress = map[incident.WriteID]model.Progress{{N: 1, Plan: schemaPlan.ID}: {Phase: model.PhaseRunning, Text: "alembic runs for 12s", Share: .5,
		Lines: []string{"INFO  [alembic.runtime.migration] Running downgrade d4e5f6a1b2c3 -> c3d4e5f6a1b2, names in capitals", "INFO  [alembic.runtime.migration] Running downgrade c3d4e5f6a1b2 -> b2c3d4e5f6a1, index names"}}}
	return s
}

// schemaFixtures are the pages on which migrations are chosen, confirmed and followed.
func schemaFixtures() []fixture {
	keys := func(list ...string) func(a *App) {
		return func(a *App) {
			for _, k := range list {
				pressed(a, k)
			}
		}
	}
	return []fixture{
		{"choose-migrations", with(chosen(), migrated), nil},
		{"choose-schema", with(chosen(), migrated), keys("s")},
		{"choose-schema-chosen", with(chosen(), schemaChosen), keys("s")},
		{"choose-with-schema", with(chosen(), schemaChosen), nil},
		{"choose-schema-unknown", with(chosen(), func(s *incident.Snapshot) {
			migrated(s)
			s.Seen.History[pythonSchema] = &model.History{Component: "backend-python", Method: "migrate", Err: "no pod of revision 42, which has the code of the newest migrations, runs: a command can be run in none",
				Psql: "kubectl --context prod-eu -n data exec -it postgresql-0 -- psql -U shop"}
		}), keys("s")},
		{"confirm-schema", schemaChecked(), nil},
		{"rollback-schema", schemaRolling(incident.Rolling), nil},
		{"rollback-schema-stopped", ask(schemaRolling(incident.Stopped), incident.AskFailed, "the schema of backend-python: alembic failed (exit 1): psycopg2.errors.LockNotAvailable: timeout; half-way: 1 of 2 migrations undone, the schema is at c3d4e5f6a1b2. Nothing of what was to follow was written."), nil},
	}
}

func ask(s *incident.Snapshot, what incident.Asked, text string) *incident.Snapshot {
	s.Incident.Asked, s.Incident.AskText = what, text
	return s
}

// The sentence about the data comes first, then the word; each in its own turn, and both
// reach the engine. Where the plan becomes another one, both are typed anew.
func TestSentenceIsTypedBeforeTheWord(t *testing.T) {
	const sentence, word = "data of backend-python will be lost", "rollback 2"
	confirmed := incident.ConfirmWrite{Word: word, Plans: []string{"plan-schema", "plan-41"}, Sentences: []string{sentence}}
	for name, tt := range map[string]struct {
		typed []string
		want  []incident.Act
	}{
		"both":                 {[]string{sentence, word}, []incident.Act{confirmed}},
		"the word alone":       {[]string{word}, nil},
		"the other way round":  {[]string{word, sentence}, nil},
		"the sentence alone":   {[]string{sentence}, nil},
		"another sentence":     {[]string{"data of backend-python may be lost", word}, nil},
		"the sentence of half": {[]string{"data of backend", word}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a, r := recorded(schemaChecked())
			for _, x := range tt.typed {
				typeWord(a, x)
				pressed(a, "enter")
				pressed(a, "ctrl+u")
			}
			if !reflect.DeepEqual(r.sent, tt.want) {
				t.Errorf("sent %v", r.sent)
			}
		})
	}
	a, r := recorded(schemaChecked())
	typeWord(a, sentence)
	pressed(a, "enter")
	other := schemaChecked()
	other.Seen.Preflight[pythonSchema].Plans[0].ID = "plan-other"
	r.snap = other
	a.Update(changedMsg{})
	typeWord(a, word)
	pressed(a, "enter")
	if len(r.sent) != 0 {
		t.Errorf("what was typed for another plan counts: %v", r.sent)
	}
}

// s turns to the migrations and back; a migration is taken there, or left.
func TestMigrationsAreChosen(t *testing.T) {
	for name, tt := range map[string]struct {
		snap *incident.Snapshot
		keys []string
		want []incident.Act
	}{
		"where the release's code ends": {with(chosen(), reversible), []string{"s", "enter"}, []incident.Act{incident.PickSchema{Component: "backend-python", To: "b2c3d4e5f6a1"}}},
		"an older one":                  {with(chosen(), reversible), []string{"s", "down", "enter"}, []incident.Act{incident.PickSchema{Component: "backend-python", To: "a1b2c3d4e5f6"}}},
		"by space":                      {with(chosen(), reversible), []string{"s", "up", "space"}, []incident.Act{incident.PickSchema{Component: "backend-python", To: "c3d4e5f6a1b2"}}},
		"the newest":                    {with(chosen(), reversible), []string{"s", "up", "up", "space"}, nil},
		"beyond an irreversible one":    {with(chosen(), migrated), []string{"s", "enter"}, nil},
		"left again":                    {with(chosen(), schemaChosen), []string{"s", "space"}, []incident.Act{incident.LeaveSchema{Component: "backend-python"}}},
		"and back":                      {with(chosen(), schemaChosen), []string{"s", "s", "space"}, []incident.Act{incident.Select{Component: "backend-python", On: false}}},
		"none are configured":           {chosen(), []string{"s", "space"}, []incident.Act{incident.Select{Component: "backend-python", On: false}}},
	} {
		t.Run(name, func(t *testing.T) {
			a, r := recorded(tt.snap)
			for _, k := range tt.keys {
				pressed(a, k)
			}
			if !reflect.DeepEqual(r.sent, tt.want) {
				t.Errorf("sent %#v", r.sent)
			}
		})
	}
}
