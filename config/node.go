package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The syntax tree is walked by hand instead of decoded by reflection: so all
// mistakes are found at once, every value knows its line, and a key can be
// refused because of where its file comes from.

// maxTokens bounds the parser's work: it takes the square of the number of
// keys in one mapping.
const maxTokens = 40_000

// maxNodes bounds what aliases can make of a small file.
const maxNodes = 100_000

// parse returns the tree of the one document in data, nil when that is empty.
func (d *decoder) parse(data []byte) (root ast.Node, ok bool) {
	data, ok = d.checkText(data)
	if !ok {
		return nil, false
	}
	defer func() { // the parser is not ours
		if r := recover(); r != nil {
			d.fail(1, 1, "", "cannot be read as YAML")
			root, ok = nil, false
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if len(tokens) > maxTokens {
		t := tokens[maxTokens]
		d.fail(t.Position.Line, t.Position.Column, "", "the file has too many keys and values")
		return nil, false
	}
	// Duplicates are found below, where their places are known.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, col, msg := syntaxError(err)
		d.fail(line, col, "", msg)
		return nil, false
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if _, directive := doc.Body.(*ast.DirectiveNode); directive {
			continue
		}
		if root != nil {
			line, col := position(doc.Body)
			d.fail(line, col, "", "a second document begins here; a configuration is one, so remove the \"---\" between them")
			return nil, false
		}
		root = doc.Body
	}
	if root != nil {
		ast.Walk(anchors{d}, root)
	}
	return root, true
}

// checkText refuses what is no text, and what would look other than it reads.
func (d *decoder) checkText(data []byte) ([]byte, bool) {
	s := strings.TrimPrefix(string(data), "\ufeff")
	if strings.HasPrefix(s, "\xff\xfe") || strings.HasPrefix(s, "\xfe\xff") {
		d.fail(1, 1, "", "the file is in UTF-16; save it as UTF-8")
		return nil, false
	}
	s = strings.ReplaceAll(s, "\r\n", "\n") // or the parser miscounts lines
	line, col := 1, 1
	for i, r := range s {
		switch {
		case r == '\n':
			line, col = line+1, 0
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd"):
			d.fail(line, col, "", "the file is not text in UTF-8")
			return nil, false
		case r == '\t':
		case r < 0x20 || r == 0x7f:
			d.fail(line, col, "", fmt.Sprintf("the file is not text: it has the control character %U", r))
			return nil, false
		case odd(r):
			d.fail(line, col, "", fmt.Sprintf("the invisible character %U stands here; remove it", r))
			return nil, false
		}
		col++
	}
	return []byte(s), true
}

// odd reports characters that show nothing, or make text look other than it
// reads.
func odd(r rune) bool {
	return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || r == 0x2028 || r == 0x2029
}

// syntaxError takes position and message out of an error of the parser. Its
// source lines are left out: they may hold secrets.
func syntaxError(err error) (line, col int, msg string) {
	line, col, msg = 1, 1, "cannot be read as YAML"
	var e yaml.Error
	if errors.As(err, &e) {
		if t := e.GetToken(); t != nil && t.Position != nil {
			line, col = max(1, t.Position.Line), max(1, t.Position.Column)
		}
		msg = "this is not YAML: " + printable(e.GetMessage())
		if strings.Contains(e.GetMessage(), "'\t'") {
			msg = "this is not YAML: indent with spaces, not with a tab"
		}
	}
	return line, col, msg
}

type anchors struct{ d *decoder }

// Visit remembers what each anchor names.
func (a anchors) Visit(n ast.Node) ast.Visitor {
	if an, ok := n.(*ast.AnchorNode); ok {
		name := an.Name.GetToken().Value
		if _, twice := a.d.anchors[name]; twice {
			line, col := position(an)
			a.d.fail(line, col, "", fmt.Sprintf("the anchor %s is defined twice", quote("&"+name)))
		}
		a.d.anchors[name] = an.Value
	}
	return a
}

// position returns where n begins.
func position(n ast.Node) (line, col int) {
	switch m := n.(type) {
	case nil:
		return 1, 1
	case *ast.MappingNode: // its own token is the first colon
		if !m.IsFlowStyle && len(m.Values) > 0 {
			return position(m.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return position(m.Key)
	}
	return tokenPosition(n.GetToken())
}

func tokenPosition(t *token.Token) (line, col int) {
	if t == nil || t.Position == nil {
		return 1, 1
	}
	return max(1, t.Position.Line), max(1, t.Position.Column)
}

// resolve returns what n stands for: past anchors and aliases; nil for an
// empty value, or after a mistake, which it reports.
func (d *decoder) resolve(n ast.Node, path string) ast.Node {
	for n != nil && !d.stopped {
		if d.left--; d.left < 0 {
			line, col := position(n)
			d.fail(line, col, path, "the aliases unfold to too much")
			d.stopped = true
			return nil
		}
		switch x := n.(type) {
		case *ast.AnchorNode:
			n = x.Value
		case *ast.AliasNode:
			name := x.Value.GetToken().Value
			target, ok := d.anchors[name]
			if !ok {
				line, col := position(x)
				d.fail(line, col, path, fmt.Sprintf("no anchor is named %s", quote(name)))
				return nil
			}
			n = target
		case *ast.TagNode:
			line, col := position(x)
			d.fail(line, col, path, "tags such as "+quote(x.Start.Value)+" are not used here; remove it")
			return nil
		case *ast.NullNode:
			return nil
		default:
			return n
		}
	}
	return nil
}

// describe says what kind of value n is, for "… is meant, not …".
func describe(n ast.Node) string {
	switch n.(type) {
	case nil:
		return "nothing"
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys and values"
	}
	return "something else"
}

// scalarText returns the text of a scalar as it stands in the file.
func scalarText(n ast.Node) (string, bool) {
	switch x := n.(type) {
	case *ast.StringNode:
		return x.Value, true
	case *ast.LiteralNode:
		return x.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func integer(n ast.Node) (int, bool) {
	x, ok := n.(*ast.IntegerNode)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(strings.ReplaceAll(x.GetToken().Value, "_", ""))
	return i, err == nil
}
