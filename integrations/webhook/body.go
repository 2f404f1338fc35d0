package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"rollbook/model"
)

// Fields are what a body's template may use, beside Go's own functions and json,
// which writes a value as JSON, with its quotes: {"text": {{json .Text}}}.
type Fields struct {
	Kind     string // started, updated, resolved
	Status   string // of an update: identified, monitoring
	Incident string // the incident's ID
	Title    string // one line
	Text     string // lines of plain text
	Channel  string // the webhook's name here
	Ref      string // the id that an earlier message of this incident got back
	Report   string // the report in Markdown, where there is one
}

// DefaultBody is what is sent without a template.
const DefaultBody = `{"kind":{{json .Kind}},"status":{{json .Status}},"incident":{{json .Incident}},"title":{{json .Title}},"text":{{json .Text}}}`

// maxBody bounds what a template can make of a message.
const maxBody = 4 << 20

type body struct {
	template *template.Template
	json     bool // it must be
}

// parse reads a template and tries it on a message, so that a mistake is told
// before an incident and not in it.
func parse(source string, isJSON bool) (*body, error) {
	t, err := template.New("body").Option("missingkey=error").Funcs(template.FuncMap{"json": toJSON}).Parse(source)
	if err != nil {
		return nil, plain(err)
	}
	b := &body{template: t, json: isJSON}
	_, err = b.render(model.Message{Kind: model.MessageStarted, Channel: "name", Incident: "ID", Title: `a "title"`, Text: "a\n\"text\"", Ref: "ref", Report: "# \"report\""})
	return b, err
}

func toJSON(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimRight(b.String(), "\n"), err
}

func (b *body) render(m model.Message) ([]byte, error) {
	out := bounded{left: maxBody}
	err := b.template.Execute(&out, Fields{
		Kind: string(m.Kind), Status: m.Status, Incident: m.Incident, Title: m.Title, Text: m.Text,
		Channel: m.Channel, Ref: m.Ref, Report: m.Report,
	})
	switch {
	case err != nil:
		return nil, plain(err)
	case b.json && !json.Valid(out.Bytes()):
		return nil, errors.New(`it is not JSON: write {{json .Text}}, without quotes around it, where a text belongs`)
	}
	return out.Bytes(), nil
}

// plain drops the package's prefix from an error.
func plain(err error) error {
	return errors.New(strings.TrimPrefix(err.Error(), "template: "))
}

// bounded is a buffer that refuses to grow beyond bounds.
type bounded struct {
	bytes.Buffer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, fmt.Errorf("it would be larger than %d MiB", maxBody>>20)
	}
	return b.Buffer.Write(p)
}
