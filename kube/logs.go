package kube

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rollbook/model"
	"rollbook/text"
)

// LogOptions say which part of a container's log is wanted.
type LogOptions struct {
	Container string // "" = the pod's only one
	Previous  bool   // of the container before the last restart
	Tail      int64  // the last so many lines; 0 = 500
	Head      bool   // the first lines instead of the last
	Bytes     int64  // at most so many; 0 = four megabytes
	Follow    bool   // go on until the context ends
	// Since asks for all lines from then on instead of the last ones. Nothing but
	// the context bounds how many there are: the caller reads them as they come.
	Since      time.Time
	Timestamps bool // each line begins with its time, RFC 3339: Stamped takes it off
}

// Limits of a log, so that no container can fill this program's memory.
const (
	logTail     = 500
	logLine     = 8 << 10 // a longer line is cut
	logMaxBytes = 4 << 20 // without Follow
)

func (o LogOptions) bytes() int64 {
	if o.Bytes <= 0 {
		return logMaxBytes
	}
	return min(o.Bytes, logMaxBytes)
}

// Logs reads a container's log line by line, sanitised and redacted. It ends
// with the log, with the context, or with an error as the last element; without
// Follow and Since at most four megabytes are read. --request-timeout does not
// end a log that is followed, nor one that is read since some time.
func (c *Client) Logs(ctx context.Context, namespace, pod string, opt LogOptions) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		body, stop, err := c.openLog(ctx, namespace, pod, opt)
		if err != nil {
			yield("", model.Told(nil, err, "the log of pod %s cannot be read: %s", pod, because(err)))
			return
		}
		defer stop()
		defer body.Close()
		var src io.Reader = body
		if !opt.Follow && opt.Since.IsZero() {
			src = io.LimitReader(body, opt.bytes())
		}
		stream := new(text.Stream)
		in := bufio.NewReaderSize(src, logLine)
		for {
			line, err := readLine(in)
			if err == nil || line != "" {
				if !yield(stream.Line(line), nil) {
					return
				}
			}
			switch {
			case err == nil:
			case errors.Is(err, io.EOF), ctx.Err() != nil:
				return
			default:
				yield("", fmt.Errorf("the log of pod %s broke off: %s: %w", pod, words(err), err))
				return
			}
		}
	}
}

// Stamped takes the time off a line that was asked for with Timestamps. A line without
// one, such as of a key that was taken out, stays whole, and its time is zero.
func Stamped(line string) (at time.Time, rest string) {
	stamp, rest, found := strings.Cut(line, " ")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if !found || err != nil {
		return time.Time{}, line
	}
	return at, rest
}

// readLine reads one line without its end; what is too long is cut and said so.
func readLine(in *bufio.Reader) (string, error) {
	part, more, err := in.ReadLine()
	line := string(part)
	if more {
		line += " … (cut)"
	}
	for more && err == nil {
		_, more, err = in.ReadLine()
	}
	return line, err
}

func (c *Client) openLog(ctx context.Context, namespace, pod string, opt LogOptions) (io.ReadCloser, func(), error) {
	tail := opt.Tail
	if tail <= 0 {
		tail = logTail
	}
	q := url.Values{}
	switch {
	case !opt.Since.IsZero():
		q.Set("sinceTime", opt.Since.UTC().Format(time.RFC3339))
	case !opt.Head:
		q.Set("tailLines", strconv.FormatInt(tail, 10))
	}
	if opt.Container != "" {
		q.Set("container", opt.Container)
	}
	if opt.Previous {
		q.Set("previous", "true")
	}
	if opt.Timestamps {
		q.Set("timestamps", "true")
	}
	if opt.Follow {
		q.Set("follow", "true")
	}
	var stop context.CancelFunc
	begun := c.now()
	if opt.Follow || !opt.Since.IsZero() {
		ctx, stop = context.WithCancel(ctx)
	} else {
		q.Set("limitBytes", strconv.FormatInt(opt.bytes(), 10))
		ctx, stop = c.within(ctx, readLimit)
	}
	r := call{method: http.MethodGet, path: corePath(namespace, "pods", pod) + "/log", query: q}
	req, err := http.NewRequestWithContext(ctx, r.method, c.host+r.path+"?"+q.Encode(), nil)
	if err != nil {
		stop()
		return nil, nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		stop()
		return nil, nil, c.unreached(ctx, err, begun)
	}
	if resp.StatusCode >= 300 {
		defer stop()
		defer resp.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
		return nil, nil, statusError(r, resp, body)
	}
	return resp.Body, stop, nil
}
