package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"rollbook/incident"
)

// Journals of format 2, as the program wrote them when the format was new, stay
// readable, each fact of them, and mean what they meant: written again they are the
// same, byte for byte. They are never rewritten; a change that fails here needs the
// next format, and a reader of this one.
func TestFrozenJournals(t *testing.T) {
	frozen, err := filepath.Glob("testdata/format2/*.jsonl")
	if err != nil || len(frozen) < 7 {
		t.Fatalf("found %v, %v", frozen, err)
	}
	kinds := map[string]bool{}
	for _, path := range frozen {
		c, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))[1:]
		if len(lines) != len(c.Facts) || c.Torn != 0 {
			t.Fatalf("%s: %d facts of %d lines, %d bytes torn", path, len(c.Facts), len(lines), c.Torn)
		}
		for n, f := range c.Facts {
			if u, ok := f.Body.(incident.Unknown); ok {
				t.Errorf("%s:%d: %s is not known", path, n+2, u.Fact)
			}
			kinds[kindOf(lines[n])] = true
			line, err := encode(f)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(bytes.TrimSuffix(line, []byte("\n")), lines[n]) {
				t.Errorf("%s:%d: was written as\n%s\nand is read as\n%s", path, n+2, lines[n], line)
			}
		}
		if i := incident.Fold(c.Facts); i.End == nil || c.Summary().State != Closed {
			t.Errorf("%s: %s, ended %+v", path, c.Summary().State, i.End)
		}
	}
	if len(kinds) < 26 {
		t.Errorf("only %d kinds of facts are in them: %v", len(kinds), kinds)
	}
}
