package config

import (
	"encoding/json"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"

	promconfig "github.com/prometheus/common/config"
)

// Schema is a JSON Schema, as far as rollbook.yaml needs one.
type Schema struct {
	Version     string             `json:"$schema,omitempty"`
	Defs        map[string]*Schema `json:"$defs,omitempty"`
	Ref         string             `json:"$ref,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        any                `json:"type,omitempty"` // a name, or several
	Properties  map[string]*Schema `json:"properties,omitempty"`
	Others      any                `json:"additionalProperties,omitempty"` // false, or the schema of a value under a name of the team's own
	Names       *Schema            `json:"propertyNames,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Items       *Schema            `json:"items,omitempty"`
	MinItems    int                `json:"minItems,omitempty"`
	AnyOf       []*Schema          `json:"anyOf,omitempty"`
	Not         *Schema            `json:"not,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	Minimum     *int               `json:"minimum,omitempty"`
	Maximum     *int               `json:"maximum,omitempty"`
}

// WriteSchema writes the JSON Schema (2020-12) of rollbook.yaml. It is drawn by the
// fields that decode the file: each table of fields is asked what it would take,
// instead of being given something. What only the whole configuration shows (a verify
// limit above the trigger's, a token with two sources) is not in it: rollbook config
// check tells that.
func WriteSchema(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(drawn())
}

// drawn returns the schema of the whole file.
func drawn() *Schema {
	var errs Errors
	d := &decoder{src: &Source{Kind: User}, cfg: Defaults(), errs: &errs, names: map[string]bool{}, defs: map[string]*Schema{}}
	root := &Schema{}
	d.root(value{d: d, sketch: root})
	root.Defs = d.defs
	root.Version, root.Title = "https://json-schema.org/draft/2020-12/schema", "rollbook.yaml"
	return root
}

// draws reports whether a schema is drawn instead of a value read, and takes what
// stands here.
func (v value) draws(is Schema) bool {
	if v.sketch == nil {
		return false
	}
	is.Description = strings.TrimSpace(v.sketch.Description + " " + is.Description)
	*v.sketch = is
	return true
}

// drawFields draws a mapping that has these keys and no other.
func (v value) drawFields(known []field) {
	all := map[string]*Schema{}
	for _, f := range known {
		s := &Schema{}
		if f.private {
			s.Description = "Only in your own file, not in the working folder's or the ConfigMap."
		}
		f.set(value{d: v.d, path: v.path + "." + f.name, sketch: s})
		all[f.name] = s
	}
	is := Schema{Type: []string{"object", "null"}, Properties: all, Others: false, Required: v.sketch.Required}
	if is.Required != nil {
		is.Type = "object"
	}
	v.draws(is)
}

// drawOthers draws a mapping from names of the team's own, and returns what stands for
// each value.
func (v value) drawOthers(names *regexp.Regexp) value {
	s := &Schema{}
	is := Schema{Type: []string{"object", "null"}, Others: s}
	if names != nil {
		is.Names = &Schema{Pattern: names.String()}
	}
	v.draws(is)
	return value{d: v.d, path: v.path + ".name", sketch: s}
}

// drawItems draws a list, and returns what stands for each element.
func (v value) drawItems() value {
	s := &Schema{}
	v.draws(Schema{Type: []string{"array", "null"}, Items: s})
	return value{d: v.d, path: v.path + "[0]", sketch: s}
}

// drawEither draws that any of these may stand here; it reports whether it did.
func (v value) drawEither(ways ...func(value)) bool {
	if v.sketch == nil {
		return false
	}
	is := Schema{}
	for _, way := range ways {
		s := &Schema{}
		way(value{d: v.d, path: v.path, sketch: s})
		is.AnyOf = append(is.AnyOf, s)
	}
	return v.draws(is)
}

// drawOnce draws what stands in several places, by its name.
func (v value) drawOnce(name string, draw func(value)) {
	if v.d.defs[name] == nil {
		s := &Schema{}
		draw(value{d: v.d, sketch: s})
		v.d.defs[name] = s
	}
	v.draws(Schema{Ref: "#/$defs/" + name})
}

// needs draws that a mapping must have these keys. It comes before the mapping's
// fields.
func (v value) needs(names ...string) {
	if v.sketch != nil {
		v.sketch.Required = names
	}
}

// forbid draws that nothing may stand here, and why.
func forbid(why string) Schema { return Schema{Not: &Schema{}, Description: why} }

// What checkURL and ParseAddress take begins so.
var urlPattern = regexp.MustCompile(`^\s*[Hh][Tt][Tt][Pp][Ss]?://`)

const addressPattern = `^\s*([Hh][Tt][Tt][Pp][Ss]?://|service:[^/]+/([a-z]+:)?[^:/]+:)`

// oneLine is what value.line takes.
const oneLine = `^\s*\S([^\n\t]*\S)?\s*$`

// lineOf returns the schema of a line that a regular expression matches; nil = of any line.
func lineOf(re *regexp.Regexp) Schema {
	if re == nil {
		return Schema{Type: "string", Pattern: oneLine}
	}
	return Schema{Type: "string", Pattern: re.String()}
}

// drawShape draws a Go type with yaml tags, as decoder.shape takes it.
func (d *decoder) drawShape(v value, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[promconfig.URL]():
		v.draws(lineOf(urlPattern))
		return
	case t == reflect.TypeFor[promconfig.TLSVersion]():
		var words []string
		for name := range promconfig.TLSVersions {
			words = append(words, name)
		}
		slices.Sort(words)
		v.draws(Schema{Enum: words})
		return
	case t == reflect.TypeFor[promconfig.Headers]():
		t = reflect.TypeFor[map[string]promconfig.Header]()
	}
	switch t.Kind() {
	case reflect.Struct:
		types := map[string]reflect.Type{}
		structFields(t, types)
		var known []field
		for name, ft := range types {
			if inline[name] == "" && !strings.HasSuffix(name, "_ref") {
				known = append(known, field{name: name, set: func(v value) { d.drawShape(v, ft) }})
			}
		}
		v.drawFields(known)
	case reflect.Map:
		d.drawShape(v.drawOthers(nil), t.Elem())
	case reflect.Slice:
		d.drawShape(v.drawItems(), t.Elem())
	case reflect.Bool:
		v.draws(Schema{Type: "boolean"})
	case reflect.String:
		v.draws(lineOf(nil))
	default:
		v.draws(Schema{}) // anything
	}
}
