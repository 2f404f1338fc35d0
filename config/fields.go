package config

import (
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// text returns a text. Numbers and the like must be quoted, so that nobody
// wonders how they are written.
func (v value) text() (string, bool) {
	if v.draws(Schema{Type: "string"}) {
		return "", false
	}
	switch v.node.(type) {
	case *ast.StringNode, *ast.LiteralNode:
	case nil:
		v.fail("has no value")
		return "", false
	default:
		if raw, ok := scalarText(v.node); ok {
			v.fail("text is meant here, not %s: put it in quotes, %q", describe(v.node), raw)
		} else {
			v.fail("text is meant here, not %s", describe(v.node))
		}
		return "", false
	}
	s, _ := scalarText(v.node)
	for _, r := range s {
		if r != '\n' && r != '\t' && odd(r) {
			v.fail("has the invisible character %U; remove it", r)
			return "", false
		}
	}
	if len(s) > 8<<10 {
		v.fail("is longer than 8 kB")
		return "", false
	}
	return s, true
}

// line returns a text that is one line and not blank.
func (v value) line() (string, bool) {
	if v.draws(lineOf(nil)) {
		return "", false
	}
	s, ok := v.text()
	if !ok {
		return "", false
	}
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		v.fail("has no value")
		return "", false
	case strings.ContainsAny(s, "\n\t"):
		v.fail("must be one line, without tabs")
		return "", false
	}
	return s, true
}

// unitText returns the text of a value with a unit.
func (v value) unitText() (string, bool) {
	s, ok := scalarText(v.node)
	switch {
	case v.node == nil:
		v.fail("has no value")
		return "", false
	case !ok:
		v.fail("a number with a unit is meant here, not %s", describe(v.node))
	}
	return strings.TrimSpace(s), ok
}

// Fields for plain types: each sets its target, within its bounds, and notes
// where that was set.

func durationField(name string, to *time.Duration, least, most time.Duration) field {
	return field{name: name, set: func(v value) {
		if v.draws(Schema{Type: "string", Pattern: duration.String(), Description: "A number with a unit: " + FormatDuration(least) + " to " + FormatDuration(most) + "."}) {
			return
		}
		s, ok := v.unitText()
		if !ok {
			return
		}
		d, err := ParseDuration(s)
		switch {
		case err != nil:
			v.fail("%s", err)
		case d < least || d > most:
			v.fail("%s is out of bounds: %s to %s", quote(s), FormatDuration(least), FormatDuration(most))
		default:
			*to = d
			v.remember()
		}
	}}
}

func ratioField(name string, to *Ratio, least, most Ratio) field {
	return field{name: name, set: func(v value) {
		if v.draws(Schema{Type: "string", Pattern: percent.String(), Description: "In percent: " + least.String() + " to " + most.String() + "."}) {
			return
		}
		s, ok := v.unitText()
		if !ok {
			return
		}
		r, err := ParseRatio(s)
		switch {
		case err != nil:
			v.fail("%s", err)
		case r < least || r > most:
			v.fail("%s is out of bounds: %s to %s", quote(s), least, most)
		default:
			*to = r
			v.remember()
		}
	}}
}

func countField(name string, to *int, least, most int) field {
	return field{name: name, set: func(v value) {
		if v.draws(Schema{Type: "integer", Minimum: &least, Maximum: &most}) {
			return
		}
		n, ok := integer(v.node)
		switch {
		case v.node == nil:
			v.fail("has no value")
		case !ok:
			v.fail("a whole number is meant here, without a unit")
		case n < least || n > most:
			v.fail("%d is out of bounds: %d to %d", n, least, most)
		default:
			*to = n
			v.remember()
		}
	}}
}

func boolField(name string, to *bool) field {
	return field{name: name, set: func(v value) {
		if v.draws(Schema{Type: "boolean"}) {
			return
		}
		b, ok := v.node.(*ast.BoolNode)
		if !ok {
			v.fail("true or false is meant here, not %s", describe(v.node))
			return
		}
		*to = b.Value
		v.remember()
	}}
}

// lineField takes one line that check, which may be nil, accepts.
func lineField(name string, to *string, check func(string) error) field {
	return field{name: name, set: func(v value) {
		s, ok := v.line()
		if !ok {
			return
		}
		if check != nil {
			if err := check(s); err != nil {
				v.fail("%s", err)
				return
			}
		}
		*to = s
		v.remember()
	}}
}

// urlField takes the address of a page or a service.
func urlField(name string, to *string) field {
	return lineField(name, to, checkURL).as(lineOf(urlPattern))
}

// as returns the field, drawn so in the schema instead of as what its kind takes.
func (f field) as(is Schema) field {
	read := f.set
	f.set = func(v value) {
		if !v.draws(is) {
			read(v)
		}
	}
	return f
}
