// Package migratetest has a real PostgreSQL and real projects of Alembic and Django, from
// Debian's packages postgresql, python3-alembic, python3-django and python3-psycopg2, for
// the end-to-end tests of what takes migrations back.
package migratetest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Python runs the tools: the system's own, which has Debian's packages.
const Python = "/usr/bin/python3"

// Password is what a database's URL bears, and nobody may see.
const Password = "canary-of-the-database"

// Postgres starts a server with empty databases, and returns its address.
func Postgres(t testing.TB, databases ...string) (at string) {
	t.Helper()
	all, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(all) == 0 {
		t.Fatal("there is no PostgreSQL: apt-get install postgresql python3-alembic python3-django python3-psycopg2")
	}
	bin := all[len(all)-1]
	dir, err := os.MkdirTemp("", "rollbook-postgres-*") //nolint:usetesting // the server's user must get there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at = l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(at)
	run := func(name string, args ...string) {
		t.Helper()
		args = append([]string{name}, args...)
		if os.Getuid() == 0 { // which it does not run as
			args = append([]string{"runuser", "-u", "postgres", "--"}, args...)
		}
		cmd := exec.CommandContext(context.Background(), args[0], args[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	if os.Getuid() == 0 {
		if out, err := exec.CommandContext(context.Background(), "chown", "postgres", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	data := filepath.Join(dir, "data")
	run(filepath.Join(bin, "initdb"), "-D", data, "-A", "trust", "-U", "postgres", "--no-sync")
	run(filepath.Join(bin, "pg_ctl"), "-w", "-D", data, "-l", filepath.Join(dir, "log"), "-o",
		fmt.Sprintf("-p %s -k %s -c fsync=off -c listen_addresses=127.0.0.1", port, dir), "start")
	t.Cleanup(func() { run(filepath.Join(bin, "pg_ctl"), "-D", data, "-m", "immediate", "stop") })
	for _, name := range databases {
		SQL(t, at, "postgres", "CREATE DATABASE "+name)
	}
	return at
}

// URL returns the address of a database, as applications have it.
func URL(at, database string) string {
	return "postgresql://postgres:" + Password + "@" + at + "/" + database
}

// SQL runs a statement, and returns what it answers, without headings.
func SQL(t testing.TB, at, database, statement string) string {
	t.Helper()
	out, err := exec.CommandContext(context.Background(), "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", URL(at, database), "-c", statement).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", statement, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Project returns a copy of one of the projects, "alembic" or "django", without some of
// its files: the code of an older version.
func Project(t testing.TB, name string, without ...string) string {
	t.Helper()
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("the source is not there")
	}
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(filepath.Join(filepath.Dir(here), "..", "testdata", "real", name))); err != nil {
		t.Fatal(err)
	}
	for _, f := range without {
		if err := os.Remove(filepath.Join(to, f)); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// Run runs a command in a project's folder.
func Run(t testing.TB, dir, url string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DATABASE_URL="+url, "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// Refuse has the database refuse statements of a kind, such as ALTER TABLE, which no dry
// run of a migration shows.
func Refuse(t testing.TB, at, database, tag string) {
	t.Helper()
	SQL(t, at, database, `CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'somebody holds it'; END $$`)
	SQL(t, at, database, "CREATE EVENT TRIGGER refused ON ddl_command_start WHEN TAG IN ('"+tag+"') EXECUTE FUNCTION refuse()")
}
