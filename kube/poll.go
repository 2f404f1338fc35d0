package kube

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
		if err := (&feed{s, epoch}).Replace(all, ""); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pollEvery - s.v.c.now().Sub(begun)):
		}
	}
	return ctx.Err()
}

// all lists the source, page by page.
func (s *source) all(ctx context.Context) ([]any, error) {
	var out []any
	o := metav1.ListOptions{FieldSelector: s.field, Limit: 500}
	for {
		l, err := s.page(ctx, o)
		if err != nil {
			return nil, err
		}
		page, ok := l.(*internalversion.List)
		if !ok {
			return nil, fmt.Errorf("unexpected %T in a list of %s", l, s.resource)
		}
		for _, x := range page.Items {
			out = append(out, x)
		}
		if o.Continue = page.Continue; o.Continue == "" {
			return out, nil
		}
	}
}
