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
// evidence in the incident's folder, and nothing is fetched. Every text is escaped.
func HTML(dir string, facts []incident.Fact, m *Manifest) ([]byte, error) {
	var b bytes.Buffer
	err := pageTemplate().Execute(&b, struct {
		Data
		Charts []chart
	}{New(facts, m), chartsOf(dir, facts, m)})
	if err != nil {
		return nil, fmt.Errorf("the report cannot be written as HTML: %w", err)
	}
	return b.Bytes(), nil
}
