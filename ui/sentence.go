package ui

import "strings"

// upper begins a sentence, unless it begins with a name.
func (s *scope) upper(text string) string {
	first, _, _ := strings.Cut(text, " ")
	if text == "" || s.d.byID[strings.TrimSuffix(first, ":")] != nil || strings.ContainsAny(first, "-/.") {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// stop ends a sentence.
func stop(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") || text == "" {
		return text
	}
	return text + "."
}
