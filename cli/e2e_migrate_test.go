//go:build e2e

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollbook/engine/porttest"
	"rollbook/ways/migrate/migratetest"
)

// migrated is a shop whose backend-python has a real database and a real project: the old
// release with the old code, and then one with new migrations that breaks it.
type migrated struct {
	ns, at, tool, config string
}

func newMigrated(t *testing.T, tool, to string, without ...string) *migrated {
	t.Helper()
	m := &migrated{ns: shop(t), at: migratetest.Postgres(t, tool), tool: tool}
	command, app, head, up := "[/usr/bin/python3, -m, alembic]", "", "b2c3d4e5f6a1", []string{"-m", "alembic", "upgrade", to}
	if tool == "django" {
		command, app, head, up = "[/usr/bin/python3, manage.py]", ", app: shop", "0001_initial", []string{"manage.py", "migrate", "shop", to}
	}
	m.config = quick + fmt.Sprintf(`components:
  - name: backend-python
    workload: deploy/backend-python
    migrations: {tool: %s, command: %s%s, releases: {"1.42.0": %s}}
  - {name: frontend, workload: deploy/frontend}
  - {name: backend-rust, workload: deploy/backend-rust}
`, tool, command, app, head)
	old, now := migratetest.Project(t, tool, without...), migratetest.Project(t, tool)
	url := migratetest.URL(m.at, tool)
	kubectl(t, "-n", m.ns, "patch", "secret", "backend-python-db", "-p", fmt.Sprintf(`{"stringData":{"DATABASE_URL":%q}}`, url))
	m.release(t, fmt.Sprintf(`{"annotations":{"testbed/workdir":%q}}`, old), "1.42.0")
	serves(t, m.ns)
	migratetest.Run(t, now, url, append([]string{migratetest.Python}, up...)...)
	m.release(t, fmt.Sprintf(`{"annotations":{"testbed/workdir":%q,"testbed/errors":"0.3"}}`, now), "1.43.0")
	return m
}

// release sets image and annotations of backend-python, and waits for the rollout.
func (m *migrated) release(t *testing.T, metadata, tag string) {
	t.Helper()
	kubectl(t, "-n", m.ns, "patch", "deploy", "backend-python", "-p", fmt.Sprintf(
		`{"spec":{"template":{"metadata":%s,"spec":{"containers":[{"name":"api","image":"shop/backend-python:%s"}]}}}}`, metadata, tag))
	kubectl(t, "-n", m.ns, "rollout", "status", "deploy/backend-python", "--timeout=90s")
}

func (m *migrated) image(t *testing.T) string { return imageOf(t, m.ns, "backend-python") }

// toChoose opens the program and goes to Choose.
func (m *migrated) toChoose(t *testing.T, w, h int) *terminal {
	t.Helper()
	term := open(t, w, h, m.config, "", append(prom(t), "-n", m.ns)...)
	term.sees(`ROLL BACK NOW`, 3*time.Minute)
	term.keys("Enter")
	term.sees(`▸2 Decide`, 5*time.Second)
	term.keys("Enter")
	term.sees(`▸3 Choose`, 5*time.Second)
	term.sees(`★ good`, 15*time.Second)
	return term
}

// planned waits for what is shown when the plan is there. A machine may be too slow for
// the tool to answer in the time that a plan has: then it is checked again, as the screen says.
func (m *migrated) planned(term *terminal, pattern string) string {
	term.t.Helper()
	const late = `had\s+not\s+ended\s+after`
	found := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(porttest.Patience(2 * time.Minute)); time.Now().Before(deadline); {
		if s := term.sees(pattern+`|`+late, 40*time.Second); found.MatchString(s) {
			return s
		}
		term.keys("R")
		term.gone(late, 5*time.Second)
	}
	return term.sees(pattern, 40*time.Second)
}

// confirms types the sentence and the word.
func (m *migrated) confirms(term *terminal, sentence, word string) {
	term.t.Helper()
	m.planned(term, `type `+sentence)
	term.types(sentence)
	term.keys("Enter")
	term.confirm(word)
}

