package kubelet

import (
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var t0 = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

func python(annotations map[string]string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "u", Name: "p", Labels: map[string]string{"app": "backend-python"}, Annotations: annotations}}
}

// Read in pieces, as a follower does, the log is the same as read at once.
func TestLinesInPieces(t *testing.T) {
	w := newWriter(python(map[string]string{"testbed/errors": "0.3"}))
	r := run{container: "api", start: t0}
	whole := w.lines(r, t0, t0.Add(30*time.Second))
	var parts []line
	for at := t0; at.Before(t0.Add(30 * time.Second)); at = at.Add(300 * time.Millisecond) {
		parts = append(parts, w.lines(r, at, at.Add(300*time.Millisecond))...)
	}
	if !reflect.DeepEqual(whole, parts) {
		t.Errorf("%d lines at once, %d in pieces", len(whole), len(parts))
	}
}

func TestCrashEndsInTraceback(t *testing.T) {
	w := newWriter(python(map[string]string{"testbed/behaviour": "crash"}))
	ls := w.lines(run{container: "api", start: t0, end: t0.Add(time.Second)}, t0, t0.Add(2*time.Second))
	var text []string
	for _, l := range ls {
		text = append(text, l.text)
	}
	if !strings.Contains(strings.Join(text, "\n"), "KeyError: 'PAYMENT_URL'") {
		t.Errorf("no traceback in %q", text)
	}
}

func TestChoose(t *testing.T) {
	ended := &corev1.ContainerStateTerminated{StartedAt: metav1.NewTime(t0), FinishedAt: metav1.NewTime(t0.Add(time.Second))}
	waiting := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(t0.Add(5 * time.Second))}}
	pod := func(s, last corev1.ContainerState) *corev1.Pod {
		p := python(nil)
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "api", State: s, LastTerminationState: last}}
		return p
	}
	last := corev1.ContainerState{Terminated: ended}
	for name, c := range map[string]struct {
		pod      *corev1.Pod
		previous bool
		start    time.Time
		err      string
	}{
		"running":                   {pod(running, last), false, t0.Add(5 * time.Second), ""},
		"previous":                  {pod(running, last), true, t0, ""},
		"waiting after a crash":     {pod(waiting, last), false, t0, ""},
		"no previous":               {pod(running, corev1.ContainerState{}), true, time.Time{}, "previous terminated container"},
		"waiting for the first run": {pod(waiting, corev1.ContainerState{}), false, time.Time{}, "waiting to start"},
		"no such container":         {python(nil), false, time.Time{}, "not available"},
	} {
		r, err := choose(c.pod, "api", c.previous)
		if c.err == "" && (err != nil || !r.start.Equal(c.start)) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: got %v, %v", name, r, err)
		}
	}
}
