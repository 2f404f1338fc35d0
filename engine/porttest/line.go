package porttest

import (
	"context"
	"net"
	"sync"
	"testing"
)

// Line is a TCP proxy before a server that can be cut and stopped up.
type Line struct {
	Addr string

	to    string
	mu    sync.Mutex
	cond  *sync.Cond
	open  bool // bytes pass
	from  net.Listener
	conns map[net.Conn]bool
}

// NewLine returns a line to a server (host:port), over which all passes until it is
// told otherwise.
func NewLine(t testing.TB, to string) *Line {
	t.Helper()
	l := &Line{to: to, open: true, conns: map[net.Conn]bool{}}
	l.cond = sync.NewCond(&l.mu)
	in, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Addr = in.Addr().String()
	l.serve(t.Context(), in)
	t.Cleanup(func() { l.Stop(); l.Hole(false) })
	return l
}

func (l *Line) serve(ctx context.Context, from net.Listener) {
	l.mu.Lock()
	l.from = from
	l.mu.Unlock()
	go func() {
		for {
			in, err := from.Accept()
			if err != nil {
				return
			}
			out, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.to)
			if err != nil {
				in.Close()
				continue
			}
			l.mu.Lock()
			l.conns[in], l.conns[out] = true, true
			l.mu.Unlock()
			go l.pump(in, out)
			go l.pump(out, in)
		}
	}()
}

func (l *Line) pump(dst, src net.Conn) {
	defer dst.Close()
	defer src.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		l.mu.Lock()
		for !l.open {
			l.cond.Wait()
		}
		l.mu.Unlock()
		if n > 0 {
			if _, err := dst.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// Hole lets connections stand, new ones too, and nothing through. When it ends, what
// was held back goes on.
func (l *Line) Hole(on bool) {
	l.mu.Lock()
	l.open = !on
	l.mu.Unlock()
	l.cond.Broadcast()
}

// Stop refuses connections and ends those that there are.
func (l *Line) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.from.Close()
	for c := range l.conns {
		c.Close()
	}
	l.conns = map[net.Conn]bool{}
}

// Start takes connections again.
func (l *Line) Start(t testing.TB) {
	t.Helper()
	from, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", l.Addr)
	if err != nil {
		t.Fatal(err)
	}
	l.serve(t.Context(), from)
}

// Outages are the ways in which a network goes away, and comes back.
var Outages = []struct {
	Name     string
	Cut, End func(testing.TB, *Line)
}{
	{"outage", func(_ testing.TB, l *Line) { l.Stop() }, func(t testing.TB, l *Line) { l.Start(t) }},
	{"black hole", func(_ testing.TB, l *Line) { l.Hole(true) }, func(_ testing.TB, l *Line) { l.Hole(false) }},
	// The connections that stood in the hole never come to life again.
	{"black hole for good", func(_ testing.TB, l *Line) { l.Hole(true) }, func(t testing.TB, l *Line) { l.Stop(); l.Hole(false); l.Start(t) }},
}