// clean fails where the database's password is on the screen, in the journal or in what
// lies beside it.
func (m *migrated) clean(t *testing.T, term *terminal) {
	t.Helper()
	if strings.Contains(term.screen(), migratetest.Password) {
		t.Error("a secret is on the screen")
	}
	err := filepath.Walk(term.dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), migratetest.Password) {
			t.Errorf("a secret is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// story returns the facts of the journal about writes, with the plan's name.
func story(t *testing.T, journal string) string {
	t.Helper()
	var out []string
	names := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(journal), "\n")[1:] {
		var f struct {
			Fact string
			Data struct {
				Plan  string
				Plans []struct{ ID, Role string }
			}
		}
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		for _, p := range f.Data.Plans {
			names[p.ID] = p.Role
		}
		switch f.Fact {
		case "intended", "written", "rolled out", "did not finish", "failed", "lost", "settled":
			out = append(out, names[f.Data.Plan]+" "+f.Fact)
		}
	}
	return strings.Join(out, ", ")
}

// A migration broke production: it is seen, taken back with its SQL shown, proved, and
// then the release goes back.
func TestMigrationIsTakenBackBeforeItsRelease(t *testing.T) {
	t.Parallel()
	m := newMigrated(t, "alembic", "c3d4e5f6a1b2", "versions/c3d4e5f6a1b2_index_names.py", "versions/d4e5f6a1b2c3_names_in_capitals.py", "versions/e5f6a1b2c3d4_nothing_back.py")
	term := m.toChoose(t, 80, 24)
	t.Log(term.sees(`1 migration since 1.42.0; left applied`, 30*time.Second))
	term.keys("s")
	t.Log(term.sees(`c3d4e5f6a1b2 +newest`, 5*time.Second))
	term.sees(`b2c3d4e5f6a1 +1.42.0 ends here +add email`, 5*time.Second)
	term.keys("Enter")
	term.sees(`The schema of backend-python is taken back to b2c3d4e5f6a1`, 5*time.Second)
	term.keys("Enter")
	term.sees(`▸4 Confirm`, 5*time.Second)
	s := m.planned(term, `type data of backend-python may be lost`)
	t.Log(s)
	for n := 0; n < 20 && !regexp.MustCompile(`(?s)c3d4e5f6a1b2:\s+DROP\s+INDEX\s+users_name;`).MatchString(s); n++ {
		term.keys("Tab")
		s = term.screen()
	}
	if !regexp.MustCompile(`(?s)c3d4e5f6a1b2:\s+DROP\s+INDEX\s+users_name;`).MatchString(s) {
		t.Errorf("its SQL is not shown:\n%s", s)
	}
	m.confirms(term, "data of backend-python may be lost", "rollback 2")
	term.sees(`▸5 Roll back`, 5*time.Second)
	t.Log(term.sees(`✓ taken back`, time.Minute))
	t.Log(term.sees(`✓ rolled out after`, time.Minute))
	if got := migratetest.SQL(t, m.at, "alembic", "SELECT version_num FROM alembic_version"); got != "b2c3d4e5f6a1" {
		t.Errorf("the schema is at %s", got)
	}
	if got := m.image(t); got != "shop/backend-python:1.42.0" {
		t.Errorf("the cluster runs %s", got)
	}
	if got, want := story(t, term.journal()), "schema intended, schema written, schema rolled out, release intended, release written, release rolled out"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	term.keys("Enter")
	term.sees(`▸6 Verify`, 5*time.Second)
	term.sees(`VERIFIED: green for`, 5*time.Minute)
	m.clean(t, term)
}

// Django's migrations are undone one by one: one that fails leaves the schema half-way.
// That is told, the release is not touched, and it goes on from there.
func TestMigrationThatStopsHalfWay(t *testing.T) {
	t.Parallel()
	m := newMigrated(t, "django", "0003", "shop/migrations/0002_add_email.py", "shop/migrations/0003_index_names.py", "shop/migrations/0004_trim.py")
	migratetest.Refuse(t, m.at, "django", "ALTER TABLE")
	term := m.toChoose(t, 120, 40)
	t.Log(term.sees(`2 migrations since 1.42.0; left applied`, 30*time.Second))
	term.keys("s")
	term.sees(`0003_index_names +newest`, 5*time.Second)
	term.keys("Enter")
	term.sees(`The schema of backend-python is taken back to 0001_initial`, 5*time.Second)
	term.keys("Enter")
	t.Log(m.planned(term, `DROP COLUMN\s+"email"`))
	m.confirms(term, "data of backend-python will be lost", "rollback 2")
	t.Log(term.sees(`half-way:\s+1\s+of\s+2\s+migrations\s+undone`, time.Minute))
	if got := m.image(t); got != "shop/backend-python:1.43.0" {
		t.Errorf("the release was touched: %s", got)
	}
	if got, want := story(t, term.journal()), "schema intended, schema written, schema did not finish"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	migratetest.SQL(t, m.at, "django", "DROP EVENT TRIGGER refused")
	m.confirms(term, "data of backend-python will be lost", "rollback 2")
	term.sees(`✓ taken back`, time.Minute)
	t.Log(term.sees(`✓ rolled out after`, time.Minute))
	if got := migratetest.SQL(t, m.at, "django", "SELECT string_agg(name, ',') FROM django_migrations"); got != "0001_initial" {
		t.Errorf("the schema is at %s", got)
	}
	m.clean(t, term)
}

// Irreversible ones are told on Choose, and cannot be chosen. After the release went back
// alone, with the old code nothing can be taken back, and Django's “No migrations to
// apply” is not taken for a success.
func TestIrreversibleMigrationBlocks(t *testing.T) {
	t.Parallel()
	m := newMigrated(t, "django", "0004", "shop/migrations/0002_add_email.py", "shop/migrations/0003_index_names.py", "shop/migrations/0004_trim.py")
	out := doctor(t, m.ns, m.config)
	contains(t, "doctor", out, "migrations backend-python", "django runs in pod backend-python-", "the schema is at 0004_trim",
		"✓ ok access exec backend-python you may run commands in pods of "+m.ns)
	contains(t, "doctor of a viewer", doctor(t, m.ns, m.config, "--context", "viewer"), "✗ failed access exec backend-python you may not run commands in pods of "+m.ns+": forbidden",
		"do: ask for the verbs create and get on pods/exec")
	term := m.toChoose(t, 120, 40)
	term.sees(`3 migrations since 1.42.0, one irreversible`, 30*time.Second)
	term.keys("s")
	t.Log(term.sees(`0004_trim cannot be undone`, 5*time.Second))
	term.keys("Enter")
	term.never(`is taken back to`, time.Second)
	term.keys("s", "Enter")
	term.sees(`▸4 Confirm`, 5*time.Second)
	t.Log(term.sees(`3 migrations since 1.42.0, one irreversible: left applied`, 10*time.Second))
	term.confirm("backend-python")
	term.sees(`✓ rolled out after`, time.Minute)
	term.keys("3")
	term.sees(`▸3 Choose`, 5*time.Second)
	t.Log(term.sees(`does not know 0002_add_email, 0003_index_names`, 30*time.Second))
	m.clean(t, term)
}

// A program that is killed while the command runs asks the database how far it came, and
// confirms the rest anew.
func TestKilledWhileMigrationsAreTakenBack(t *testing.T) {
	t.Parallel()
	m := newMigrated(t, "alembic", "c3d4e5f6a1b2", "versions/c3d4e5f6a1b2_index_names.py", "versions/d4e5f6a1b2c3_names_in_capitals.py", "versions/e5f6a1b2c3d4_nothing_back.py")
	lock := exec.Command("psql", "-X", "-q", migratetest.URL(m.at, "alembic"), "-c", "BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(7200)")
	if err := lock.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = lock.Process.Kill()
		_ = lock.Wait()
	}()
	dir := t.TempDir()
	args := append(prom(t), "-n", m.ns)
	term := open(t, 120, 40, m.config, dir, args...)
	term.sees(`ROLL BACK NOW`, 3*time.Minute)
	term.keys("Enter")
	term.sees(`▸2 Decide`, 5*time.Second)
	term.keys("Enter")
	term.sees(`1 migration since 1.42.0; left applied`, 45*time.Second)
	term.keys("s")
	term.sees(`c3d4e5f6a1b2 +newest`, 5*time.Second)
	term.keys("Enter")
	term.sees(`is taken back to b2c3d4e5f6a1`, 5*time.Second)
	term.keys("Enter")
	m.confirms(term, "data of backend-python may be lost", "rollback 2")
	t.Log(term.sees(`Running downgrade`, time.Minute))
	if got := m.image(t); got != "shop/backend-python:1.43.0" {
		t.Errorf("the release did not wait: %s", got)
	}
	term.kill()
	migratetest.SQL(t, m.at, "postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'alembic'")
	term = open(t, 120, 40, m.config, dir, args...)
	t.Log(term.sees(`(?i)nothing was undone|the schema of backend-python was not written|still as it was before`, time.Minute))
	m.confirms(term, "data of backend-python may be lost", "rollback 2")
	term.sees(`✓ taken back`, time.Minute)
	t.Log(term.sees(`✓ rolled out after`, time.Minute))
	if got := migratetest.SQL(t, m.at, "alembic", "SELECT version_num FROM alembic_version"); got != "b2c3d4e5f6a1" {
		t.Errorf("the schema is at %s", got)
	}
	m.clean(t, term)
}

