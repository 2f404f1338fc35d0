package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"rollbook/model"
)

//go:embed report.tmpl.md
var builtIn string

// templateMost and reportMost bound a team's template and what comes of it.
const (
	templateMost = 1 << 20
	reportMost   = 8 << 20
)

// ErrTemplate is a template that cannot be used; the report was written with the
// built-in one.
var ErrTemplate = errors.New("the built-in template is used instead")

// Markdown prints a report by a template of Go's text/template, with Data as the
// dot; "" is the built-in one. Every Text prints itself escaped. With a template
// that is faulty the report comes by the built-in one, so that nothing is lost,
// together with an error that wraps ErrTemplate and names the line.
//
// Beside the functions of text/template there are:
//
//	code TEXT       as code, for a query or a command
//	fence LINES     a block of changes, one Text a line
//	quote LINES     a block of what somebody or something said
//	link NAME URL   a link
//	ref TEXT        a link, if the text is an address, else the text
//	short SECONDS   a duration in words
//	plain TEXT      not escaped: for a place where Markdown obeys nothing
func Markdown(d Data, own string) (string, error) {
	if own != "" {
		s, err := execute("template", own, d)
		if err == nil {
			return s, nil
		}
		out, broken := execute("built-in", builtIn, d)
		return out, errors.Join(fmt.Errorf("%s; %w", strings.TrimPrefix(err.Error(), "template: "), ErrTemplate), broken)
	}
	return execute("built-in", builtIn, d)
}

var functions = template.FuncMap{
	"code":  func(t Text) string { return codeSpan(string(t)) },
	"fence": func(lines []Text) string { return codeBlock("diff", lines) },
	"quote": func(lines []Text) string { return codeBlock("text", lines) },
	"link":  link,
	"ref":   ref,
	"short": func(s Span) string { return model.Short(s.D()) },
	"plain": func(t Text) string { return string(t) },
}

func execute(name, source string, d Data) (string, error) {
	if len(source) > templateMost {
		return "", fmt.Errorf("%s: larger than %s", name, size(templateMost))
	}
	t, err := template.New(name).Option("missingkey=error").Funcs(functions).Parse(source)
	if err != nil {
		return "", err
	}
	var b bounded
	if err := t.Execute(&b, d); err != nil {
		return "", err
	}
	return tidy(b.String()), nil
}

// bounded is a buffer with an end.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > reportMost {
		return 0, fmt.Errorf("the report is larger than %s", size(reportMost))
	}
	return b.Buffer.Write(p)
}

// tidy leaves at most one empty line, and none at the ends: templates make them
// where a part is left out. Blocks of code are as they are.
func tidy(s string) string {
	var out []string
	fence := ""
	for _, l := range strings.Split(s, "\n") {
		switch ticks := len(l) - len(strings.TrimLeft(l, "`")); {
		case fence == "" && ticks >= 3:
			fence = l[:ticks]
		case fence != "" && l == fence:
			fence = ""
		case fence == "":
			l = strings.TrimRight(l, " \t")
			if l == "" && (len(out) == 0 || out[len(out)-1] == "") {
				continue
			}
		}
		out = append(out, l)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n"
}

// JSON prints a report as a document, its texts as they are.
func JSON(d Data) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		return nil, fmt.Errorf("the report cannot be written as JSON: %w", err)
	}
	return b.Bytes(), nil
}
