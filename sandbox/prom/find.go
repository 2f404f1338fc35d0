package prom

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// found is what match[], start, end and limit of a request are about.
type found struct {
	querier storage.Querier
	sets    [][]*labels.Matcher
	limit   int
}

// find reads those parameters. Without a time all that is kept is meant.
func (s *Server) find(r *http.Request) (*found, error) {
	limit, err := limitParam(r, "limit")
	if err != nil {
		return nil, err
	}
	start, err := timeParam(r, "start", time.UnixMilli(math.MinInt64/2))
	if err != nil {
		return nil, err
	}
	end, err := timeParam(r, "end", time.UnixMilli(math.MaxInt64/2))
	if err != nil {
		return nil, err
	}
	sets, err := s.matchers(r)
	if err != nil {
		return nil, err
	}
	q, err := s.db.Querier(timestamp.FromTime(start), timestamp.FromTime(end))
	return &found{q, sets, limit}, err
}

// matchers are the selectors of match[].
func (s *Server) matchers(r *http.Request) ([][]*labels.Matcher, error) {
	sets, err := s.parser.ParseMetricSelectors(r.Form["match[]"])
	if err != nil {
		return nil, badParam("match[]", err)
	}
	for _, set := range sets {
		if !slices.ContainsFunc(set, func(m *labels.Matcher) bool { return !m.Matches("") }) {
			return nil, badParam("match[]", errors.New("match[] must contain at least one non-empty matcher"))
		}
	}
	return sets, nil
}

func (s *Server) series(r *http.Request) (any, annotations.Annotations, error) {
	if len(r.Form["match[]"]) == 0 {
		return nil, nil, badData("no match[] parameter provided")
	}
	f, err := s.find(r)
	if err != nil {
		return nil, nil, err
	}
	out := []labels.Labels{}
	for _, set := range f.sets {
		for all := f.querier.Select(r.Context(), true, nil, set...); all.Next(); {
			out = append(out, all.At().Labels())
		}
	}
	slices.SortFunc(out, labels.Compare)
	return limited(slices.CompactFunc(out, labels.Equal), f.limit)
}

func (s *Server) labelNames(r *http.Request) (any, annotations.Annotations, error) {
	return s.texts(r, func(f *found, set []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return f.querier.LabelNames(r.Context(), nil, set...)
	})
}

func (s *Server) labelValues(r *http.Request) (any, annotations.Annotations, error) {
	name := r.PathValue("name")
	if strings.HasPrefix(name, "U__") {
		name = model.UnescapeName(name, model.ValueEncodingEscaping)
	}
	if !model.UTF8Validation.IsValidLabelName(name) {
		return nil, nil, badData("invalid label name: %q", name)
	}
	return s.texts(r, func(f *found, set []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return f.querier.LabelValues(r.Context(), name, nil, set...)
	})
}

// texts gathers names or values over all the selectors, or over everything.
func (s *Server) texts(r *http.Request, of func(*found, []*labels.Matcher) ([]string, annotations.Annotations, error)) (any, annotations.Annotations, error) {
	f, err := s.find(r)
	if err != nil {
		return nil, nil, err
	}
	if len(f.sets) == 0 {
		f.sets = [][]*labels.Matcher{nil}
	}
	out := []string{}
	for _, set := range f.sets {
		more, _, err := of(f, set)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, more...)
	}
	slices.Sort(out)
	return limited(slices.Compact(out), f.limit)
}

func limited[T any](all []T, limit int) (any, annotations.Annotations, error) {
	if limit > 0 && len(all) > limit {
		return all[:limit], annotations.New().Add(errTruncated), nil
	}
	return all, nil, nil
}
