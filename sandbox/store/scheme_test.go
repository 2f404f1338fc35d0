package store

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The structure of what is served is client-go's own, type by type.
func TestGoldenSchema(t *testing.T) {
	want := servedTypes(t, clientGoSchema(t))
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile("schema.yaml", want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(structure, want) {
		t.Error("schema.yaml is not what client-go has: make golden writes it anew")
	}
}

var reference = regexp.MustCompile(`namedType: (\S+)`)

// servedTypes keeps of a schema the types of what is served, and what these refer to.
func servedTypes(t *testing.T, all string) []byte {
	t.Helper()
	head, rest, _ := strings.Cut(all, "- name: ")
	types, order := map[string]string{}, []string{}
	for _, b := range strings.Split(rest, "\n- name: ") {
		name, _, _ := strings.Cut(b, "\n")
		types[name], order = strings.TrimSuffix(b, "\n"), append(order, name)
	}
	keep := map[string]bool{}
	var need func(name, by string)
	need = func(name, by string) {
		if keep[name] {
			return
		}
		if types[name] == "" {
			t.Fatalf("client-go has no type %s, which %s needs", name, by)
		}
		keep[name] = true
		for _, m := range reference.FindAllStringSubmatch(types[name], -1) {
			need(m[1], name)
		}
	}
	for _, r := range Resources {
		name, err := Scheme().ToOpenAPIDefinitionName(r.GVK())
		if err != nil {
			t.Fatal(err)
		}
		need(name, r.Plural)
	}
	need("__untyped_atomic_", "the parser")
	need("__untyped_deduced_", "the parser")
	out := "# Written by make golden from client-go (Apache License 2.0): the types of what is served.\n" + head
	for _, name := range order {
		if keep[name] {
			out += "- name: " + types[name] + "\n"
		}
	}
	return []byte(out)
}

// clientGoSchema is the schema in client-go's source: it is exported only together
// with every type that there is.
func clientGoSchema(t *testing.T) string {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/client-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(strings.TrimSpace(string(dir)), "applyconfigurations", "internal", "internal.go")
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found string
	ast.Inspect(f, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING && strings.HasPrefix(l.Value, "`types:") {
			found, err = strconv.Unquote(l.Value)
		}
		return found == ""
	})
	if err != nil || found == "" {
		t.Fatalf("%s has no schema: %v", file, err)
	}
	return found
}
