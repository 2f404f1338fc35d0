package kubelet

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"rollbook/testbed/traffic"
)

type line struct {
	at   time.Time
	text string
}

// A writer makes up a pod's lines: one a second, and tracebacks where the pod is
// bad. What it writes for a second depends on the pod and the second alone, so
// that each reader reads the same.
type writer struct {
	seed    string
	app     string
	crash   bool
	profile traffic.Profile
}

func newWriter(p *corev1.Pod) writer {
	profile, _ := traffic.ProfileOf(p.Annotations) // the traffic tells of what cannot be read
	return writer{
		seed: string(p.UID), app: p.Labels["app"], profile: profile,
		crash: strings.HasPrefix(p.Annotations["testbed/behaviour"], "crash"),
	}
}

// lines returns those of a run that were written in [from, until).
func (w writer) lines(r run, from, until time.Time) []line {
	var out []line
	add := func(ls []line) {
		for _, l := range ls {
			if !l.at.Before(from) && l.at.Before(until) {
				out = append(out, l)
			}
		}
	}
	add(w.starting(r))
	end := until
	if !r.end.IsZero() && r.end.Before(end) {
		end = r.end
	}
	first := r.start.Truncate(time.Second).Add(time.Second)
	if from.After(first) {
		first = from.Truncate(time.Second)
	}
	for s := first; s.Before(end); s = s.Add(time.Second) {
		add(w.second(s))
	}
	if w.crash && !r.end.IsZero() {
		add(w.dying(r.end))
	}
	return out
}

func at(t time.Time, texts ...string) []line {
	var out []line
	for i, s := range texts {
		out = append(out, line{t.Add(time.Duration(i) * 137 * time.Microsecond), s})
	}
	return out
}

func (w writer) starting(r run) []line {
	t := r.start.Add(20 * time.Millisecond)
	switch w.app {
	case "frontend":
		return at(t, "  ▲ Next.js 15.1.0", "  - Local:        http://localhost:3000", " ✓ Ready in 412ms")
	case "backend-rust":
		return at(t, stamp(t)+"  INFO search: listening on 0.0.0.0:8080 shards=4")
	case "postgresql":
		return at(t, stamp(t)+" UTC [1] LOG:  starting PostgreSQL 15.8", stamp(t)+" UTC [1] LOG:  database system is ready to accept connections")
	}
	return at(t, "INFO:     Started server process [1]", "INFO:     Waiting for application startup.")
}

func (w writer) dying(t time.Time) []line {
	return at(t,
		"ERROR:    Traceback (most recent call last):",
		`  File "/app/shop/main.py", line 41, in lifespan`,
		"    payments = PaymentClient(settings.payment_url())",
		`  File "/app/shop/settings.py", line 27, in payment_url`,
		`    return os.environ["PAYMENT_URL"]`,
		`  File "<frozen os>", line 714, in __getitem__`,
		"KeyError: 'PAYMENT_URL'",
		"ERROR:    Application startup failed. Exiting.",
	)
}

var paths = map[string][]string{
	"frontend":     {"/", "/cart", "/checkout", "/product/4711"},
	"backend-rust": {"/search?q=lamp", "/search?q=chair", "/suggest?q=ta"},
	"":             {"/api/orders", "/api/cart", "/api/products/4711", "/api/health"},
}

// second is what is written within one second.
func (w writer) second(s time.Time) []line {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d", w.seed, s.Unix())
	n := h.Sum64()
	t := s.Add(time.Duration(n%900) * time.Millisecond)
	choices := paths[w.app]
	if choices == nil {
		choices = paths[""]
	}
	path := choices[n>>10%uint64(len(choices))]
	failed := float64(n>>20%10000)/10000 < w.profile.Errors
	took := 60 * time.Second
	if w.profile.P95 != traffic.Endless {
		took = time.Duration(float64(w.profile.P95) * (0.3 + float64(n>>40%70)/100))
	}
	code, word := 200, "OK"
	if failed {
		code, word = 500, "Internal Server Error"
	}
	switch w.app {
	case "postgresql":
		if s.Unix()%60 != 0 {
			return nil
		}
		return at(t, stamp(t)+" UTC [27] LOG:  checkpoint complete: wrote 42 buffers (0.3%)")
	case "frontend":
		return at(t, fmt.Sprintf(" GET %s %d in %dms", path, code, took.Milliseconds()))
	case "backend-rust":
		level := "INFO"
		if failed {
			level = "ERROR"
		}
		return at(t, fmt.Sprintf("%s %5s search::http: GET %s status=%d took=%dms", stamp(t), level, path, code, took.Milliseconds()))
	}
	access := fmt.Sprintf(`INFO:     10.244.1.%d:%d - "GET %s HTTP/1.1" %d %s %dms`, n%250, 40000+n>>8%20000, path, code, word, took.Milliseconds())
	if !failed {
		return at(t, access)
	}
	return at(t, access,
		"ERROR:    Exception in ASGI application",
		"Traceback (most recent call last):",
		`  File "/app/shop/payments.py", line 88, in charge`,
		"    response = client.post(url, json=order, timeout=settings.payment_timeout)",
		"httpx.ReadTimeout: timed out",
	)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }
