package kube

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Kinds of WebSocket frames (RFC 6455, 5.2).
const (
	frameRest   = 0x0
	frameText   = 0x1
	frameBinary = 0x2
	frameClose  = 0x8
	framePing   = 0x9
	framePong   = 0xA
)

// longestFrame is the most that is read of one message: an API server sends 32 KiB.
const longestFrame = 4 << 20

// websocket is the client's side of a WebSocket whose handshake is over.
type websocket struct {
	conn io.ReadWriteCloser
	in   *bufio.Reader
	mu   sync.Mutex // of what is written
}

func newWebsocket(conn io.ReadWriteCloser) *websocket {
	return &websocket{conn: conn, in: bufio.NewReader(conn)}
}

// read returns the next message, put together from its parts. Pings are answered. The
// error is io.EOF after the other side has said that it closes.
func (w *websocket) read() ([]byte, error) {
	var message []byte
	for {
		kind, last, body, err := w.frame()
		if err != nil {
			return nil, err
		}
		switch kind {
		case framePing:
			_ = w.write(framePong, body) // where it does not arrive, the next read fails
		case framePong:
		case frameClose:
			_ = w.write(frameClose, body)
			return nil, io.EOF
		case frameBinary, frameText, frameRest:
			if len(message)+len(body) > longestFrame {
				return nil, errors.New("a message of the stream is too long")
			}
			if message = append(message, body...); last {
				return message, nil
			}
		default:
			return nil, fmt.Errorf("the stream has a frame of the unknown kind %d", kind)
		}
	}
}

func (w *websocket) frame() (kind byte, last bool, body []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(w.in, head[:2]); err != nil {
		return 0, false, nil, err
	}
	kind, last = head[0]&0x0f, head[0]&0x80 != 0
	if head[1]&0x80 != 0 {
		return 0, false, nil, errors.New("the stream is masked: it is not a server's")
	}
	n := uint64(head[1] & 0x7f)
	switch n {
	case 126:
		_, err = io.ReadFull(w.in, head[:2])
		n = uint64(binary.BigEndian.Uint16(head[:2]))
	case 127:
		_, err = io.ReadFull(w.in, head[:8])
		n = binary.BigEndian.Uint64(head[:8])
	}
	if err != nil {
		return 0, false, nil, err
	}
	if n > longestFrame {
		return 0, false, nil, errors.New("a frame of the stream is too long")
	}
	body = make([]byte, n)
	_, err = io.ReadFull(w.in, body)
	return kind, last, body, err
}

// write sends one frame of at most 125 bytes, masked as a client has to.
func (w *websocket) write(kind byte, body []byte) error {
	if len(body) > 125 {
		body = body[:125]
	}
	frame := append(make([]byte, 0, 6+len(body)), 0x80|kind, 0x80|byte(len(body)), 0, 0, 0, 0)
	if _, err := rand.Read(frame[2:6]); err != nil {
		return err
	}
	for n, b := range body {
		frame = append(frame, b^frame[2+n%4])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.conn.Write(frame)
	return err
}
