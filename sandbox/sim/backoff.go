package sim

import "time"

// The kubelet's waits (pkg/kubelet and client-go's flowcontrol.Backoff, 1.37):
// a container that ends is started again at once, then after 10 s, then after
// twice as long each time, five minutes at most. One that ran for twice the
// longest wait begins anew.
const (
	firstBackOff   = 10 * time.Second
	longestBackOff = 5 * time.Minute
)

// backOff is how long something that fails has to wait before it is tried
// again.
type backOff struct {
	wait time.Duration // of the next failure
	at   time.Time     // when it was tried last
}

// failed says how long to wait after a failure.
func (b *backOff) failed(at time.Time) time.Duration {
	if b.wait > 0 && at.Sub(b.at) > 2*longestBackOff {
		b.wait = 0
	}
	w := b.wait
	b.at = at.Add(w)
	b.wait = min(max(2*w, firstBackOff), longestBackOff)
	return w
}
