package api

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilfield "k8s.io/apimachinery/pkg/util/validation/field"

	"rollbook/sandbox/store"
)

// Line is one line of a container's log.
type Line struct {
	At   time.Time
	Text string
}

// LogQuery says which lines are asked for.
type LogQuery struct {
	Namespace, Pod, Container string
	Previous                  bool      // the life before the present one
	Since                     time.Time // zero = from the start
	Tail                      int       // the last so many; below zero = all
}

// Logs has what containers wrote. more says that the container still runs. The
// error is what a kubelet answers.
type Logs interface {
	Logs(q LogQuery) (lines []Line, more bool, err error)
}

// followEvery is how often a followed log is looked at.
const followEvery = 500 * time.Millisecond

func (c *call) podLog() error {
	o, err := logOptions(c.r.URL.Query())
	if err != nil {
		return err
	}
	if err := checkLogOptions(o); err != nil {
		return err
	}
	pod, err := c.pod()
	if err != nil {
		return err
	}
	q := LogQuery{Namespace: c.ns, Pod: c.name, Previous: o.Previous, Tail: -1}
	if q.Container, err = containerOf(pod, o.Container); err != nil {
		return err
	}
	if o.SinceSeconds != nil {
		q.Since = c.Now().Add(-time.Duration(*o.SinceSeconds) * time.Second)
	} else if o.SinceTime != nil {
		q.Since = o.SinceTime.Time
	}
	if o.TailLines != nil {
		q.Tail = int(*o.TailLines)
	}
	if c.Logs == nil {
		return apierrors.NewBadRequest(fmt.Sprintf("container %q in pod %q is waiting to start: ContainerCreating", q.Container, c.name))
	}
	lines, more, err := c.Logs.Logs(q)
	if err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	out := &logWriter{w: bufio.NewWriter(c.w), stamps: o.Timestamps, left: -1}
	if o.LimitBytes != nil {
		out.left = *o.LimitBytes
	}
	c.w.Header().Set("Content-Type", "text/plain")
	c.w.WriteHeader(http.StatusOK)
	c.stream = true
	out.lines(lines)
	c.flush(out)
	if !o.Follow || q.Previous {
		return nil
	}
	return c.follow(q, out, more, pod.UID)
}

