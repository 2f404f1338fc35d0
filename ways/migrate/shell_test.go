package migrate_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollbook/model"
	"rollbook/ways/migrate"
)

// The command for psql is the same where it is shown and where it is opened, and it is
// opened only by who may run commands in that pod.
func TestShell(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"kubectl", "psql"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	psql := func(p migrate.Psql) func(*migrate.Target, *migrate.Options) {
		return func(t *migrate.Target, _ *migrate.Options) { t.Psql = p }
	}
	for name, x := range map[string]struct {
		as    func(*migrate.Target, *migrate.Options)
		set   func(*cluster)
		path  string
		shown string // "" = nothing is
		err   string // "" = it is opened
	}{
		"as it is": {nil, nil, bin, "kubectl --context prod -n shop exec -it api-new-1 -c api -- psql", ""},
		"its own command": {psql(migrate.Psql{Command: []string{"sh", "-c", `exec psql "$DATABASE_URL"`}, Container: "tools"}), nil, bin,
			`kubectl --context prod -n shop exec -it api-new-1 -c tools -- sh -c 'exec psql "$DATABASE_URL"'`, ""},
		"the database's pod": {psql(migrate.Psql{Namespace: "data", Pod: "postgresql-0", Command: []string{"psql", "-U", "shop"}}), func(c *cluster) { c.leave("api-new") }, bin,
			"kubectl --context prod -n data exec -it postgresql-0 -- psql -U shop", ""},
		"from here":      {psql(migrate.Psql{Here: true, Command: []string{"psql", "service=shop"}}), func(c *cluster) { c.denied = true }, bin, "psql service=shop", ""},
		"Django's own":   {func(t *migrate.Target, _ *migrate.Options) { t.Tool, t.Apps = migrate.Django, []string{"shop"} }, nil, bin, "kubectl --context prod -n shop exec -it api-new-1 -c api -- python manage.py dbshell", ""},
		"no pod":         {nil, func(c *cluster) { c.leave("api-new") }, bin, "", "no pod of 1.42.0 (revision 42)"},
		"no right":       {nil, func(c *cluster) { c.denied = true }, bin, "kubectl --context prod -n shop exec -it api-new-1 -c api -- psql", "forbidden: ask for the verbs create and get on pods/exec"},
		"read-only":      {readOnly, nil, bin, "kubectl --context prod -n shop exec -it api-new-1 -c api -- psql", "rollbook runs read-only"},
		"no kubectl":     {nil, nil, t.TempDir(), "kubectl --context prod -n shop exec -it api-new-1 -c api -- psql", "kubectl is not on this machine: copy the command"},
		"a secret in it": {psql(migrate.Psql{Here: true, Command: []string{"psql", "postgresql://shop:canary-of-psql@db/shop"}}), nil, bin, "psql", ""},
		"no right there": {psql(migrate.Psql{Pod: "postgresql-0"}), func(c *cluster) { c.denied = true }, bin, "kubectl --context prod -n shop exec -it postgresql-0 -- psql", "forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", x.path)
			c := newCluster(shop())
			if x.set != nil {
				x.set(c)
			}
			m := c.as()
			if x.as != nil {
				m = c.as(x.as)
			}
			h, _ := m.Versions(t.Context(), component(), time.Time{})
			if h == nil || !strings.HasPrefix(h.Psql, x.shown) || (x.shown == "") != (h.Psql == "") || strings.Contains(h.Psql, "canary") {
				t.Errorf("shown: %+v", h)
			}
			got, err := m.Shell(t.Context(), component())
			if x.err != "" {
				if err == nil || !strings.Contains(err.Error(), x.err) || len(got.Args) > 0 {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			if err != nil || got.Words != h.Psql || len(got.Args) != 3 {
				t.Errorf("%+v, %v", got, err)
			}
			if name == "a secret in it" && !strings.Contains(got.Args[2], "canary-of-psql") {
				t.Errorf("what is run has lost it: %q", got.Args)
			}
			if c.Writes() != 0 {
				t.Error("something was written")
			}
		})
	}
	_, err := newCluster(shop()).as(readOnly).Shell(t.Context(), component())
	if !errors.Is(err, model.ErrReadOnly) {
		t.Errorf("%v", err)
	}
}
