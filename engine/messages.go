package engine

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// sendDeadline is how long a message may take; then it may have been sent.
const sendDeadline = 30 * time.Second

// attachMost bounds a report that is attached to a message.
const attachMost = 1 << 20

// send lets a message go out when its intent is on disk. It is sent once: what
// comes back says whether it may be tried again. It is not cut short when the
// program is left.
func (e *Engine) send(x incident.SendOut) {
	record := e.inc.Message(x.N)
	if record == nil {
		return
	}
	m := record.Message
	m.Incident = e.inc.ID
	attach := ""
	if c := e.inc.Settings.Channel(m.Channel); c != nil && c.Kind == model.ChannelGitLab {
		attach = e.inc.Report.Path
	}
	failed := func(why string) {
		e.post(func() { e.handle(incident.Input{At: time.Now(), Do: incident.Sent{N: x.N, Err: why}}) })
	}
	if e.cfg.Messages == nil {
		failed(notConfigured)
		return
	}
	ctx := context.WithoutCancel(e.ctx)
	e.holdOwed(func(string) func() {
		ctx, cancel := context.WithTimeout(ctx, sendDeadline)
		defer cancel()
		m.Report = read(attach)
		receipt, err := e.cfg.Messages.Send(ctx, m.Channel, m)
		out := sent(x.N, receipt, err)
		return func() { e.handle(incident.Input{At: time.Now(), Do: out}) }
	}, func(err error) { failed("the journal cannot be written: " + err.Error()) })
}

func sent(n int, receipt model.Delivery, err error) incident.Sent {
	var said *model.SendError
	switch {
	case err == nil:
		return incident.Sent{N: n, Delivery: &receipt}
	case errors.As(err, &said) && said.Certain:
		return incident.Sent{N: n, Err: err.Error(), RetryAfter: said.RetryAfter}
	}
	return incident.Sent{N: n, Lost: err.Error()}
}

// read is the report's text; "" where there is none, which is no reason not to
// send.
func read(path string) string {
	if path == "" {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, attachMost))
	if err != nil {
		return ""
	}
	return string(b)
}
