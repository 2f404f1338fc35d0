//go:build e2e

package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/model"
	"rollbook/ways/migrate"
	"rollbook/ways/migrate/migratetest"
)

// here runs the real tools on this machine, in the folder of each version's code.
type here struct {
	url  string
	dirs map[string]string // by owner
}

func (h *here) KubectlIn(namespace, what string) string {
	return "kubectl -n " + namespace + " " + what
}

func (h *here) MayExec(context.Context, string, string) (bool, error) { return true, nil }

func (h *here) RunningPods(context.Context, model.Workload) (out []model.Pod, err error) {
	for owner := range h.dirs {
		out = append(out, model.Pod{Name: owner + "-1", Owner: owner, Ready: true, Names: []string{"api"}})
	}
	return out, nil
}

func (h *here) Exec(ctx context.Context, _, pod, _ string, args []string, line func(bool, string)) (int, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = h.dirs[strings.TrimSuffix(pod, "-1")]
	cmd.Env = append(os.Environ(), "DATABASE_URL="+h.url, "PYTHONDONTWRITEBYTECODE=1")
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	for n, s := range []string{out.String(), errs.String()} {
		for l := range strings.Lines(s) {
			line(n == 1, strings.TrimSuffix(l, "\n"))
		}
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// real has a project of a tool, all of whose migrations are applied, and its code of
// before the last two.
func real(t *testing.T, tool string, without ...string) (*here, string) {
	t.Helper()
	at := migratetest.Postgres(t, tool)
	h := &here{migratetest.URL(at, tool), map[string]string{"api-new": migratetest.Project(t, tool), "api-old": migratetest.Project(t, tool, without...)}}
	up := []string{migratetest.Python, "-m", "alembic", "upgrade", "c3d4e5f6a1b2"}
	if tool == migrate.Django {
		up = []string{migratetest.Python, "manage.py", "migrate", "shop", "0003"}
	}
	migratetest.Run(t, h.dirs["api-new"], h.url, up...)
	return h, at
}

func (h *here) alembic() *migrate.Migrate {
	return migrate.New(h, map[string]migrate.Target{"api": {Tool: migrate.Alembic, Command: []string{migratetest.Python, "-m", "alembic"}}}, migrate.Options{Now: time.Now})
}

func (h *here) django() *migrate.Migrate {
	return migrate.New(h, map[string]migrate.Target{"api": {Tool: migrate.Django, Command: []string{migratetest.Python, "manage.py"}, Apps: []string{"shop"}}}, migrate.Options{Now: time.Now})
}

func ended(t *testing.T, m *migrate.Migrate, p model.Plan) model.Progress {
	t.Helper()
	r, err := m.Do(t.Context(), p, nil)
	if err != nil {
		return model.Progress{Text: err.Error()}
	}
	all := follow(t, m, p, r)
	return all[len(all)-1]
}

func blocked(t *testing.T, m *migrate.Migrate, key string) (out []string) {
	t.Helper()
	for _, k := range preflight(t, m, to(key)).Checks {
		if k.State == model.CheckBlocked {
			out = append(out, k.ID+": "+k.Text)
		}
	}
	return out
}

func has(p model.Plan, kind, words string) bool {
	return slices.ContainsFunc(p.Changes, func(c model.Change) bool { return c.Kind == kind && strings.Contains(c.What, words) })
}

func TestRealAlembic(t *testing.T) {
	h, at := real(t, migrate.Alembic, "versions/c3d4e5f6a1b2_index_names.py", "versions/d4e5f6a1b2c3_names_in_capitals.py", "versions/e5f6a1b2c3d4_nothing_back.py")
	m := h.alembic()
	hist, err := m.Versions(t.Context(), component(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if c := hist.Current(); c == nil || c.Key != "c3d4e5f6a1b2" || len(hist.Candidates) != 4 || hist.Candidates[1].Cause != "add email" {
		t.Errorf("%+v", hist.Candidates)
	}
	if want := (model.Head{Owner: "api-old", Key: "b2c3d4e5f6a1", By: "a pod of it"}); len(hist.Heads) != 1 || hist.Heads[0] != want {
		t.Errorf("%+v", hist.Heads)
	}
	p := planFor(t, m, "a1b2c3d4e5f6")
	if !has(p, "DROP", "ALTER TABLE users DROP COLUMN email;") || !has(p, "sql", "DROP INDEX users_name;") || p.Sentence != "data of api will be lost" {
		t.Errorf("%+v", p)
	}
	// One that fails is undone as a whole: alembic has one transaction.
	migratetest.Refuse(t, at, "alembic", "ALTER TABLE")
	if got := ended(t, m, p); !strings.Contains(got.Text, "still at c3d4e5f6a1b2") || !strings.Contains(got.Text, "somebody holds it") {
		t.Errorf("%+v", got)
	}
	migratetest.SQL(t, at, "alembic", "DROP EVENT TRIGGER refused")
	if got := ended(t, m, p); got.Phase != model.PhaseFinished {
		t.Errorf("%+v", got)
	}
	if got := migratetest.SQL(t, at, "alembic", "SELECT version_num FROM alembic_version"); got != "a1b2c3d4e5f6" {
		t.Errorf("at %s", got)
	}
	migratetest.Run(t, h.dirs["api-new"], h.url, migratetest.Python, "-m", "alembic", "upgrade", "head")
	if got := blocked(t, m, "b2c3d4e5f6a1"); len(got) != 2 || !strings.Contains(got[0], "nothing:e5f6a1b2c3d4") || !strings.Contains(got[1], "d4e5f6a1b2c3 cannot be undone: NotImplementedError: the small letters are gone") {
		t.Errorf("%q", got)
	}
	// With the old code alone nothing is known, and nothing done.
	old := component()
	old.OwnerName = "api-old"
	if _, err := m.Versions(t.Context(), old, time.Time{}); err == nil || !strings.Contains(err.Error(), "Can't locate revision") {
		t.Errorf("%v", err)
	}
}

// Branches, and a merge of them: where it is at both nothing is offered; after the merge
// what the release brought is taken back, and no more.
func TestRealAlembicBranches(t *testing.T) {
	h, at := real(t, migrate.Alembic)
	m, dir := h.alembic(), h.dirs["api-new"]
	write := func(key, down, label, title string) {
		t.Helper()
		body := fmt.Sprintf("\"\"\"%s\"\"\"\nfrom alembic import op\nrevision = %q\ndown_revision = %s\nbranch_labels = %s\n"+
			"def upgrade(): op.execute('CREATE TABLE t_%s (id int)')\ndef downgrade(): op.execute('DROP TABLE t_%s')\n", title, key, down, label, key, key)
		if err := os.WriteFile(filepath.Join(dir, "versions", key+".py"), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"d4e5f6a1b2c3_names_in_capitals.py", "e5f6a1b2c3d4_nothing_back.py"} {
		if err := os.Remove(filepath.Join(dir, "versions", f)); err != nil {
			t.Fatal(err)
		}
	}
	write("a9aaaaaaaaaa", `"c3d4e5f6a1b2"`, `("orders-2",)`, "orders")
	write("b9bbbbbbbbbb", `"c3d4e5f6a1b2"`, `("billing",)`, "billing")
	up := func() {
		t.Helper()
		migratetest.Run(t, dir, h.url, migratetest.Python, "-m", "alembic", "upgrade", "heads")
	}
	up()
	_, err := m.Versions(t.Context(), component(), time.Time{})
	if err == nil || !strings.Contains(err.Error(), "at 2 migrations at once: a9aaaaaaaaaa (orders-2) orders; b9bbbbbbbbbb (billing) billing") {
		t.Errorf("%v", err)
	}
	if pf := preflight(t, m, to("c3d4e5f6a1b2")); len(pf.Plans) > 0 || !strings.Contains(pf.Err, "undoes them all") {
		t.Errorf("%+v", pf)
	}
	write("c9cccccccccc", `("a9aaaaaaaaaa", "b9bbbbbbbbbb")`, "None", "both")
	write("d9dddddddddd", `"c9cccccccccc"`, "None", "after both")
	up()
	hist, err := m.Versions(t.Context(), component(), time.Time{})
	if err != nil || len(hist.Candidates) != 2 || hist.Candidates[1].Key != "c9cccccccccc" || !strings.Contains(hist.Candidates[1].Cause, "merges a9aaaaaaaaaa and b9bbbbbbbbbb") {
		t.Fatalf("%+v, %v", hist, err)
	}
	if got := ended(t, m, planFor(t, m, "c9cccccccccc")); got.Phase != model.PhaseFinished {
		t.Errorf("%+v", got)
	}
	if got := migratetest.SQL(t, at, "alembic", "SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_tables WHERE tablename LIKE 't\\_%'"); got != "t_a9aaaaaaaaaa,t_b9bbbbbbbbbb,t_c9cccccccccc" {
		t.Errorf("left: %s", got)
	}
}

func TestRealDjango(t *testing.T) {
	h, at := real(t, migrate.Django, "shop/migrations/0003_index_names.py", "shop/migrations/0004_trim.py")
	m := h.django()
	hist, err := m.Versions(t.Context(), component(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if c := hist.Current(); c == nil || c.Key != "0003_index_names" || len(hist.Candidates) != 4 {
		t.Errorf("%+v", hist.Candidates)
	}
	if want := (model.Head{Owner: "api-old", Key: "0002_add_email", By: "a pod of it"}); len(hist.Heads) != 1 || hist.Heads[0] != want {
		t.Errorf("%+v", hist.Heads)
	}
	p := planFor(t, m, "0001_initial")
	if !has(p, "DROP", `ALTER TABLE "shop_customer" DROP COLUMN "email" CASCADE;`) || !has(p, "sql", `DROP INDEX IF EXISTS "customer_name";`) {
		t.Errorf("%+v", p.Changes)
	}
	// Each migration of Django is a transaction of its own: it stops half-way.
	migratetest.Refuse(t, at, "django", "ALTER TABLE")
	if got := ended(t, m, p); got.Phase != model.PhaseFailed || !strings.Contains(got.Text, "half-way: 1 of 2 migrations undone, the schema is at 0002_add_email") || !strings.Contains(got.Text, "somebody holds it") {
		t.Errorf("%+v", got)
	}
	migratetest.SQL(t, at, "django", "DROP EVENT TRIGGER refused")
	if got := ended(t, m, planFor(t, m, "0001_initial")); got.Phase != model.PhaseFinished {
		t.Errorf("%+v", got)
	}
	if got := migratetest.SQL(t, at, "django", "SELECT string_agg(name, ',') FROM django_migrations"); got != "0001_initial" {
		t.Errorf("at %s", got)
	}
	migratetest.Run(t, h.dirs["api-new"], h.url, migratetest.Python, "manage.py", "migrate", "shop")
	if got := blocked(t, m, "0002_add_email"); len(got) != 1 || !strings.Contains(got[0], "0004_trim cannot be undone: Raw Python operation -> IRREVERSIBLE") {
		t.Errorf("%q", got)
	}
	// With the old code Django says "No migrations to apply.", which is no success.
	old := component()
	old.OwnerName = "api-old"
	if _, err := m.Versions(t.Context(), old, time.Time{}); err == nil || !strings.Contains(err.Error(), "does not know 0003_index_names, 0004_trim of shop, which is applied") {
		t.Errorf("%v", err)
	}
}

// addApp adds an app to a project of Django, whose migrations run SQL alone.
func addApp(t *testing.T, dir string, migrations map[string]string) {
	t.Helper()
	files := map[string]string{"orders/__init__.py": "", "orders/migrations/__init__.py": ""}
	for name, body := range migrations {
		files["orders/migrations/"+name+".py"] = "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n" + body
	}
	for name, body := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	settings := filepath.Join(dir, "project", "settings.py")
	raw, err := os.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(settings, []byte(strings.Replace(string(raw), `["shop"]`, `["shop", "orders"]`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// An app that rests on another goes back before it: where the command stops between them,
// what is undone of which is told, and it goes on from there.
func TestRealDjangoApps(t *testing.T) {
	h, at := real(t, migrate.Django)
	m, dir := h.django(), h.dirs["api-new"]
	addApp(t, dir, map[string]string{"0001_initial": "    dependencies = [('shop', '0003_index_names')]\n    operations = [migrations.RunSQL('CREATE TABLE orders (id int)', 'DROP TABLE orders')]\n"})
	migratetest.Run(t, dir, h.url, migratetest.Python, "manage.py", "migrate", "orders")
	p := planFor(t, m, "0002_add_email")
	if !has(p, "DROP", "DROP TABLE orders") || !has(p, "migration", "orders.0001_initial") || !has(p, "migration", "0003_index_names") {
		t.Errorf("%+v", p.Changes)
	}
	migratetest.Refuse(t, at, "django", "DROP INDEX")
	if got := ended(t, m, p); got.Phase != model.PhaseFailed || !strings.Contains(got.Text, "half-way: 1 of 2 migrations undone, the schema is at 0003_index_names, undone is orders.0001_initial") {
		t.Errorf("%+v", got)
	}
	migratetest.SQL(t, at, "django", "DROP EVENT TRIGGER refused")
	if got := ended(t, m, planFor(t, m, "0002_add_email")); got.Phase != model.PhaseFinished {
		t.Errorf("%+v", got)
	}
}

// Several apps that are configured go back each to its own migration, one command after the
// other, in the order in which they were applied: of a release that brought one of each.
func TestRealDjangoConfiguredApps(t *testing.T) {
	h, at := real(t, migrate.Django, "shop/migrations/0003_index_names.py", "shop/migrations/0004_trim.py")
	first := "    dependencies = [('shop', '0001_initial')]\n    operations = [migrations.RunSQL('CREATE TABLE orders (id int)', 'DROP TABLE orders')]\n"
	second := "    dependencies = [('orders', '0001_initial')]\n    operations = [migrations.RunSQL('ALTER TABLE orders ADD total int', 'ALTER TABLE orders DROP COLUMN total')]\n"
	addApp(t, h.dirs["api-new"], map[string]string{"0001_initial": first, "0002_total": second})
	addApp(t, h.dirs["api-old"], map[string]string{"0001_initial": first})
	run := func(args ...string) {
		t.Helper()
		migratetest.Run(t, h.dirs["api-new"], h.url, append([]string{migratetest.Python, "manage.py", "migrate"}, args...)...)
	}
	run("shop", "0002")
	run("orders", "0001")
	run("shop", "0003")
	run("orders", "0002")
	m := migrate.New(h, map[string]migrate.Target{"api": {Tool: migrate.Django, Command: []string{migratetest.Python, "manage.py"}, Apps: []string{"shop", "orders"}}}, migrate.Options{Now: time.Now})
	hist, err := m.Versions(t.Context(), component(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, c := range hist.Candidates {
		keys = append(keys, c.Key)
	}
	if got := strings.Join(keys, " "); got != "orders.0002_total shop.0003_index_names orders.0001_initial shop.0002_add_email shop.0001_initial zero" {
		t.Errorf("%s", got)
	}
	if want := (model.Head{Owner: "api-old", Key: "orders.0001_initial", By: "a pod of it"}); len(hist.Heads) != 1 || hist.Heads[0] != want {
		t.Errorf("%+v", hist.Heads)
	}
	p := planFor(t, m, "orders.0001_initial")
	if !has(p, "DROP", "ALTER TABLE orders DROP COLUMN total") || !has(p, "sql", `DROP INDEX IF EXISTS "customer_name";`) || !strings.HasSuffix(p.Command, "manage.py migrate --no-color --noinput shop 0002_add_email") {
		t.Errorf("%+v", p)
	}
	// The first command is done and proved, and the second fails: the rest is planned anew.
	migratetest.Refuse(t, at, "django", "DROP INDEX")
	if got := ended(t, m, p); got.Phase != model.PhaseFailed || !strings.Contains(got.Text, "half-way: 1 of 2 migrations undone, the schema is at shop.0003_index_names") || !strings.Contains(got.Text, "somebody holds it") {
		t.Errorf("%+v", got)
	}
	migratetest.SQL(t, at, "django", "DROP EVENT TRIGGER refused")
	if got := ended(t, m, planFor(t, m, "orders.0001_initial")); got.Phase != model.PhaseFinished {
		t.Errorf("%+v", got)
	}
	if got := migratetest.SQL(t, at, "django", "SELECT string_agg(app || '.' || name, ' ' ORDER BY id) FROM django_migrations"); got != "shop.0001_initial shop.0002_add_email orders.0001_initial" {
		t.Errorf("at %s", got)
	}
	// Two commands to the beginning, each proved.
	if got := ended(t, m, planFor(t, m, "zero")); got.Phase != model.PhaseFinished || !strings.Contains(got.Text, "3 migrations undone") {
		t.Errorf("%+v", got)
	}
	if got := migratetest.SQL(t, at, "django", "SELECT count(*) FROM pg_tables WHERE tablename IN ('orders', 'shop_customer')"); got != "0" {
		t.Errorf("%s tables are left", got)
	}
}
