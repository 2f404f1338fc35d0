package sandbox

import (
	"context"
	"net"
	"sync"
)

// Pipe is a listener without a network: in a bubble of testing/synctest a real
// socket would stop the clock.
type Pipe struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	addr  pipeAddr
}

// NewPipe makes one.
func NewPipe() *Pipe { return NewPipeAt("sandbox.invalid:443") }

// NewPipeAt makes one that calls itself by an address.
func NewPipeAt(addr string) *Pipe {
	return &Pipe{conns: make(chan net.Conn), done: make(chan struct{}), addr: pipeAddr(addr)}
}

// Dial connects to the listener, whatever the address.
func (p *Pipe) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.done:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: ctx.Err()}
	}
}

// Accept waits for the next connection.
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, &net.OpError{Op: "accept", Net: "pipe", Err: net.ErrClosed}
	}
}

// Close ends Accept and Dial.
func (p *Pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr is a name that nobody can look up.
func (p *Pipe) Addr() net.Addr { return p.addr }

type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return string(a) }
