package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"rollbook/sandbox/store"
)

const (
	watchFor      = 30 * time.Minute // when the client does not say
	bookmarkEvery = time.Minute
)

// watch tells of the changes that match until the client goes or its time is
// over.
func (c *call) watch(o *metav1.ListOptions, match *selection) error {
	if c.out.codec.StreamSerializer == nil {
		return notAcceptableStream()
	}
	limit := watchFor
	if o.TimeoutSeconds != nil && *o.TimeoutSeconds > 0 {
		limit = time.Duration(*o.TimeoutSeconds) * time.Second
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), limit)
	defer cancel()

	version, err := int64(0), error(nil)
	if o.ResourceVersion != "" && o.ResourceVersion != "0" {
		if version, err = parseVersion(o.ResourceVersion); err != nil {
			return err
		}
		if now := c.Store.Version(); version > now {
			return tooNew(version, now)
		}
	}
	out, err := c.openStream()
	if err != nil {
		return err
	}
	if initial := o.SendInitialEvents != nil && *o.SendInitialEvents; initial || version == 0 {
		var all []*unstructured.Unstructured
		all, version = c.Store.List(c.kind.gr, c.ns)
		for _, u := range all {
			if match.matches(u) {
				out.event(watch.Added, u)
			}
		}
		if initial && o.AllowWatchBookmarks {
			out.bookmark(version, map[string]string{metav1.InitialEventsAnnotationKey: "true"})
		}
		out.flush()
	}
	marks := time.NewTicker(bookmarkEvery)
	defer marks.Stop()
	for out.err == nil {
		changed := c.Store.Changed()
		changes, now, err := c.Store.Since(c.kind.gr, version)
		if err != nil {
			out.fail(err)
			return nil
		}
		version = now
		for i := range changes {
			out.change(&changes[i], match)
		}
		if len(changes) > 0 {
			out.flush()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-marks.C:
			if o.AllowWatchBookmarks {
				out.bookmark(version, nil)
				out.flush()
			}
		}
	}
	return nil
}

// events is the stream of a watch. The first error, which means that the client
// is gone, ends it.
type events struct {
	c    *call
	w    io.Writer
	rows bool // a table was sent: the next ones come without their headings
	err  error
}

func (c *call) openStream() (*events, error) {
	kind := c.out.codec.MediaType
	if c.out.is(protobufMedia()) {
		kind += ";stream=watch"
	}
	c.w.Header().Set("Content-Type", kind)
	c.w.WriteHeader(http.StatusOK)
	c.stream = true
	e := &events{c: c, w: c.out.codec.StreamSerializer.NewFrameWriter(c.w)}
	e.flush()
	return e, e.err
}

func (e *events) flush() {
	if err := http.NewResponseController(e.c.w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) && e.err == nil {
		e.err = err
	}
}

// change tells of one write as it looks through the selection: what begins to
// match is new, what ceases to is gone.
func (e *events) change(c *store.Change, match *selection) {
	was := c.Old != nil && match.matches(c.Old)
	is := c.Type != watch.Deleted && match.matches(c.Object)
	switch {
	case is && was:
		e.event(watch.Modified, c.Object)
	case is:
		e.event(watch.Added, c.Object)
	case was && c.Type == watch.Deleted:
		e.event(watch.Deleted, c.Object)
	case was:
		gone := c.Old.DeepCopy()
		gone.SetResourceVersion(strconv.FormatInt(c.Version, 10))
		e.event(watch.Deleted, gone)
	}
}

func (e *events) event(kind watch.EventType, stored *unstructured.Unstructured) {
	o, err := e.c.kind.served(stored)
	if err != nil {
		e.fail(err)
		return
	}
	body, err := e.c.shape(o)
	if err != nil {
		e.fail(err)
		return
	}
	if t, ok := body.(*metav1.Table); ok {
		if e.rows {
			t.ColumnDefinitions = nil
		}
		e.rows = true
	}
	e.send(kind, body)
}

// bookmark tells how far the client has seen.
func (e *events) bookmark(version int64, annotations map[string]string) {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetGroupVersionKind(e.c.kind.GVK())
	o.SetResourceVersion(strconv.FormatInt(version, 10))
	o.SetAnnotations(annotations)
	var body runtime.Object = o
	switch {
	case e.c.out.as == "PartialObjectMetadata":
		body = partial(o)
	case e.c.out.is(protobufMedia()):
		t, err := typed(o)
		if err != nil {
			e.fail(err)
			return
		}
		body = t
	}
	e.send(watch.Bookmark, body)
}

// fail tells of an error within the stream, as the API server does once a watch
// has begun.
func (e *events) fail(err error) {
	e.send(watch.Error, statusOf(err))
	e.flush()
	if e.err == nil {
		e.err = err
	}
}

func (e *events) send(kind watch.EventType, body runtime.Object) {
	if e.err != nil {
		return
	}
	var buf bytes.Buffer
	if e.err = e.c.out.codec.Serializer.Encode(body, &buf); e.err != nil {
		return
	}
	ev := &metav1.WatchEvent{Type: string(kind), Object: runtime.RawExtension{Raw: buf.Bytes()}}
	e.err = e.c.out.codec.StreamSerializer.Encode(ev, e.w)
}
