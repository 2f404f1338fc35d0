package model

import (
	"fmt"
	"slices"
)

// Names are the words for the values 0, 1, 2 … of an ordered type. Journals hold
// the words, so that a value that is put in between moves no other.
type Names []string

// Of returns the word for n, and the first, which is what is unknown, for an n
// that has none.
func (w Names) Of(n int) string {
	if n < 0 || n >= len(w) {
		n = 0
	}
	return w[n]
}

// Text returns the word for n as a journal holds it; an n that has none is an
// error.
func (w Names) Text(n int) ([]byte, error) {
	if n < 0 || n >= len(w) {
		return nil, fmt.Errorf("there is no name for %d; there are %q", n, []string(w))
	}
	return []byte(w[n]), nil
}

// Parse sets n to the value of a word; one that is not among them is an error that
// names them. what is what is parsed: "check".
func (w Names) Parse(what string, b []byte, n *int) error {
	at := slices.Index(w, string(b))
	if at < 0 {
		return fmt.Errorf("%q is no %s; it is one of %q", b, what, []string(w))
	}
	*n = at
	return nil
}