// The terminal is lent to a psql in the pod, by kubectl exec -it: what is typed is done
// there, on a terminal of this size, and after it the schema is asked again.
func TestPsqlHasTheTerminal(t *testing.T) {
	t.Parallel()
	m := newMigrated(t, "alembic", "c3d4e5f6a1b2", "versions/c3d4e5f6a1b2_index_names.py", "versions/d4e5f6a1b2c3_names_in_capitals.py", "versions/e5f6a1b2c3d4_nothing_back.py")
	m.config = strings.Replace(m.config, "releases:", `psql: {command: [sh, -c, 'psql -X "$DATABASE_URL"']}, releases:`, 1)
	term := m.toChoose(t, 100, 30)
	term.sees(`1 migration since 1.42.0; left applied`, 30*time.Second)
	term.keys("s")
	term.sees(`c3d4e5f6a1b2 +newest`, 5*time.Second)
	term.keys("p")
	t.Log(term.sees(`psql on the database of backend-python`, 20*time.Second))
	term.keys("Enter")
	term.sees(`alembic=#`, 30*time.Second)
	term.types(`\! stty size`)
	term.keys("Enter")
	term.sees(`\n30 100 *\n`, 10*time.Second)
	term.types(`UPDATE alembic_version SET version_num = 'b2c3d4e5f6a1' \g`)
	term.keys("Enter")
	t.Log(term.sees(`\nUPDATE 1 *\n`, 10*time.Second))
	term.tmux("resize-window", "-x", "90", "-y", "28")
	term.types(`\! sleep 1; stty size`)
	term.keys("Enter")
	term.sees(`\n28 90 *\n`, 10*time.Second)
	term.types(`\q`)
	term.keys("Enter")
	term.sees(`▸3 Choose`, 10*time.Second)
	t.Log(term.sees(`b2c3d4e5f6a1 +newest`, 30*time.Second))
	if got := migratetest.SQL(t, m.at, "alembic", "SELECT version_num FROM alembic_version"); got != "b2c3d4e5f6a1" {
		t.Errorf("the schema is at %s", got)
	}
	if j := term.journal(); !strings.Contains(j, `"fact":"shell"`) || !strings.Contains(j, `"fact":"shell left"`) {
		t.Error("the journal does not tell that psql was opened and left")
	}
	m.clean(t, term)
}
