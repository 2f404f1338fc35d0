package prom

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/util/annotations"
)

type apiTarget struct {
	DiscoveredLabels   map[string]string `json:"discoveredLabels"`
	Labels             map[string]string `json:"labels"`
	ScrapePool         string            `json:"scrapePool"`
	ScrapeURL          string            `json:"scrapeUrl"`
	GlobalURL          string            `json:"globalUrl"`
	LastError          string            `json:"lastError"`
	LastScrape         time.Time         `json:"lastScrape"`
	LastScrapeDuration float64           `json:"lastScrapeDuration"`
	Health             string            `json:"health"`
	ScrapeInterval     string            `json:"scrapeInterval"`
	ScrapeTimeout      string            `json:"scrapeTimeout"`
}

// activeTargets answers which targets there are. None is ever dropped.
func (s *Server) activeTargets(r *http.Request) (any, annotations.Annotations, error) {
	pool, state := r.Form.Get("scrapePool"), strings.ToLower(r.Form.Get("state"))
	out := []apiTarget{}
	for _, x := range s.scraped() {
		if state == "dropped" || pool != "" && pool != x.Target.Pool {
			continue
		}
		t := apiTarget{
			DiscoveredLabels: x.Target.Discovered, Labels: x.Target.Labels, ScrapePool: x.Target.Pool,
			ScrapeURL: x.Target.URL, GlobalURL: x.Target.URL, LastScrape: x.at, LastScrapeDuration: x.Took.Seconds(),
			Health: "up", ScrapeInterval: s.interval.String(), ScrapeTimeout: (s.interval * 4 / 5).String(),
		}
		if x.Err != nil {
			t.Health, t.LastError = "down", x.Err.Error()
		}
		out = append(out, t)
	}
	slices.SortStableFunc(out, func(a, b apiTarget) int { return cmp.Compare(a.ScrapePool, b.ScrapePool) })
	return map[string]any{"activeTargets": out, "droppedTargets": []any{}, "droppedTargetCounts": map[string]int{}}, nil, nil
}

// scraped is a copy of the targets' states.
func (s *Server) scraped() []scraped {
	s.targets.mu.Lock()
	defer s.targets.mu.Unlock()
	out := make([]scraped, len(s.targets.all))
	for i, x := range s.targets.all {
		out[i] = *x
	}
	return out
}

type apiMetadata struct {
	Type string `json:"type"`
	Help string `json:"help"`
	Unit string `json:"unit"`
}

func (s *Server) metadata(r *http.Request) (any, annotations.Annotations, error) {
	most, err := limitParam(r, "limit")
	if err != nil {
		return nil, nil, err
	}
	each, err := limitParam(r, "limit_per_metric")
	if err != nil {
		return nil, nil, err
	}
	metric, out := r.Form.Get("metric"), map[string][]apiMetadata{}
	for _, x := range s.scraped() {
		for _, f := range x.Target.Families {
			m := apiMetadata{Type: f.Type, Help: f.Help}
			all, known := out[f.Name]
			switch {
			case metric != "" && metric != f.Name, slices.Contains(all, m):
			case !known && most > 0 && len(out) >= most, each > 0 && len(all) >= each:
			default:
				out[f.Name] = append(all, m)
			}
		}
	}
	return out, nil, nil
}
