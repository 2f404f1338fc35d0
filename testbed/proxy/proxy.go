// Package proxy is a TCP proxy on loopback that can make a connection bad: slow,
// broken or silent. It stands before the API server and before Prometheus.
package proxy

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// A Mode is what the proxy does to connections, old and new alike.
type Mode struct {
	Kind  Kind
	Delay time.Duration // with KindDelay, added to each direction
}

// Kind names a mode.
type Kind string

const (
	KindPass  Kind = "pass"
	KindDelay Kind = "delay"
	// KindReset breaks what is open and each new connection with a TCP reset.
	KindReset Kind = "reset"
	// KindBlackhole lets nothing through in either direction: connections are
	// accepted and stay silent. When it ends, what was held back goes on, as it
	// does when a network that lost packets comes back.
	KindBlackhole Kind = "blackhole"
)

// ParseMode reads pass, delay=500ms, reset or blackhole.
func ParseMode(s string) (Mode, error) {
	name, arg, has := strings.Cut(s, "=")
	switch k := Kind(name); {
	case k == KindDelay && has:
		d, err := time.ParseDuration(arg)
		if err != nil || d < 0 {
			return Mode{}, fmt.Errorf("proxy mode %q: %q is not a duration such as 500ms", s, arg)
		}
		return Mode{Kind: KindDelay, Delay: d}, nil
	case !has && (k == KindPass || k == KindReset || k == KindBlackhole):
		return Mode{Kind: k}, nil
	}
	return Mode{}, fmt.Errorf("proxy mode %q: use pass, delay=DURATION, reset or blackhole", s)
}

func (m Mode) String() string {
	if m.Kind == KindDelay {
		return fmt.Sprintf("delay=%s", m.Delay)
	}
	return string(m.Kind)
}

// Proxy forwards connections to one target.
type Proxy struct {
	target string

	mu        sync.Mutex
	mode      Mode
	changed   chan struct{} // closed when the mode changes
	listeners []net.Listener
	conns     map[net.Conn]struct{}
	closed    bool
}

// New makes a proxy to target (host:port); it listens nowhere yet.
func New(target string) *Proxy {
	return &Proxy{target: target, mode: Mode{Kind: KindPass}, changed: make(chan struct{}), conns: map[net.Conn]struct{}{}}
}

// Listen accepts connections on addr until Close and returns the address taken.
func (p *Proxy) Listen(addr string) (string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("proxy to %s: %w", p.target, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		l.Close()
		return "", fmt.Errorf("proxy to %s: closed", p.target)
	}
	p.listeners = append(p.listeners, l)
	go func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil { // out of file descriptors: wait until some are free
				time.Sleep(50 * time.Millisecond)
				continue
			}
			go p.serve(c)
		}
	}()
	return l.Addr().String(), nil
}

// Mode is the present mode.
func (p *Proxy) Mode() Mode {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode
}

// Set changes the mode, for open connections too.
func (p *Proxy) Set(m Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
	close(p.changed)
	p.changed = make(chan struct{})
	if m.Kind == KindReset {
		for c := range p.conns {
			reset(c)
		}
	}
}

// Close ends all listeners and connections.
func (p *Proxy) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, l := range p.listeners {
		l.Close()
	}
	for c := range p.conns {
		c.Close()
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// reset closes with a RST instead of a FIN.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	c.Close()
}

func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *Proxy) forget(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	if !p.keep(client) {
		return
	}
	defer p.forget(client)
	if !p.pass() {
		reset(client)
		return
	}
	server, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil {
		// Nobody listens there: the client should see that, not a polite end.
		reset(client)
		return
	}
	defer server.Close()
	if !p.keep(server) {
		return
	}
	defer p.forget(server)
	var both sync.WaitGroup
	both.Go(func() { p.copy(server, client) })
	both.Go(func() { p.copy(client, server) })
	both.Wait()
}

// pass waits while the mode is blackhole; false means that the connection is to
// be reset.
func (p *Proxy) pass() bool {
	for {
		p.mu.Lock()
		mode, changed, closed := p.mode, p.changed, p.closed
		p.mu.Unlock()
		switch {
		case closed || mode.Kind == KindReset:
			return false
		case mode.Kind != KindBlackhole:
			return true
		}
		<-changed
	}
}

type chunk struct {
	data []byte
	due  time.Time
}

// copy moves bytes from src to dst. Reading and writing are apart, so that a
// delay shifts the stream without making it thinner.
func (p *Proxy) copy(dst, src net.Conn) {
	queue := make(chan chunk, 64)
	go func() {
		defer close(queue)
		for {
			buf := make([]byte, 32<<10)
			n, err := src.Read(buf)
			if n > 0 {
				due := time.Time{}
				if m := p.Mode(); m.Kind == KindDelay {
					due = time.Now().Add(m.Delay)
				}
				queue <- chunk{buf[:n], due}
			}
			if err != nil {
				return
			}
		}
	}()
	ok := true
	for c := range queue {
		if !ok {
			continue // drain, so that the reader can end
		}
		time.Sleep(time.Until(c.due))
		if ok = p.pass(); ok {
			_, err := dst.Write(c.data)
			ok = err == nil
		}
		if !ok {
			reset(src)
			reset(dst)
		}
	}
	if ok && p.pass() {
		// Half a close is passed on as such.
		if t, isTCP := dst.(interface{ CloseWrite() error }); isTCP {
			_ = t.CloseWrite()
		}
	}
}
