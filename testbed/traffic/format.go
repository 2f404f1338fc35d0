package traffic

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// A sample is one line of the exposition: a series without the target's labels,
// and its value.
type sample struct {
	family string
	name   string
	labels string // inside of the braces
	value  float64
}

const (
	familyRequests = "http_requests"
	familyDuration = "http_request_duration_seconds"
)

// samples lists the counters, each family together, whole requests only.
func (c *Counters) samples() []sample {
	var out []sample
	for m, method := range methods {
		for s, status := range statuses {
			out = append(out, sample{familyRequests, "http_requests_total",
				fmt.Sprintf(`method=%q,status=%q`, method, status), math.Floor(c.requests[m][s])})
		}
	}
	for i, b := range Bounds {
		out = append(out, sample{familyDuration, familyDuration + "_bucket", `le="` + bound(b) + `"`, math.Floor(c.buckets[i])})
	}
	return append(out,
		sample{familyDuration, familyDuration + "_bucket", `le="+Inf"`, math.Floor(c.count)},
		sample{familyDuration, familyDuration + "_count", "", math.Floor(c.count)},
		sample{familyDuration, familyDuration + "_sum", "", c.sum})
}

// bound writes a bucket's limit as Prometheus 3 stores it, with a decimal point,
// so that history and live series are the same.
func bound(b float64) string {
	s := strconv.FormatFloat(b, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// write writes the counters in the text format, as a target does.
func (c *Counters) write(w io.Writer) {
	last := ""
	for _, s := range c.samples() {
		if s.family != last {
			name, kind := s.family+"_total", "counter"
			if s.family == familyDuration {
				name, kind = s.family, "histogram"
			}
			fmt.Fprintf(w, "# TYPE %s %s\n", name, kind)
			last = s.family
		}
		labels := ""
		if s.labels != "" {
			labels = "{" + s.labels + "}"
		}
		fmt.Fprintf(w, "%s%s %s\n", s.name, labels, number(s.value))
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func seconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}
