package model

// SendBlocked says why nothing can go to a channel now; "" when it can.
func SendBlocked(s *Snapshot, channel string) string {
	i := &s.Incident
	switch {
	case i.Settings.ReadOnly:
		return "read-only: nothing is sent"
	case i.Settings.Channel(channel) == nil:
		return "there is no channel " + channel
	case s.Seen.JournalE != "" && !i.WithoutJournal:
		return "the journal cannot be written: " + s.Seen.JournalE
	}
	for _, m := range i.Messages {
		if m.Message.Channel == channel && m.State == MessageSending {
			return "a message is on its way there"
		}
	}
	return ""
}

// SendAsks says what the operator must know before a message of a kind goes to a
// channel: that one did already, or may have. "" when none did.
func SendAsks(s *Snapshot, channel string, kind MessageKind) string {
	why := ""
	for _, m := range s.Incident.Messages {
		if m.Message.Channel != channel || m.Message.Kind != kind {
			continue
		}
		switch m.State {
		case MessageOut:
			why = "“" + string(kind) + "” was sent there " + ago(s.Now, m.Done)
		case MessageUnsure:
			why = "“" + string(kind) + "” may have been sent there " + ago(s.Now, m.At) + ": look there first"
		}
	}
	return why
}

// send begins a message, by the operator's key alone.
func (d *decider) send(do SendMessage) {
	switch do.Kind {
	case MessageStarted, MessageUpdated, MessageResolved:
	default:
		return
	}
	if d.by == "" || do.Text == "" && do.Title == "" || SendBlocked(&d.s, do.Channel) != "" ||
		!do.Again && SendAsks(&d.s, do.Channel, do.Kind) != "" {
		return
	}
	if d.inc().ID == "" {
		d.open()
	}
	ref := ""
	for _, m := range d.inc().Messages {
		if m.Message.Channel == do.Channel && m.State == MessageOut && m.Receipt.Ref != "" {
			ref = m.Receipt.Ref
		}
	}
	n := len(d.inc().Messages) + 1
	d.fact(MessageIntended{N: n, Channel: do.Channel, Kind: do.Kind, Title: do.Title, Text: do.Text, Status: do.Status, Ref: ref})
	d.effect(SendOut{N: n})
}

// sent takes what became of a message.
func (d *decider) sent(do Sent) {
	m := d.inc().Message(do.N)
	if m == nil || m.State != MessageSending {
		return
	}
	switch {
	case do.Receipt != nil:
		d.fact(MessageSent{N: do.N, Ref: do.Receipt.Ref, URL: do.Receipt.URL})
		d.settleDone()
	case do.Lost != "":
		d.fact(MessageLost{N: do.N, Err: do.Lost})
	default:
		d.fact(MessageFailed{N: do.N, Err: do.Err, RetryAfter: do.RetryAfter})
	}
	if i := d.inc(); !i.Closed.IsZero() && !i.Report.At.IsZero() {
		d.effect(MakeReport{})
	}
}
