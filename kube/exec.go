package kube

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6455 has it so: it proves that a WebSocket was understood, nothing else
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"

	"rollbook/model"
	"rollbook/text"
)

// What the API server calls a stream with several channels in it. Without input to be
// ended the older one does as much; an API server of any age knows it.
var execProtocols = []string{"v5.channel.k8s.io", "v4.channel.k8s.io"}

// Channels of such a stream.
const (
	channelOut = 1
	channelErr = 2
	channelEnd = 3
)

// pingEvery keeps what lies between from ending a stream on which nothing is said.
const pingEvery = 15 * time.Second

// Exec runs a command in a container, as kubectl exec does, and calls line with each
// line that it writes, as it was written: it may hold secrets and escape sequences. It
// returns the command's exit code. The command is sent once; again only after the API
// server said that it takes no more requests now, which is told as a line of stderr.
//
// The error is model.ErrRefused or ErrReadOnly where the command was not begun, or
// ErrLost where nobody knows how it ended: whether it goes on in the container after the
// connection was cut depends on the node.
func (c *Client) Exec(ctx context.Context, namespace, pod, container string, args []string, line func(stderr bool, text string)) (code int, err error) {
	c.writing.Add(1) // whose connection is left alone
	defer c.writing.Add(-1)
	what := fmt.Sprintf("%s in pod %s", text.Line(args[0]), pod)
	var conn *websocket
	err = c.patiently(ctx, func(p model.Progress) { line(true, p.Text) }, func() (err error) {
		conn, err = c.stream(ctx, namespace, pod, container, args)
		return err
	})
	var answered apierrors.APIStatus
	switch {
	case errors.As(err, &answered) && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse):
		// It is the API server's own, whatever the code: nothing is begun before the stream.
		return 0, model.Told(model.ErrRefused, err, "%s was not run: %s", what, because(err))
	case err != nil:
		return 0, c.refusal(what, "run", err)
	}
	defer conn.conn.Close()
	defer context.AfterFunc(ctx, func() { conn.conn.Close() })()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(pingEvery):
				_ = conn.write(framePing, nil)
			}
		}
	}()
	return c.hearOut(ctx, what, conn, line)
}

// hearOut reads a command's output to its end.
func (c *Client) hearOut(ctx context.Context, what string, conn *websocket, line func(bool, string)) (int, error) {
	begun := c.now()
	out, errs := cutter{say: func(s string) { line(false, s) }}, cutter{say: func(s string) { line(true, s) }}
	said := false
	for {
		m, err := conn.read()
		if err != nil {
			out.end()
			errs.end()
			why := "the connection was cut: " + text.Line(err.Error())
			if ctx.Err() != nil {
				why = "it had not ended after " + model.Short(c.now().Sub(begun))
			}
			return 0, model.Told(model.ErrLost, errors.Join(ctx.Err(), err), "how %s ended is not known: %s", what, why)
		}
		if len(m) == 0 {
			continue
		}
		switch body := m[1:]; m[0] {
		case channelOut:
			said = said || len(body) > 0
			out.add(body)
		case channelErr:
			said = said || len(body) > 0
			errs.add(body)
		case channelEnd:
			if len(body) == 0 {
				continue
			}
			out.end()
			errs.end()
			return ended(what, body, said)
		}
	}
}

// exitStatus matches how KWOK tells an exit code.
var exitStatus = text.Pattern(`exit status (\d+)$`)

// ended reads the Status with which a stream ends.
func ended(what string, body []byte, said bool) (int, error) {
	var st metav1.Status
	if err := json.Unmarshal(body, &st); err != nil {
		return 0, model.Told(model.ErrLost, err, "how %s ended is not known: the answer cannot be read: %s", what, text.Line(string(body)))
	}
	if st.Status == metav1.StatusSuccess {
		return 0, nil
	}
	if st.Details != nil {
		for _, cause := range st.Details.Causes {
			if n, err := strconv.Atoi(cause.Message); err == nil && cause.Type == "ExitCode" {
				return n, nil
			}
		}
	}
	if m := exitStatus().FindStringSubmatch(st.Message); m != nil {
		n, err := strconv.Atoi(m[1])
		return n, err
	}
	why := text.Line(st.Message)
	refused := false
	for _, s := range []string{"container not found", "not found in $PATH", "no such file or directory", "permission denied", "unable to upgrade connection", "error dialing backend", "cannot exec"} {
		if !said && strings.Contains(st.Message, s) {
			refused = true
		}
	}
	if refused {
		return 0, model.Told(model.ErrRefused, nil, "%s was not run: %s", what, why)
	}
	return 0, model.Told(model.ErrLost, nil, "how %s ended is not known: %s", what, why)
}

