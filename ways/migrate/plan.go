package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// Plan makes the plan for going back to a migration, with the SQL that it would run, and
// checks it. Nothing is changed: the tools write the SQL without the database.
func (m *Migrate) Plan(ctx context.Context, c *model.Component, to model.Version, out func(model.Preflight)) {
	pf := model.Preflight{Slot: model.Slot{Component: c.ID, Role: model.RoleSchema}, To: to.Key, Started: m.Now(), Done: true}
	defer func() { out(pf) }()
	t, err := m.target(c.ID)
	if err != nil {
		pf.Err = err.Error()
		return
	}
	all, err := m.places(ctx, &t, c.Workload)
	if err != nil {
		pf.Err = model.Told(nil, err, "no plan for the schema of %s: %s", c.ID, err).Error()
		return
	}
	at, err := newest(all, c)
	if err != nil {
		pf.Err = err.Error()
		return
	}
	may := m.checkExec(ctx, at)
	if may.State == model.CheckBlocked {
		pf.Err = may.Text + ": " + may.Do
		return
	}
	s, err := t.tool().read(ctx, m.runner(at))
	if err != nil {
		pf.Err = model.Told(nil, err, "where the schema of %s is cannot be seen: %s", c.ID, err).Error()
		return
	}
	if to, err = aim(s, to); err != nil {
		pf.Err = err.Error()
		return
	}
	pf.To = to.Key
	steps, err := t.tool().undone(ctx, m.runner(at), s, to.Key, true)
	if err != nil {
		pf.Err = model.Told(nil, err, "what would be undone is not known: %s", err).Error()
		return
	}
	p, err := m.makePlan(c, &t, at, s, to, steps)
	if err != nil {
		pf.Err = err.Error()
		return
	}
	pf.Plans = []model.Plan{p}
	pf.Checks = append([]model.Check{may}, lines(c, s, at, steps)...)
	if all := t.tool().back(s, to.Key, steps); len(all) > 1 {
		var each []string
		for n := range all {
			each = append(each, text.Line(strings.Join(all[n].Args, " ")))
		}
		pf.Checks = append(pf.Checks, ways.Line("commands", model.CheckOK, "", "%d commands, each when the database tells that the one before is done: %s", len(all), strings.Join(each, "; ")))
	}
}

// aim returns the migration that is meant; without a key the one before the newest.
func aim(s *state, to model.Version) (model.Version, error) {
	applied := s.applied()
	switch {
	case len(applied) == 0:
		return to, model.Told(nil, nil, "the code in the pod does not know the migration at which the schema is: %s", text.Line(s.At))
	case to.IsZero() && len(applied) > 1:
		return version(applied[1].Key), nil
	case to.IsZero():
		return to, model.Told(nil, nil, "no migration is applied: there is nothing to take back")
	}
	for _, x := range applied {
		if x.Key == to.Key {
			return version(to.Key), nil
		}
	}
	return to, model.Told(nil, nil, "%s is not applied: the schema is at %s, and only what came after a migration can be taken back", to, version(s.At))
}

// Limits of what a plan keeps of the SQL, which stands in the journal.
const (
	sqlLines = 200
	sqlCells = 300
)

func (m *Migrate) makePlan(c *model.Component, t *Target, at place, s *state, to model.Version, steps []step) (model.Plan, error) {
	all := t.tool().back(s, to.Key, steps)
	want := detail{Tool: t.Tool, At: at, From: s.At, To: to.Key, Args: all[0].Args, Then: all[1:]}
	var equal []string
	for n := range all {
		equal = append(equal, text.Line(m.kubectl(at, "", all[n].Args)))
	}
	p := model.Plan{Method: MethodMigrate, Role: model.RoleSchema, Component: c.ID, Workload: c.Workload, From: version(s.At), To: to,
		Title:    fmt.Sprintf("Take back %s of %s: the schema goes from %s to %s", model.Plural(len(steps), "migration"), c.ID, text.Line(s.At), to.Key),
		Stays:    []string{"what is dropped: its data comes back from a backup alone", "data that was changed by a migration, but where its SQL says so"},
		Command:  strings.Join(equal, " && "),
		Sentence: "data of " + c.ID + " may be lost",
		Same:     s.At == to.Key}
	var sql []string
	for n := range steps {
		x := &steps[n]
		want.Steps = append(want.Steps, x.Key)
		p.Changes = append(p.Changes, model.Change{Kind: "migration", What: text.Line(x.Key + " " + x.Title), From: "applied"})
		sql = append(sql, x.Key)
		sql = append(sql, x.SQL...)
		for _, l := range x.SQL {
			if len(p.Changes) >= sqlLines {
				break
			}
			kind := "sql"
			if drop().MatchString(l) {
				kind = "DROP"
			}
			p.Changes = append(p.Changes, model.Change{Kind: kind, What: text.Truncate(text.Line(strings.TrimSpace(l)), sqlCells)})
		}
		if len(x.drops()) > 0 {
			p.Sentence = "data of " + c.ID + " will be lost"
		}
	}
	raw, err := json.Marshal(want)
	if err != nil {
		return p, err
	}
	p.Detail = raw
	of := want
	of.At = place{Owner: at.Owner} // each pod of it does as well
	p.ID = model.Digest(p.Method, p.Component, p.Workload, of, sql)
	return p, nil
}

