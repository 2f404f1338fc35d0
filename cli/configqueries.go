package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"rollbook/config"
)

// queryErrors parses the configuration's own queries as Prometheus would, and says
// where each faulty one stands and what is wrong in it.
func queryErrors(cfg *config.Config) error {
	p := parser.NewParser(parser.Options{})
	var all []error
	for _, q := range cfg.Queries() {
		// As long as the word that it replaces, so that positions stay.
		_, err := p.ParseExpr(strings.ReplaceAll(q.Text, "$window", "0000005m"[:len("$window")]))
		if err != nil {
			all = append(all, fmt.Errorf("%s: %s: %s", q.Source, q.Path, queryMistake(q.Text, err)))
		}
	}
	return errors.Join(all...)
}

// queryMistake is the first of the parser's errors, with its line and column.
func queryMistake(query string, err error) string {
	var list parser.ParseErrors
	var one *parser.ParseErr
	switch {
	case errors.As(err, &list) && len(list) > 0:
		one = &list[0]
	case !errors.As(err, &one):
		return err.Error()
	}
	at := min(max(0, int(one.PositionRange.Start)), len(query))
	line := strings.Count(query[:at], "\n") + 1
	column := len([]rune(query[strings.LastIndexByte(query[:at], '\n')+1:at])) + 1
	return fmt.Sprintf("line %d, column %d of the query: %s", line, column, one.Err)
}
