package kube

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// pollEvery is how often a source is listed that may not be watched.
const pollEvery = 5 * time.Second

// poll lists the source again and again, for a user who may list and not watch, until
// ctx ends or that fails.
func (s *source) poll(ctx context.Context, epoch int) error {
	for ctx.Err() == nil {
		begun := s.v.c.now()
		all, err := s.all(ctx)
		if err != nil {
			return err
		}
		s.v.mu.Lock()
		s.polled = true
		s.v.mu.Unlock()
		objs := make([]any, len(all.Items))
		for i, o := range all.Items {
			objs[i] = o
		}
		if err := (&feed{s, epoch}).Replace(objs, ""); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pollEvery - s.v.c.now().Sub(begun)):
		}
	}
	return ctx.Err()
}

// all lists the source, page by page: of events the newest, so that no more of them
// are ever in memory than are kept.
func (s *source) all(ctx context.Context) (*internalversion.List, error) {
	out := &internalversion.List{}
	o := metav1.ListOptions{FieldSelector: s.field, Limit: pageSize}
	for {
		l, err := s.page(ctx, o)
		if err != nil {
			return nil, err
		}
		if out.ResourceVersion == "" {
			out.ResourceVersion = l.ResourceVersion
		}
		out.Items = append(out.Items, l.Items...)
		if s.resource == "events" && len(out.Items) >= 2*keptEvents {
			out.Items = s.newest(out.Items)
		}
		if o.Continue = l.Continue; o.Continue == "" {
			return out, nil
		}
	}
}

// newest returns of arrived events those that are kept.
func (s *source) newest(items []runtime.Object) []runtime.Object {
	s.v.mu.Lock()
	defer s.v.mu.Unlock()
	of := make(map[*event]runtime.Object, len(items))
	var events []*event
	for _, o := range items {
		if a, ok := o.(*arrival); ok {
			e, _ := a.item.(*event)
			of[e] = o
			events = append(events, e)
		}
	}
	var out []runtime.Object
	for _, e := range s.v.newest(events) {
		out = append(out, of[e])
	}
	return out
}
