package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Ratio is a share between 0 and 1, written in percent.
type Ratio float64

func (r Ratio) String() string {
	return strconv.FormatFloat(float64(r)*100, 'g', 10, 64) + "%"
}

var (
	percent  = regexp.MustCompile(`^(\d+(?:\.\d+)?) ?%$`)
	duration = regexp.MustCompile(`^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$`)
	oneUnit  = regexp.MustCompile(`(\d+(?:\.\d+)?)(ms|[smhdw])`)
	number   = regexp.MustCompile(`^[-+]?(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:[eE][-+]?\d+)?$`)
)

// ParseRatio reads a share such as "5%" or "0.1%".
func ParseRatio(s string) (Ratio, error) {
	m := percent.FindStringSubmatch(s)
	if m == nil {
		if number.MatchString(s) {
			hint := "write " + plainNumber(s) + "%"
			if f, err := strconv.ParseFloat(plainNumber(s), 64); err == nil && f > 0 && f < 1 {
				hint += ", or " + Ratio(f).String() + " if a part of 1 is meant"
			}
			return 0, fmt.Errorf("%s has no unit; a share of the requests is meant, in percent: %s", quote(s), hint)
		}
		return 0, fmt.Errorf("%s is not a share of the requests: write it in percent, such as 5%% or 0.1%%", quote(s))
	}
	f, err := strconv.ParseFloat(m[1]+"e-2", 64)
	if err != nil {
		return 0, fmt.Errorf("%s is too large a number", quote(s))
	}
	return Ratio(f), nil
}

var units = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
	"d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
}

// ParseDuration reads a duration such as "500ms", "1m30s" or "30d".
func ParseDuration(s string) (time.Duration, error) {
	if !duration.MatchString(s) {
		if number.MatchString(s) {
			n := plainNumber(s)
			return 0, fmt.Errorf("%s has no unit; a duration is meant: write %[2]sms, %[2]ss, %[2]sm, %[2]sh or %[2]sd", quote(s), n)
		}
		return 0, fmt.Errorf("%s is not a duration: write a number and a unit (ms, s, m, h, d, w), such as 500ms, 2s, 5m or 30d", quote(s))
	}
	var sum float64
	last := time.Duration(1 << 62)
	for _, m := range oneUnit.FindAllStringSubmatch(s, -1) {
		f, err := strconv.ParseFloat(m[1], 64)
		u := units[m[2]]
		if err != nil || u >= last {
			return 0, fmt.Errorf("%s is not a duration: units come once each, the larger first, such as 1m30s", quote(s))
		}
		last = u
		sum += f * float64(u)
	}
	if sum > float64(100*366*24*time.Hour) {
		return 0, fmt.Errorf("%s is longer than a century", quote(s))
	}
	return time.Duration(sum), nil
}

// plainNumber writes a number of YAML the way that units are put to.
func plainNumber(s string) string {
	s = strings.ReplaceAll(strings.TrimPrefix(s, "+"), "_", "")
	if strings.HasPrefix(s, ".") {
		s = "0" + s
	}
	return s
}

// FormatDuration writes d the way ParseDuration reads it: 5m, 1h30m, 30d.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := int64(d / u.size); n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d %= u.size
		}
	}
	return b.String()
}