// kubectl returns the command that runs another in a container, with flags of exec's own.
func (m *Migrate) kubectl(at place, flags string, args []string) string {
	what := "exec "
	if flags != "" {
		what += flags + " "
	}
	what += model.ShellWord(at.Pod)
	if at.Container != "" {
		what += " -c " + model.ShellWord(at.Container)
	}
	return m.pods.KubectlIn(at.Namespace, what+" -- "+words(args))
}

// idExec is the ID of the check whether commands may be run in a pod.
const idExec = "access.exec"

// checkExec tells whether a command can be run in the pod.
func (m *Migrate) checkExec(ctx context.Context, at place) model.Check {
	if m.ReadOnly {
		return ways.Line(idExec, model.CheckBlocked, "start again without --read-only", "rollbook runs read-only: no command is run in a pod, not even to look")
	}
	return m.mayExec(ctx, at.Namespace, at.Pod)
}

// mayExec tells whether the user may run commands in a pod, or in all of a namespace.
func (m *Migrate) mayExec(ctx context.Context, namespace, pod string) model.Check {
	const ask = "ask for the verbs create and get on pods/exec, or let somebody do it who has them"
	ok, err := m.pods.MayExec(ctx, namespace, pod)
	switch {
	case err != nil:
		return ways.Line(idExec, model.CheckUnknown, "", "whether you may run commands in pods of %s is not known: %s", namespace, because(err))
	case !ok:
		return ways.Line(idExec, model.CheckBlocked, ask, "you may not run commands in pods of %s: forbidden", namespace)
	case pod == "":
		return ways.Line(idExec, model.CheckOK, "", "you may run commands in pods of %s (create and get pods/exec)", namespace)
	}
	return ways.Line(idExec, model.CheckOK, "", "you may run commands in pod %s", pod)
}

// lines returns the checks of what the plan is made of.
func lines(c *model.Component, s *state, at place, steps []step) []model.Check {
	out := []model.Check{ways.Line("schema", model.CheckOK, "", "the schema is at %s, by the database; it is asked in pod %s (%s)", text.Line(s.At), at.Pod, c.Running().Name())}
	if s.At != s.All[0].Key {
		out = append(out, ways.Line("schema.behind", model.CheckNote, "", "the newest migration that the code knows, %s, is not applied", text.Line(s.All[0].Key)))
	}
	dropped := 0
	for n := range steps {
		x := &steps[n]
		key := text.Line(x.Key)
		switch {
		case x.Never != "":
			ch := ways.Line("irreversible:"+key, model.CheckBlocked, "go back to a migration after it, or restore from a backup", "%s cannot be undone: %s", key, text.Line(x.Never))
			ch.Hard = true
			out = append(out, ch)
		case x.Unknown != "":
			out = append(out, ways.Line("sql:"+key, model.CheckBlocked, "look at its code, then override it with a reason (o)", "what undoing %s does is not known: %s", key, text.Line(x.Unknown)))
		case x.Nothing:
			out = append(out, ways.Line("nothing:"+key, model.CheckBlocked, "see whether the old code can live with that, then override it with a reason (o)", "undoing %s does nothing: what it did stays", key))
		}
		if len(x.SQL) > 0 {
			out = append(out, ways.Line("sql:"+key+":all", model.CheckNote, "", "%s: %s", key, sqlWords(x.SQL)))
		}
		dropped += len(x.drops())
		for k, d := range x.drops() {
			if k < 3 {
				out = append(out, ways.Line(fmt.Sprintf("drop:%s:%d", key, k), model.CheckWarning, "have a backup at hand", "%s: %s", key, text.Truncate(text.Line(strings.TrimSpace(d)), 120)))
			}
		}
	}
	if dropped == 0 && !slices.ContainsFunc(steps, func(x step) bool { return x.Unknown != "" || x.Never != "" }) {
		out = append(out, ways.Line("drop", model.CheckOK, "", "its SQL drops no table, column or row"))
	}
	return out
}

// sqlWords returns the beginning of a step's SQL, in one line.
func sqlWords(sql []string) string {
	const most = 8
	var out []string
	for n, l := range sql {
		if n == most {
			out = append(out, "… and "+model.Plural(len(sql)-most, "line")+" more")
			break
		}
		if l = text.Line(strings.TrimSpace(l)); !strings.HasPrefix(l, "--") || len(l) > 3 {
			out = append(out, text.Truncate(l, 120))
		}
	}
	return strings.Join(out, " ")
}

// because returns the words of an error.
func because(err error) string {
	if err == nil {
		return ""
	}
	return text.Line(err.Error())
}

// unknownToCode reports whether a read failed because the code is too old.
func unknownToCode(err error) bool { return errors.Is(err, errUnknown) }