// follow goes on until the container ends, its pod goes, or the client.
func (c *call) follow(q LogQuery, out *logWriter, more bool, uid any) error {
	q.Tail = -1
	if q.Since = out.last; q.Since.IsZero() {
		q.Since = c.Now()
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for more && out.left != 0 && out.err == nil {
		select {
		case <-c.r.Context().Done():
			return nil
		case <-tick.C:
		}
		if u, err := c.Store.Get(store.Pods, q.Namespace, q.Pod); err != nil || any(u.GetUID()) != uid {
			return nil
		}
		var lines []Line
		var err error
		if lines, more, err = c.Logs.Logs(q); err != nil {
			return nil
		}
		if fresh := out.fresh(lines); len(fresh) > 0 {
			out.lines(fresh)
			q.Since = out.last
			c.flush(out)
		}
	}
	return nil
}

func (c *call) flush(out *logWriter) {
	if err := out.w.Flush(); err != nil && out.err == nil {
		out.err = err
	}
	_ = http.NewResponseController(c.w).Flush() // where there is none, nothing is held back
}

// logWriter writes lines, and remembers where it is: several lines may have
// been written at the same moment.
type logWriter struct {
	w      *bufio.Writer
	stamps bool
	left   int64 // bytes that may still be written; below zero = any number
	last   time.Time
	same   int // lines of the moment last that were written
	err    error
}

func (o *logWriter) lines(all []Line) {
	for _, l := range all {
		if l.At.Equal(o.last) {
			o.same++
		} else {
			o.last, o.same = l.At, 1
		}
		s := strings.TrimSuffix(l.Text, "\n") + "\n"
		if o.stamps {
			s = l.At.UTC().Format(time.RFC3339Nano) + " " + s
		}
		if o.left >= 0 {
			s = s[:min(int64(len(s)), o.left)]
			o.left -= int64(len(s))
		}
		if _, err := o.w.WriteString(s); err != nil && o.err == nil {
			o.err = err
		}
	}
}

// fresh are the lines that were not written yet.
func (o *logWriter) fresh(all []Line) []Line {
	same := 0
	for i, l := range all {
		switch {
		case l.At.Before(o.last):
		case l.At.Equal(o.last):
			if same++; same > o.same {
				return all[i:]
			}
		default:
			return all[i:]
		}
	}
	return nil
}

// logOptions reads the query; client-go's scheme has no conversion for these.
func logOptions(q url.Values) (*corev1.PodLogOptions, error) {
	o := &corev1.PodLogOptions{Container: q.Get("container")}
	var err error
	bad := func(name string, e error) {
		if e != nil && err == nil {
			err = apierrors.NewBadRequest(fmt.Sprintf("%s: %v", name, e))
		}
	}
	for name, v := range map[string]*bool{"follow": &o.Follow, "previous": &o.Previous, "timestamps": &o.Timestamps} {
		// As the API server has it: set is true, but for 0 and false.
		s := strings.ToLower(q.Get(name))
		*v = q.Has(name) && s != "0" && s != "false"
	}
	for name, v := range map[string]**int64{"tailLines": &o.TailLines, "limitBytes": &o.LimitBytes, "sinceSeconds": &o.SinceSeconds} {
		if s := q.Get(name); s != "" {
			n, e := strconv.ParseInt(s, 10, 64)
			bad(name, e)
			*v = &n
		}
	}
	if s := q.Get("sinceTime"); s != "" {
		t, e := time.Parse(time.RFC3339, s)
		bad("sinceTime", e)
		at := metav1.NewTime(t)
		o.SinceTime = &at
	}
	return o, err
}

func checkLogOptions(o *corev1.PodLogOptions) error {
	var errs utilfield.ErrorList
	positive := func(name string, v *int64, least int64) {
		if v != nil && *v < least {
			errs = append(errs, utilfield.Invalid(utilfield.NewPath(name), *v, fmt.Sprintf("must be greater than or equal to %d", least)))
		}
	}
	positive("tailLines", o.TailLines, 0)
	positive("limitBytes", o.LimitBytes, 1)
	positive("sinceSeconds", o.SinceSeconds, 1)
	if o.SinceSeconds != nil && o.SinceTime != nil {
		errs = append(errs, utilfield.Forbidden(utilfield.NewPath(""), "at most one of `sinceTime` or `sinceSeconds` may be specified"))
	}
	if len(errs) > 0 {
		return apierrors.NewInvalid(schema.GroupKind{Kind: "PodLogOptions"}, "", errs)
	}
	return nil
}

// pod returns the pod that the request is about.
func (c *call) pod() (*corev1.Pod, error) {
	u, err := c.Store.Get(store.Pods, c.ns, c.name)
	if err != nil {
		return nil, err
	}
	t, err := typed(u)
	if err != nil {
		return nil, err
	}
	pod, ok := t.(*corev1.Pod)
	if !ok {
		return nil, notServed()
	}
	return pod, nil
}

func containerOf(pod *corev1.Pod, name string) (string, error) {
	var all, init []string
	for i := range pod.Spec.Containers {
		all = append(all, pod.Spec.Containers[i].Name)
	}
	for i := range pod.Spec.InitContainers {
		init = append(init, pod.Spec.InitContainers[i].Name)
	}
	switch {
	case name == "" && len(all) == 1:
		return all[0], nil
	case name == "":
		text := fmt.Sprintf("a container name must be specified for pod %s, choose one of: [%s]", pod.Name, strings.Join(all, " "))
		if len(init) > 0 {
			text += fmt.Sprintf(" or one of the init containers: [%s]", strings.Join(init, " "))
		}
		return "", apierrors.NewBadRequest(text)
	}
	for _, n := range append(all, init...) {
		if n == name {
			return n, nil
		}
	}
	return "", apierrors.NewBadRequest(fmt.Sprintf("container %s is not valid for pod %s", name, pod.Name))
}
