package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Tools that bring migrations.
const (
	ToolAlembic = "alembic"
	ToolDjango  = "django"
)

var migrationTools = []string{ToolAlembic, ToolDjango}

// Migrations say how the migrations of a component's database are taken back, by a
// command in a pod of it.
type Migrations struct {
	Tool      string   // ToolAlembic or ToolDjango
	Command   []string // that runs the tool; nil: alembic, or python manage.py
	Apps      []string // of Django
	Container string   // "": the pod's first
	// Releases say at which migration the code of a release ends, by its image's tag.
	Releases map[string]string
	Psql     Psql
}

// Psql says how somebody comes to the database by hand. The zero value is psql, of
// Django its dbshell, in a pod of the version that runs.
type Psql struct {
	Command   []string
	Namespace string // of Pod; "": the component's
	Pod       string // "": one of the version that runs
	Container string // "": that of the migrations, or of a Pod its first
	Here      bool   // the command is run on the operator's machine
}

// migrationName matches the name of a migration, of Alembic or Django. It becomes an
// argument of a command.
var migrationName = regexp.MustCompile(`^[0-9A-Za-z_]{1,128}$`)

// migrationKey matches a migration among those of several apps too, shop.0002_prices.
var migrationKey = regexp.MustCompile(`^([0-9A-Za-z_]{1,128}\.)?[0-9A-Za-z_]{1,128}$`)

func checkMigrationName(s string) error {
	if !migrationName.MatchString(s) {
		return fmt.Errorf("%s is no name of a migration: letters, digits and _", quote(s))
	}
	return nil
}

func checkContainer(s string) error {
	if !dnsLabel.MatchString(s) {
		return fmt.Errorf("%s is not the name of a container: lower-case letters, digits and -", quote(s))
	}
	return nil
}

// migrations are read from the operator's own file alone: the command runs in production.
func (d *decoder) migrations(v value, to **Migrations) {
	m := Migrations{}
	if *to != nil {
		m = **to
	}
	var app string
	var apps []string
	before := d.count
	v.needs("tool")
	v.fields(
		lineField("tool", &m.Tool, func(s string) error {
			if !slices.Contains(migrationTools, s) {
				return fmt.Errorf("%s is no tool that is known; there are %s", quote(s), list(migrationTools))
			}
			return nil
		}).as(Schema{Type: "string", Enum: migrationTools}),
		linesField("command", &m.Command),
		lineField("app", &app, checkMigrationName).as(lineOf(migrationName)),
		field{name: "apps", set: func(v value) {
			v.lines(&apps, lineOf(migrationName), func(item value, s string) {
				if err := checkMigrationName(s); err != nil {
					item.fail("%s", err)
				}
			})
		}},
		lineField("container", &m.Container, checkContainer).as(lineOf(dnsLabel)),
		field{name: "releases", set: func(v value) { d.migrationsOf(v, &m.Releases) }},
		field{name: "psql", set: func(v value) { d.psql(v, &m.Psql) }},
	)
	switch {
	case d.count > before:
		return
	case m.Tool == "":
		v.failKey("tool is missing, such as tool: alembic")
	case app != "" && apps != nil:
		v.failKey("has both app and apps; keep one")
	case m.Tool == ToolDjango && app == "" && apps == nil && len(m.Apps) == 0:
		v.failKey("app is missing, such as app: shop, or of several apps: [shop, orders]: Django takes back the migrations of these alone, and of what rests on them")
	case m.Tool != ToolDjango && (app != "" || apps != nil):
		v.failKey("app and apps belong to the tool django")
	}
	switch {
	case apps != nil:
		m.Apps = apps
	case app != "":
		m.Apps = []string{app}
	}
	v.remember()
	*to = &m
}

// psql reads how somebody comes to the database by hand.
func (d *decoder) psql(v value, p *Psql) {
	before := d.count
	v.fields(
		linesField("command", &p.Command),
		lineField("namespace", &p.Namespace, checkNamespace).as(lineOf(dnsLabel)),
		lineField("pod", &p.Pod, checkPod).as(lineOf(dnsName)),
		lineField("container", &p.Container, checkContainer).as(lineOf(dnsLabel)),
		boolField("here", &p.Here),
	)
	switch {
	case d.count > before:
	case p.Here && len(p.Command) == 0:
		v.failKey("command is missing, such as command: [psql, service=shop]: nobody else says which database is meant from here")
	case p.Here && (p.Pod != "" || p.Namespace != "" || p.Container != ""):
		v.failKey("has both here and a place in the cluster; keep one")
	case p.Namespace != "" && p.Pod == "":
		v.failKey("pod is missing, such as pod: postgresql-0: the component's own pods are in its own namespace")
	}
}

func checkPod(s string) error {
	if !dnsName.MatchString(s) || len(s) > 253 {
		return fmt.Errorf("%s is not the name of a pod: lower-case letters, digits, - and .", quote(s))
	}
	return nil
}

func (d *decoder) migrationsOf(v value, to *map[string]string) {
	all := map[string]string{}
	for _, e := range v.entries() {
		if e.value.draws(lineOf(migrationKey)) {
			return
		}
		s, ok := e.value.line()
		if !ok {
			continue
		}
		if !migrationKey.MatchString(s) {
			err := fmt.Errorf("%s is no name of a migration: letters, digits and _, of several apps with the app before it: shop.0002_prices", quote(s))
			e.value.fail("%s", err)
			continue
		}
		if d.checkName(e) {
			all[e.name] = s
			e.value.remember()
		}
	}
	*to = all
}

// settings lists m for config check.
func (m *Migrations) settings(path string, some func(path, value string)) {
	if m == nil {
		return
	}
	some(path+".tool", m.Tool)
	some(path+".command", strings.Join(m.Command, " "))
	some(path+".apps", strings.Join(m.Apps, " "))
	some(path+".container", m.Container)
	for _, tag := range slices.Sorted(maps.Keys(m.Releases)) {
		some(path+".releases."+tag, m.Releases[tag])
	}
	some(path+".psql.command", strings.Join(m.Psql.Command, " "))
	some(path+".psql.namespace", m.Psql.Namespace)
	some(path+".psql.pod", m.Psql.Pod)
	some(path+".psql.container", m.Psql.Container)
	if m.Psql.Here {
		some(path+".psql.here", "true")
	}
}