// stream asks for the command and shakes hands.
func (c *Client) stream(ctx context.Context, namespace, pod, container string, args []string) (*websocket, error) {
	client, err := c.streams()
	if err != nil {
		return nil, notSent{err}
	}
	path := corePath(namespace, "pods", pod) + "/exec"
	q := url.Values{"command": args, "stdout": {"true"}, "stderr": {"true"}}
	if container != "" {
		q.Set("container", container)
	}
	var connected atomic.Bool
	trace := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	begun := c.now()
	req, err := http.NewRequestWithContext(trace, http.MethodGet, c.host+path+"?"+q.Encode(), nil)
	if err != nil {
		return nil, notSent{err}
	}
	var nonce [16]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return nil, notSent{err}
	}
	key := base64.StdEncoding.EncodeToString(nonce[:])
	for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key,
		"Sec-WebSocket-Protocol": strings.Join(execProtocols, ", ")} {
		req.Header.Set(k, v)
	}
	resp, err := client.Do(req)
	if err != nil {
		if err = c.unreached(ctx, err, begun); !connected.Load() && !errors.Is(err, model.ErrReadOnly) {
			err = notSent{err}
		}
		return nil, err
	}
	c.hearWarnings(resp.Header)
	if resp.StatusCode == http.StatusSwitchingProtocols {
		conn, ok := resp.Body.(io.ReadWriteCloser)
		sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see above
		if ok && resp.Header.Get("Sec-WebSocket-Accept") == base64.StdEncoding.EncodeToString(sum[:]) &&
			slices.Contains(execProtocols, resp.Header.Get("Sec-WebSocket-Protocol")) {
			return newWebsocket(conn), nil
		}
		resp.Body.Close()
		return nil, &unreached{err: errForeign, text: fmt.Sprintf("what answers at %s is not the API server: it upgrades to something that is no exec", hostOf(c.host))}
	}
	defer utilnet.CloseIdleConnectionsFor(client.Transport) // it is kept for nothing
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return nil, c.unreached(ctx, err, begun)
	}
	if resp.StatusCode < 300 {
		return nil, &unreached{err: errForeign, text: fmt.Sprintf("what answers at %s does not upgrade to a WebSocket: %s", hostOf(c.host), resp.Status)}
	}
	return nil, statusError(call{method: http.MethodGet, path: path}, resp, body)
}

// streams returns the client of two-way streams: HTTP/1.1, which alone is upgraded, and
// all else as for every other request.
func (c *Client) streams() (*http.Client, error) {
	c.streaming.Do(func() {
		cfg := rest.CopyConfig(c.cfg)
		cfg.NextProtos = []string{"http/1.1"}
		if c.streamer, c.streamErr = rest.HTTPClientFor(cfg); c.streamErr == nil {
			c.streamer.CheckRedirect = c.http.CheckRedirect
			c.streamer.Transport = gated{c.gate, c.streamer.Transport}
		}
	})
	return c.streamer, c.streamErr
}

// gated holds requests back while somebody logs in.
type gated struct {
	gate *gate
	next http.RoundTripper
}

// RoundTrip sends the request when nobody logs in.
func (g gated) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := g.gate.enter(req.Context()); err != nil {
		return nil, err
	}
	defer g.gate.leave()
	return g.next.RoundTrip(req)
}

// WrappedRoundTripper lets apimachinery find the connections below.
func (g gated) WrappedRoundTripper() http.RoundTripper { return g.next }

// longestLine is how many bytes of one line are kept.
const longestLine = 64 << 10

// cutter cuts what comes in pieces into lines.
type cutter struct {
	rest []byte
	say  func(string)
}

func (l *cutter) add(b []byte) {
	l.rest = append(l.rest, b...)
	for {
		n := bytes.IndexByte(l.rest, '\n')
		if n < 0 {
			break
		}
		l.say(strings.TrimSuffix(string(l.rest[:n]), "\r"))
		l.rest = l.rest[n+1:]
	}
	if len(l.rest) > longestLine {
		l.end()
	}
}

// end says the last line, which may have no end.
func (l *cutter) end() {
	if len(l.rest) > 0 {
		l.say(string(l.rest))
		l.rest = nil
	}
}

// MayExec reports whether the user may run commands in a pod. An API server asks for the
// verb get, and since 1.35 for create; kubectl has always needed create.
func (c *Client) MayExec(ctx context.Context, namespace, pod string) (bool, error) {
	for _, verb := range []string{"create", "get"} {
		if ok, err := c.review(ctx, namespace, verb, "", "pods/exec", pod); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}
