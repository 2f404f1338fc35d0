package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rollbook/kube"
	"rollbook/model"
	reporting "rollbook/report"
)

// evidence is a kube.Client and a Prometheus as what evidence is read from.
type evidence struct {
	c    *kube.Client
	prom *prometheus
}

// sources are what a reporting.Collector reads.
func (e evidence) sources() reporting.Sources {
	return reporting.Sources{Logs: e, Events: e, Objects: e, Figures: e, Diff: viewer{e.c}}
}

func (e evidence) Log(ctx context.Context, of reporting.LogOf) iter.Seq2[string, error] {
	o := kube.LogOptions{Container: of.Container, Previous: of.Previous, Tail: of.Tail, Timestamps: true}
	if of.Tail == 0 {
		o.Since = of.Since
	}
	return func(yield func(string, error) bool) {
		for line, err := range e.c.Logs(ctx, of.Namespace, of.Pod, o) {
			if err != nil {
				yield("", reason(err))
				return
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}

func (e evidence) Events(ctx context.Context, c *model.Component, limit int) (model.Events, error) {
	events, err := e.c.Events(ctx, c, limit)
	if err != nil {
		return model.Events{}, reason(err)
	}
	return events, nil
}

func (e evidence) Objects(ctx context.Context, c *model.Component) []reporting.Object {
	var out []reporting.Object
	for _, o := range e.c.Objects(ctx, c) {
		x := reporting.Object{Kind: o.Kind, Name: o.Name, YAML: o.YAML}
		if o.Err != nil {
			x.Err = reason(o.Err)
		}
		out = append(out, x)
	}
	return out
}

func (e evidence) Window(ctx context.Context, targets []model.Target, from, to time.Time) ([]model.Series, error) {
	c := e.prom.found.Load()
	if c == nil {
		return nil, errNotThere
	}
	return c.Window(ctx, targets, from, to)
}

// reason is an error beside what it is about: whether it is gone or forbidden, and
// the API server's own words once.
func reason(err error) error {
	var st apierrors.APIStatus
	if !errors.As(err, &st) || st.Status().Message == "" {
		return err
	}
	words := st.Status().Message
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("gone: %s", words)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("forbidden: %s", words)
	}
	return errors.New(words)
}
