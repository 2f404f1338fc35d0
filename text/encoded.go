package text

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

// encodedMin is from which length on a word of base64 is looked into: what is
// shorter holds no token, no URL with a password and no line with one.
const encodedMin = 24

// redactEncoded masks words of base64 in which redactForms finds a secret, as the
// values of a Secret are written.
func redactEncoded(s string) string {
	var b strings.Builder
	done := 0
	// A run of encodedMin has a byte at every such step: most lines cost a few looks.
	for i := encodedMin - 1; i < len(s); i += encodedMin {
		if !encodedByte(s[i]) {
			continue
		}
		from := i
		for from > done && encodedByte(s[from-1]) {
			from--
		}
		for i < len(s) && encodedByte(s[i]) {
			i++
		}
		if i-from < encodedMin || !hidesSecret(s[from:i]) {
			continue
		}
		for i < len(s) && s[i] == '=' {
			i++
		}
		b.WriteString(s[done:from])
		b.WriteString(Mask)
		done = i
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

func encodedByte(c byte) bool {
	return alnum(c) || c == '+' || c == '/' || c == '-' || c == '_'
}

// encodedMax bounds what of one word is looked into.
const encodedMax = 8 << 10

// hidesSecret reports whether a word without its padding is base64 of a text with
// a secret in it.
func hidesSecret(word string) bool {
	word = word[:min(len(word), encodedMax)]
	word = word[:len(word)-len(word)%4+encodedRest(len(word))]
	coding := base64.RawStdEncoding
	if strings.ContainsAny(word, "-_") {
		coding = base64.RawURLEncoding
	}
	// The beginning tells most words that are none: names, paths, digests.
	if head, err := coding.DecodeString(word[:encodedMin]); err != nil || !printable(head, true) {
		return false
	}
	plain, err := coding.DecodeString(word)
	if err != nil || !printable(plain, false) {
		return false
	}
	text := string(plain)
	return redactForms(text) != text
}

// encodedRest returns how many characters after whole groups of four can be
// decoded.
func encodedRest(n int) int {
	if n %= 4; n == 1 {
		return 0
	}
	return n
}

// printable reports whether b is text; a cut one may end within a character.
func printable(b []byte, cut bool) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n <= 1:
			return cut && len(b) < utf8.UTFMax && !utf8.FullRune(b)
		case r == '\n', r == '\r', r == '\t':
		case !unicode.IsPrint(r):
			return false
		}
		b = b[n:]
	}
	return true
}
