package model

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Percent prints a ratio as the screen shows it: "12.4%", "5%", "0.02%".
func Percent(v float64) string {
	p, digits := v*100, 1
	switch {
	case p != 0 && math.Abs(p) < 0.1:
		digits = 2
	case p >= 99.95:
		digits = 0
	}
	return trimmed(p, digits) + "%"
}

// Seconds prints a latency: "212ms", "1.84s", "2s".
func Seconds(v float64) string {
	if v < 1 {
		return trimmed(v*1000, 0) + "ms"
	}
	return trimmed(v, 2) + "s"
}

// Count prints how many there were, rounded for people: "0", "873", "8.6k", "191k",
// "1.2M".
func Count(v float64) string {
	switch v = math.Round(v); {
	case v < 1000:
		return trimmed(max(0, v), 0)
	case v < 999_500:
		return rounded(v/1e3) + "k"
	}
	return rounded(v/1e6) + "M"
}

// Plural counts things: "1 migration", "3 migrations".
func Plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return strconv.Itoa(n) + " " + word
}

// rounded prints a number with one digit after the point while it is below ten.
func rounded(v float64) string {
	if v < 9.95 {
		return trimmed(v, 1)
	}
	return trimmed(v, 0)
}

// trimmed prints a number with at most so many digits after the point.
func trimmed(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Short prints a duration in at most two units, as one reads it aloud: 40s,
// 7m10s, 3h10m, 2d.
func Short(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 10*time.Minute:
		if s := int(d.Seconds()) % 60; s != 0 {
			return fmt.Sprintf("%dm%02ds", int(d.Minutes()), s)
		}
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 10*time.Hour:
		if m := int(d.Minutes()) % 60; m != 0 {
			return fmt.Sprintf("%dh%02dm", int(d.Hours()), m)
		}
		return fmt.Sprintf("%dh", int(d.Hours()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// Age is the time since t in one unit, as kubectl's columns have it: 77s, 11m,
// 6h, 9d; "?" when t is not known.
func Age(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return "?"
	case d < 0:
		return "0s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// Bytes prints a size: "312 B", "48 kB", "3.2 MB".
func Bytes(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return fmt.Sprintf("%d kB", (n+500)/1000)
	}
	return trimmed(float64(n)/1e6, 1) + " MB"
}

// ShellWord returns a text as one word of a POSIX shell, in quotes where it needs them.
func ShellWord(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+,=", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
