package api

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // RFC 6455 has it so
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ExecQuery says which command is to be run, and where.
type ExecQuery struct {
	Namespace, Pod, Container string
	Args                      []string
}

// Exec runs commands in containers. say takes what one writes. The error is what a
// runtime says of a command that it cannot begin.
type Exec interface {
	Exec(ctx context.Context, q ExecQuery, say func(stderr bool, text string)) (code int, err error)
}

func (c *call) exec() error {
	q := c.r.URL.Query()
	pod, err := c.pod()
	if err != nil {
		return err
	}
	at := ExecQuery{Namespace: c.ns, Pod: c.name, Args: q["command"]}
	if at.Container, err = containerOf(pod, q.Get("container")); err != nil {
		return err
	}
	if len(at.Args) == 0 {
		return apierrors.NewBadRequest("you must specify at least 1 command")
	}
	if !strings.EqualFold(c.r.Header.Get("Upgrade"), "websocket") {
		return apierrors.NewBadRequest("the sandbox takes commands by WebSocket alone")
	}
	c.stream = true
	return ServeExec(c.w, c.r, func(ctx context.Context, say func(bool, string)) (int, error) {
		for n := range pod.Status.ContainerStatuses {
			if st := &pod.Status.ContainerStatuses[n]; st.Name == at.Container && st.State.Running == nil {
				return 0, fmt.Errorf("unable to upgrade connection: container not found (%q)", at.Container)
			}
		}
		if c.Exec == nil {
			return 0, fmt.Errorf("exec: %q: executable file not found in $PATH", at.Args[0])
		}
		return c.Exec.Exec(ctx, at, say)
	})
}

// channels are the protocols that are spoken, the newest first.
var channels = []string{"v5.channel.k8s.io", "v4.channel.k8s.io"}

// ServeExec upgrades a request to a stream of channels, runs what it is given, and ends
// the stream with how that ended. Its context ends with the client's.
func ServeExec(w http.ResponseWriter, r *http.Request, run func(ctx context.Context, say func(stderr bool, text string)) (code int, err error)) error {
	protocol := ""
	for p := range strings.SplitSeq(r.Header.Get("Sec-WebSocket-Protocol"), ",") {
		if p = strings.TrimSpace(p); protocol == "" && slices.Contains(channels, p) {
			protocol = p
		}
	}
	hijacker, ok := w.(http.Hijacker)
	if !ok || protocol == "" {
		return apierrors.NewBadRequest("no protocol that is spoken here is asked for")
	}
	conn, buffered, err := hijacker.Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see above
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]), protocol)
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	var mu sync.Mutex
	send := func(kind byte, body []byte) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = conn.Write(serverFrame(kind, body)) // whoever hung up is noticed by the reader
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		defer cancel()
		for {
			kind, body, err := clientFrame(buffered.Reader)
			switch {
			case err != nil || kind == 0x8:
				return
			case kind == 0x9:
				send(0xA, body)
			}
		}
	}()
	code, err := run(ctx, func(stderr bool, text string) {
		channel := byte(1)
		if stderr {
			channel = 2
		}
		send(0x2, append([]byte{channel}, text...))
	})
	st := metav1.Status{Status: metav1.StatusSuccess}
	switch {
	case err != nil:
		st = apierrors.NewInternalError(fmt.Errorf("error executing command in container: %w", err)).ErrStatus
	case code != 0:
		st = metav1.Status{Status: metav1.StatusFailure, Reason: "NonZeroExitCode", Message: fmt.Sprintf("command terminated with non-zero exit code: exit status %d", code),
			Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: "ExitCode", Message: strconv.Itoa(code)}}}}
	}
	body, err := json.Marshal(st)
	if err != nil {
		return err
	}
	send(0x2, append([]byte{3}, body...))
	send(0x8, []byte{0x03, 0xe8})
	select { // the client closes, when it has read all
	case <-gone:
	case <-time.After(time.Second):
	}
	return nil
}

// serverFrame is one whole frame of a server.
func serverFrame(kind byte, body []byte) []byte {
	out := []byte{0x80 | kind}
	switch n := len(body); {
	case n < 126:
		out = append(out, byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, 126), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, 127), uint64(n))
	}
	return append(out, body...)
}

// clientFrame reads a frame of a client, which is short and masked.
func clientFrame(in *bufio.Reader) (kind byte, body []byte, err error) {
	var head [6]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, nil, err
	}
	if head[1]&0x80 == 0 || head[1]&0x7f > 125 {
		return 0, nil, fmt.Errorf("a frame of %d bytes, masked %v", head[1]&0x7f, head[1]&0x80 != 0)
	}
	body = make([]byte, head[1]&0x7f)
	if _, err := io.ReadFull(in, body); err != nil {
		return 0, nil, err
	}
	for n := range body {
		body[n] ^= head[2+n%4]
	}
	return head[0] & 0x0f, body, nil
}
