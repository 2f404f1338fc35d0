package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"sync"

	"rollbook/incident"
	"rollbook/text"
)

//go:embed report.tmpl.html
var page string

var pageTemplate = sync.OnceValue(func() *template.Template { // else each start of the program would parse it
	return template.Must(template.New("report").Funcs(template.FuncMap{
		"words": func(t Text) string { return text.Clean(string(t)) },
	}).Parse(page))
})

// HTML prints a report as one page that needs nothing else: its charts are drawn from the
// evidence that the manifest was read with, and nothing is fetched. Every text is escaped.
func HTML(facts []incident.Fact, m *Manifest) ([]byte, error) {
	var b bytes.Buffer
	err := pageTemplate().Execute(&b, struct {
		Data
		Charts []chart
	}{New(facts, m), chartsOf(facts, m)})
	if err != nil {
		return nil, fmt.Errorf("the report cannot be written as HTML: %w", err)
	}
	return b.Bytes(), nil
}
