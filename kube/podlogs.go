package kube

import (
	"context"
	"sync"
	"time"

	"rollbook/model"
	"rollbook/text"
)

// Bounds of what is read of one pod, to tell what it says.
const (
	saidTail  = 200
	saidBytes = 1 << 20
	saidHead  = 64 << 10        // of a log's beginning
	saidStart = 5 * time.Minute // how long after a pod was made its log may begin
	saidWait  = 5 * time.Second
	saidLines = 5   // lines that are told
	saidText  = 300 // cells of one
)

// PodLogs reads the ends of the logs that are named, and returns what those of the
// version that runs say alike, with what is new in it. Of the version before it reads
// the beginnings, too: what a new pod writes at its start, an old one wrote long ago.
func (c *Client) PodLogs(ctx context.Context, of model.PodLogs) model.Said {
	out := model.Said{Component: of.Component, Version: of.Version, Before: of.Before}
	type read struct {
		log text.Log
		err error
	}
	n := len(of.New)
	all := make([]read, n+2*len(of.Old))
	var wg sync.WaitGroup
	start := func(i int, l model.PodLog, head bool) {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, saidWait)
			defer cancel()
			opt := LogOptions{Container: l.Container, Previous: l.Previous, Tail: saidTail, Bytes: saidBytes}
			if head {
				opt.Head, opt.Bytes, opt.Timestamps = true, saidHead, true
			}
			all[i].log.Ended = l.Previous
			for line, err := range c.Logs(ctx, of.Namespace, l.Pod, opt) {
				if err != nil {
					all[i].err = err
					return
				}
				if head {
					var at time.Time
					at, line = Stamped(line)
					all[i].log.Start = all[i].log.Start || !at.IsZero() && len(all[i].log.Lines) == 0 && at.Sub(l.Started) < saidStart
				}
				all[i].log.Lines = append(all[i].log.Lines, line)
			}
			all[i].err = ctx.Err()
		})
	}
	for i, l := range of.New {
		start(i, l, false)
	}
	for i, l := range of.Old {
		start(n+2*i, l, false)
		start(n+2*i+1, l, true)
	}
	wg.Wait()
	var fresh, old []text.Log
	for i, r := range all {
		if r.err != nil && out.Err == "" {
			out.Err = r.err.Error()
		}
		switch read := r.err == nil || len(r.log.Lines) > 0; { // a log may be empty
		case !read:
		case i < n:
			fresh = append(fresh, r.log)
			out.Pods++
			out.Read += len(r.log.Lines)
		default:
			old = append(old, r.log)
			if (i-n)%2 == 0 {
				out.OldPods++
			}
			out.OldRead += len(r.log.Lines)
		}
	}
	for _, s := range text.Compare(fresh, old) {
		if len(out.Lines) < saidLines {
			out.Lines = append(out.Lines, model.SaidLine{Text: text.Truncate(s.Text, saidText), Where: text.Truncate(s.Where, saidText), Level: s.Level, Count: s.Count, New: s.New})
		}
	}
	return out
}
