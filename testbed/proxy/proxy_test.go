package proxy

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// echo answers each connection with what it is sent.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _, _ = io.Copy(c, c) }()
		}
	}()
	return l.Addr().String()
}

func start(t *testing.T) (*Proxy, net.Conn) {
	t.Helper()
	p := New(echo(t))
	t.Cleanup(p.Close)
	addr, err := p.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return p, dial(t, addr)
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func ask(c net.Conn, limit time.Duration) error {
	_ = c.SetDeadline(time.Now().Add(limit))
	if _, err := io.WriteString(c, "ping"); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 4))
	return err
}

func TestPassAndDelay(t *testing.T) {
	p, c := start(t)
	if err := ask(c, time.Second); err != nil {
		t.Fatalf("pass: %v", err)
	}
	p.Set(Mode{Kind: KindDelay, Delay: 100 * time.Millisecond})
	begin := time.Now()
	if err := ask(c, 2*time.Second); err != nil {
		t.Fatalf("delay: %v", err)
	}
	if took := time.Since(begin); took < 200*time.Millisecond {
		t.Errorf("there and back took %s, want at least 200ms", took)
	}
}

func TestResetBreaksOldAndNew(t *testing.T) {
	p, c := start(t)
	if err := ask(c, time.Second); err != nil {
		t.Fatal(err)
	}
	p.Set(Mode{Kind: KindReset})
	if err := ask(c, time.Second); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("old connection: got %v, want a reset", err)
	}
	if err := ask(dial(t, p.listeners[0].Addr().String()), time.Second); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("new connection: got %v, want a reset", err)
	}
	p.Set(Mode{Kind: KindPass})
	if err := ask(dial(t, p.listeners[0].Addr().String()), time.Second); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestBlackholeIsSilentAndGoesOnAfterwards(t *testing.T) {
	p, c := start(t)
	if err := ask(c, time.Second); err != nil {
		t.Fatal(err)
	}
	p.Set(Mode{Kind: KindBlackhole})
	var ne net.Error
	if err := ask(c, 100*time.Millisecond); !errors.As(err, &ne) || !ne.Timeout() {
		t.Errorf("old connection: got %v, want a timeout", err)
	}
	fresh := dial(t, p.listeners[0].Addr().String())
	if err := ask(fresh, 100*time.Millisecond); !errors.As(err, &ne) || !ne.Timeout() {
		t.Errorf("new connection: got %v, want a timeout", err)
	}
	p.Set(Mode{Kind: KindPass})
	for name, conn := range map[string]net.Conn{"old": c, "new": fresh} {
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		if _, err := io.ReadFull(conn, make([]byte, 4)); err != nil {
			t.Errorf("%s connection after it: %v", name, err)
		}
	}
}

func TestParseMode(t *testing.T) {
	for in, want := range map[string]string{
		"pass": "pass", "reset": "reset", "blackhole": "blackhole", "delay=500ms": "delay=500ms",
		"": "", "delay": "", "delay=x": "", "delay=-1s": "", "pass=1": "", "drop": "",
	} {
		m, err := ParseMode(in)
		if (err != nil) != (want == "") || err == nil && m.String() != want {
			t.Errorf("%q: got %v, %v", in, m, err)
		}
	}
}
