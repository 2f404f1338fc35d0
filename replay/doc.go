// Package replay reads an incident's journal, whether it is finished or still
// grows.
//
// A Reader folds the facts up to a position and says what was known there: the
// incident, and what was observed as far as the facts tell. Looking again moves
// the position; looking on stays at the end while another program writes. Where
// the facts come from is handed over, so that nothing here knows of files.
package replay
