package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Load reads the sources and combines them, the most trusted last, whatever
// their order here. Its error is of type Errors and holds every mistake that
// was found. Without sources it returns the defaults.
func Load(sources ...Source) (*Config, error) {
	cfg := Defaults()
	var errs Errors
	cfg.Sources = slices.Clone(sources)
	slices.SortStableFunc(cfg.Sources, func(a, b Source) int { return cmp.Compare(a.Kind, b.Kind) })
	for i := range cfg.Sources {
		s := &cfg.Sources[i]
		data, err := s.read()
		if err != nil {
			errs = append(errs, &Error{File: s.Label(), Msg: err.Error()})
			continue
		}
		if s.loaded = data; data == nil {
			s.loaded = []byte{}
		}
		sum := sha256.Sum256(data)
		s.Hash = hex.EncodeToString(sum[:])
		decode(s, data, cfg, &errs)
	}
	cfg.Hash = hash(cfg.Sources)
	if len(errs) == 0 {
		cfg.complete(&errs)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return cfg, nil
}

// With returns the configuration with one source more, in its place by trust.
// The others are taken as they were read: a file that was changed since does not
// count half way through an incident. c stays as it is.
func (c *Config) With(s Source) (*Config, error) {
	return Load(append(slices.Clone(c.Sources), s)...)
}

// hash returns what Config.Hash documents.
func hash(sources []Source) string {
	switch len(sources) {
	case 0:
		return ""
	case 1:
		return sources[0].Hash
	}
	h := sha256.New()
	for _, s := range sources {
		fmt.Fprintf(h, "%s  %s\n", s.Hash, s.Kind)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func decode(s *Source, data []byte, cfg *Config, errs *Errors) {
	d := &decoder{src: s, cfg: cfg, errs: errs, anchors: map[string]ast.Node{}, left: maxNodes, names: map[string]bool{}}
	if root, ok := d.parse(data); ok && root != nil {
		d.root(value{d: d, key: place{1, 1}, node: d.resolve(root, "")})
	}
}

const (
	second = time.Second
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * hour
)

func (d *decoder) root(v value) {
	cfg := d.cfg
	v.fields(
		field{name: "limits", set: d.limits},
		field{name: "verify", set: func(v value) {
			v.fields(
				ratioField("errors", &cfg.Verify.Errors, 0.00001, 0.5),
				durationField("p95", &cfg.Verify.P95, time.Millisecond, 5*minute),
				durationField("hold", &cfg.Verify.Hold, 30*second, hour),
			)
		}},
		field{name: "slo", set: d.slo},
		field{name: "not_production", private: true, set: d.notProduction},
		field{name: "components", set: d.components},
		field{name: "prometheus", private: true, set: d.prometheus},
		field{name: "methods", private: true, set: d.methods},
		field{name: "links", set: d.links},
		field{name: "contacts", set: d.contacts},
		field{name: "notifications", private: true, set: d.notifications},
		field{name: "report", private: true, set: func(v value) {
			v.fields(d.pathField("template", &cfg.Report.Template))
		}},
		field{name: "recovery", private: true, set: d.recovery},
		field{name: "drill", private: true, set: d.drill},
		field{name: "signals", private: true, set: func(v value) {
			v.fields(
				boolField("bell", &cfg.Signals.Bell),
				boolField("title", &cfg.Signals.Title),
				boolField("notify", &cfg.Signals.Notify),
			)
		}},
		func() field {
			f := d.pathField("journal_dir", &cfg.JournalDir)
			f.private = true
			return f
		}(),
	)
}

func (d *decoder) limits(v value) {
	l := &d.cfg.Limits
	v.fields(
		field{name: "errors", set: func(v value) {
			v.fields(
				ratioField("over", &l.Errors, 0.0001, 0.99),
				durationField("for", &l.ErrorsFor, 30*second, day),
			)
		}},
		field{name: "p95", set: func(v value) {
			v.fields(
				durationField("over", &l.P95, time.Millisecond, 10*minute),
				durationField("for", &l.P95For, 30*second, day),
			)
		}},
		countField("min_requests", &l.MinRequests, 1, 1_000_000),
		durationField("rollout", &l.Rollout, 10*second, day),
		field{name: "poll", set: func(v value) {
			v.fields(
				durationField("incident", &l.Poll, second, minute),
				durationField("idle", &l.PollIdle, second, 10*minute),
			)
		}},
	)
}

func (d *decoder) slo(v value) {
	slo := SLO{Window: 30 * day}
	if d.cfg.SLO != nil {
		slo = *d.cfg.SLO
	}
	v.fields(
		ratioField("objective", &slo.Objective, 0.5, 0.999999),
		durationField("window", &slo.Window, day, 366*day),
	)
	if v.node == nil {
		return
	}
	v.remember()
	d.cfg.SLO = &slo
}

func (d *decoder) notProduction(v value) {
	var places []Place
	for _, item := range v.items() {
		var p Place
		before := d.count
		item.fields(
			lineField("context", &p.Context, nil),
			lineField("server", &p.Server, nil),
			lineField("namespace", &p.Namespace, nil),
		)
		switch {
		case d.count > before:
		case strings.Trim(p.Context+p.Server+p.Namespace, "*?") == "":
			item.fail("would match everything; name a context, a server or a namespace that is not production")
		default:
			places = append(places, p)
		}
	}
	d.cfg.NotProduction = places
	v.remember()
}

func (d *decoder) links(v value) {
	for _, e := range v.entries() {
		if e.value.draws(lineOf(urlPattern)) {
			return
		}
		s, ok := e.value.line()
		if !ok {
			continue
		}
		if err := checkURL(s); err != nil {
			e.value.fail("%s", err)
			continue
		}
		if !d.checkName(e) {
			continue
		}
		e.value.remember()
		if i := slices.IndexFunc(d.cfg.Links, func(l Link) bool { return l.Name == e.name }); i >= 0 {
			d.cfg.Links[i].URL = s
		} else {
			d.cfg.Links = append(d.cfg.Links, Link{e.name, s})
		}
	}
}

// checkName reports whether a key that is a name of the team's own can be
// shown.
func (d *decoder) checkName(e entry) bool {
	if strings.TrimSpace(e.name) == "" || len([]rune(e.name)) > 60 || strings.ContainsFunc(e.name, odd) {
		e.value.failKey("a name is one line of at most 60 printable characters")
		return false
	}
	return true
}
