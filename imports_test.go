package main_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// What a room may import of ours. A room's folders may import each other, but
// those under integrations stand each for itself, but for how a request is sent
// once. Tests may import any room.
var arrows = map[string][]string{
	"":             {"cli"}, // main.go
	"cli":          {"config", "model", "incident", "text", "engine", "kube", "ways", "metrics", "integrations", "report", "replay", "sandbox", "status", "ui"},
	"config":       {},
	"model":        {},
	"incident":     {"model"},
	"text":         {},
	"engine":       {"model", "incident", "text"},
	"kube":         {"model", "text"},
	"ways":         {"model", "text"},
	"metrics":      {"model", "text"},
	"integrations": {"model", "text"},
	"report":       {"model", "incident", "text"},
	"replay":       {"model", "incident"},
	"sandbox":      {},
	"status":       {"model", "incident"},
	"ui":           {"model", "incident"},
}

// Rooms that ask what time it is. Everywhere else facts carry their time, or
// replay and the tests in synctest would not be what was.
var clocks = []string{"cli", "engine", "sandbox"}

// Rooms, and folders of one, that are pure: no clock, no I/O, no types of a cluster or
// a screen.
var pure = []string{"model", "incident", "ui/draw"}

var impure = []string{
	"k8s.io/", "sigs.k8s.io/", "charm.land/", "github.com/charmbracelet/", "github.com/prometheus/",
	"os", "os/", "net", "net/", "io/fs", "log", "log/", "syscall", "math/rand", "crypto/rand", "database/", "path/filepath",
}

const (
	module   = "rollbook"
	sendOnce = "integrations/once"
	maxLines = 400
)

func TestRooms(t *testing.T) {
	for _, complaint := range inspect(t, os.DirFS(".")) {
		t.Error(complaint)
	}
}

// inspect returns what is wrong with the tree.
func inspect(t *testing.T, tree fs.FS) (complaints []string) {
	t.Helper()
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	err := fs.WalkDir(tree, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); file != "." && (name[0] == '.' || name[0] == '_' || name == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if file == "go.mod" {
			data, err := fs.ReadFile(tree, file)
			checkModule(string(data), complain)
			return err
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		data, err := fs.ReadFile(tree, file)
		if err != nil {
			return err
		}
		checkFile(file, data, complain)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return complaints
}

type complainer func(format string, args ...any)

func checkModule(text string, complain complainer) {
	for i, line := range strings.Split(text, "\n") {
		line, _, _ := strings.Cut(line, "//")
		words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		switch {
		case len(words) == 0:
		case words[0] == "replace":
			complain("go.mod:%d: a replace line: nobody could install rollbook with go install", i+1)
		case words[0] == "k8s.io/kubernetes":
			complain("go.mod:%d: k8s.io/kubernetes: it is not made to be imported; the testbed's module has it", i+1)
		}
	}
}

func checkFile(file string, data []byte, complain complainer) {
	src, err := parser.ParseFile(token.NewFileSet(), file, data, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		complain("%v", err)
		return
	}
	if n := strings.Count(string(data), "\n"); n > maxLines && !ast.IsGenerated(src) {
		complain("%s has %d lines, more than %d: find a seam, and name the new file after what it holds", file, n, maxLines)
	}
	room := roomOf(path.Dir(file))
	if room == "testbed" {
		for _, imp := range imports(src) {
			if of, ours := strings.CutPrefix(imp, module+"/"); ours && roomOf(of) != "testbed" {
				complain("%s imports %s: the testbed is a module of its own, with nothing of ours", file, imp)
			}
		}
		return
	}
	allowed, known := arrows[room]
	if !known {
		complain("%s: the room %s is not in the table of imports_test.go; say there what it may import", file, room)
		return
	}
	isPure := slices.Contains(pure, room) || slices.Contains(pure, path.Dir(file))
	for _, imp := range imports(src) {
		if isPure && slices.ContainsFunc(impure, func(p string) bool { return imp == p || strings.HasSuffix(p, "/") && strings.HasPrefix(imp, p) }) {
			complain("%s imports %s: %s is pure, so that every decision can be tested and replayed", file, imp, path.Dir(file))
		}
		of, ours := strings.CutPrefix(imp, module+"/")
		if !ours {
			continue
		}
		switch to := roomOf(of); {
		case to == room && room == "integrations" && of != sendOnce && of != path.Dir(file) && !strings.HasPrefix(of, path.Dir(file)+"/"):
			complain("%s imports %s: each integration stands for itself; cli hands over what one needs of another", file, imp)
		case to != room && !slices.Contains(allowed, to):
			complain("%s imports %s: %s may import %s; declare a small interface where it is used, and let cli hand it over", file, imp, name(room), list(allowed))
		}
	}
	if !slices.Contains(clocks, room) {
		for _, call := range clockCalls(src) {
			complain("%s uses time.%s: only %s ask for the time; take it as an argument or from the fact", file, call, list(clocks))
		}
	}
}

// roomOf returns the room of a folder: the first part of its path, "" for the
// top.
func roomOf(dir string) string {
	room, _, _ := strings.Cut(dir, "/")
	if room == "." {
		return ""
	}
	return room
}

func name(room string) string {
	if room == "" {
		return "the top folder"
	}
	return room
}

func list(rooms []string) string {
	if len(rooms) == 0 {
		return "nothing of ours"
	}
	return strings.Join(rooms, ", ")
}

func imports(src *ast.File) []string {
	var all []string
	for _, spec := range src.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// clockCalls returns the functions of package time that src uses and that ask
// for the time, under whatever name it imports that package.
func clockCalls(src *ast.File) []string {
	local := ""
	for _, spec := range src.Imports {
		if spec.Path.Value == `"time"` {
			local = "time"
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	var all []string
	if local == "." {
		return []string{"*, imported with a dot"}
	}
	ast.Inspect(src, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && local != "" && id.Name == local && slices.Contains([]string{"Now", "Since", "Until"}, sel.Sel.Name) {
			all = append(all, sel.Sel.Name)
		}
		return true
	})
	return all
}

// The guard must be able to fail: each of these trees breaks one rule.
func TestRoomsAreGuarded(t *testing.T) {
	file := func(imports ...string) string {
		text := "package p\n"
		for _, i := range imports {
			text += "import _ " + strconv.Quote(i) + "\n"
		}
		return text
	}
	for _, tc := range []struct{ name, file, text, want string }{
		{"allowed", "engine/journal/a.go", file("rollbook/model", "rollbook/engine", "os", "time"), ""},
		{"allowed of main", "main.go", file("rollbook/cli"), ""},
		{"tests may", "model/a_test.go", file("rollbook/ui", "k8s.io/api/apps/v1"), ""},
		{"testdata is data", "model/testdata/a.go", file("rollbook/ui"), ""},
		{"wrong arrow", "ui/pages/a.go", file("rollbook/engine"), "ui/pages/a.go imports rollbook/engine: ui may import model"},
		{"no arrow", "text/a.go", file("rollbook/model"), "text may import nothing of ours"},
		{"main", "main.go", file("rollbook/model"), "the top folder may import cli"},
		{"back to cli", "kube/a.go", file("rollbook/cli"), "kube may import model, text"},
		{"new room", "utils/a.go", file(), "the room utils is not in the table"},
		{"integrations", "integrations/slack/a.go", file("rollbook/integrations/teams"), "each integration stands for itself"},
		{"integrations send once", "integrations/slack/a.go", file("rollbook/integrations/once"), ""},
		{"how to send once knows no integration", "integrations/once/a.go", file("rollbook/integrations/slack"), "each integration stands for itself"},
		{"the contract is for tests", "integrations/slack/a.go", file("rollbook/integrations/sendtest"), "each integration stands for itself"},
		{"own folder", "integrations/slack/a.go", file("rollbook/integrations/slack/blocks"), ""},
		{"testbed", "testbed/a.go", file("rollbook/model"), "nothing of ours"},
		{"testbed's own", "testbed/a.go", file("rollbook/testbed/proc", "k8s.io/kubernetes/cmd/kube-apiserver"), ""},
		{"cluster's types in the model", "model/a.go", file("k8s.io/api/apps/v1"), "model is pure"},
		{"files in the fold", "incident/a.go", file("os"), "incident is pure"},
		{"the fold in an adapter", "kube/a.go", file("rollbook/incident"), "kube may import model, text"},
		{"the fold in a method", "ways/migrate/a.go", file("rollbook/incident"), "ways may import model, text"},
		{"files in the model", "model/a.go", file("os"), "model is pure"},
		{"screen in the model", "model/a.go", file("charm.land/lipgloss/v2"), "model is pure"},
		{"screen in a drawing", "ui/draw/a.go", file("charm.land/lipgloss/v2"), "ui/draw is pure"},
		{"sorting in the model", "model/a.go", file("slices", "strings", "time"), ""},
		{"clock", "model/a.go", "package p\nimport \"time\"\nvar now = time.Now\n", "model/a.go uses time.Now"},
		{"clock by another name", "kube/a.go", "package p\nimport clock \"time\"\nfunc f(t clock.Time) { clock.Since(t) }\n", "kube/a.go uses time.Since"},
		{"clock where it belongs", "engine/a.go", "package p\nimport \"time\"\nvar now = time.Now\n", ""},
		{"no clock", "kube/a.go", "package p\nimport \"time\"\nvar d = time.Second\n", ""},
		{"long", "kube/a.go", "package p\n" + strings.Repeat("// x\n", maxLines), "find a seam"},
		{"long, generated", "kube/a.go", "// Code generated by x. DO NOT EDIT.\n\npackage p\n" + strings.Repeat("// x\n", maxLines), ""},
		{"replace", "go.mod", "module rollbook\n\nreplace k8s.io/api => ../api\n", "go.mod:3: a replace line"},
		{"replace block", "go.mod", "module rollbook\nreplace (\n)\n", "go.mod:2: a replace line"},
		{"kubernetes", "go.mod", "module rollbook\nrequire (\n\tk8s.io/kubernetes v1.37.2 // indirect\n)\n", "go.mod:3: k8s.io/kubernetes"},
		{"kubernetes alone", "go.mod", "module rollbook\nrequire k8s.io/kubernetes v1.37.2\n", "go.mod:2: k8s.io/kubernetes"},
		{"the testbed's module", "testbed/go.mod", "replace a => b\n", ""},
		{"syntax", "kube/a.go", "package", "kube/a.go:1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := inspect(t, fstest.MapFS{tc.file: &fstest.MapFile{Data: []byte(tc.text)}})
			switch {
			case tc.want == "" && len(got) > 0:
				t.Errorf("complains: %q", got)
			case tc.want != "" && (len(got) != 1 || !strings.Contains(got[0], tc.want)):
				t.Errorf("complains %q, want %q", got, tc.want)
			}
		})
	}
}
