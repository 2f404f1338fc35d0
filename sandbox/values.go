package sandbox

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"rollbook/sandbox/sim"
)

// The values of a scenario's file read their own text, so that a mistake is
// told with its line and column.

// A Moment is a time relative to the opening, such as -6d or +2m.
type Moment time.Duration

// A Span is a duration, such as 2s.
type Span time.Duration

// A Latency is a Span, or inf.
type Latency time.Duration

// A Share is between 0 and 1, written in percent.
type Share float64

var units = regexp.MustCompile(`^(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d))+$`)

var days = regexp.MustCompile(`^([0-9]+)d`)

// span reads a duration that may have days.
func span(s string) (time.Duration, error) {
	if !units.MatchString(s) {
		return 0, fmt.Errorf("%q is not a duration: write a number and a unit (ms, s, m, h, d), such as 500ms, 1m30s or 6d", s)
	}
	var d time.Duration
	if m := days.FindStringSubmatch(s); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil || n > 3650 {
			return 0, fmt.Errorf("%q is longer than ten years", s)
		}
		d, s = time.Duration(n)*24*time.Hour, s[len(m[0]):]
	}
	if s == "" {
		return d, nil
	}
	rest, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: the larger unit comes first, such as 6d12h", s)
	}
	return d + rest, nil
}

// scalar is the text of a value.
func scalar(n ast.Node) (string, error) {
	if s, ok := n.(ast.ScalarNode); ok {
		return strings.TrimSpace(fmt.Sprint(s.GetValue())), nil
	}
	return "", complain(n, "one value is meant here")
}

// complain is an error about a place of the file.
func complain(n ast.Node, format string, args ...any) error {
	return &yaml.SyntaxError{Message: fmt.Sprintf(format, args...), Token: n.GetToken()}
}

// UnmarshalYAML reads a moment.
func (m *Moment) UnmarshalYAML(n ast.Node) error {
	s, err := scalar(n)
	if err != nil {
		return err
	}
	before, after := strings.HasPrefix(s, "-"), strings.HasPrefix(s, "+")
	if !before && !after && s != "0s" {
		return complain(n, "%q says neither before (-) nor after (+) the opening, such as -7m or +2m", s)
	}
	if before || after {
		s = s[1:]
	}
	d, err := span(s)
	if err != nil {
		return complain(n, "%v", err)
	}
	if before {
		d = -d
	}
	*m = Moment(d)
	return nil
}

// UnmarshalYAML reads a span.
func (d *Span) UnmarshalYAML(n ast.Node) error {
	s, err := scalar(n)
	if err != nil {
		return err
	}
	v, err := span(s)
	if err != nil {
		return complain(n, "%v", err)
	}
	*d = Span(v)
	return nil
}

// UnmarshalYAML reads a latency.
func (l *Latency) UnmarshalYAML(n ast.Node) error {
	s, err := scalar(n)
	if err != nil {
		return err
	}
	if s == "inf" {
		*l = Latency(sim.Endless)
		return nil
	}
	v, err := span(s)
	if err != nil || v == 0 {
		return complain(n, "%q is neither a duration, such as 120ms, nor inf", s)
	}
	*l = Latency(v)
	return nil
}

// UnmarshalYAML reads a share.
func (x *Share) UnmarshalYAML(n ast.Node) error {
	s, err := scalar(n)
	if err != nil {
		return err
	}
	v, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if err != nil || !strings.HasSuffix(s, "%") || v < 0 || v > 100 {
		return complain(n, "%q is not a share of the requests: write it in percent, such as 30%%", s)
	}
	*x = Share(v / 100)
	return nil
}
