package incident

import (
	"slices"
	"time"

	"rollbook/model"
)

// Item is one line of Close's checklist.
type Item struct {
	ID     string
	Text   string
	State  ItemState
	By     string
	At     time.Time
	Reason string
	Task   Task // who does it, until when; zero = nobody said
	Action bool // it is work for after the incident, which somebody has to own
}

// ItemState is what became of an item.
type ItemState string

// The states of an item.
const (
	ItemOpen   ItemState = ""
	ItemDone   ItemState = "done"
	ItemToDo   ItemState = "to do"  // of an action: it is still to be done, after the incident
	ItemWaived ItemState = "waived" // left out, with a reason
)

// checklist is what only the operator can answer, and the runbook's rows A2 to A4 and P1
// to P5.
func checklist() []Item {
	return []Item{
		{ID: ItemDetection, Text: "detection: when were you paged?"},
		{ID: ItemSeverity, Text: "severity, and users affected?"},
		{ID: "evidence", Text: "logs, events and metrics kept (A2)"},
		{ID: "report", Text: "incident report written (A3)"},
		{ID: "status page", Text: "status page says “resolved” (A4)"},
		{ID: "chat", Text: "Slack/Teams told (A4)"},
		{ID: "follow-up", Text: "follow-up task created (A4)"},
		{ID: "tests", Text: "tests for the bug (P1)", Action: true},
		{ID: "monitoring", Text: "better monitoring and alerts (P2)", Action: true},
		{ID: "deploy checklist", Text: "deployment checklist updated (P3)", Action: true},
		{ID: "canary", Text: "canary considered (P4)", Action: true},
		{ID: "lessons", Text: "lessons written down (P5)", Action: true},
		{ID: ItemBadly, Text: "what went badly in the drill? (T5)", Action: true},
		{ID: ItemParty, Text: "who took part?"},
	}
}

// ofDrill are the items that are asked of a drill; the last two of nothing else.
var ofDrill = []string{"evidence", "report", "lessons", ItemBadly, ItemParty}

// asks reports whether an item is asked of an incident, or, of a drill.
func (it *Item) asks(drill bool) bool {
	if drill {
		return slices.Contains(ofDrill, it.ID)
	}
	return it.ID != ItemBadly && it.ID != ItemParty
}

// checklistOf returns the checklist as it was when the close was reached first: what is
// added to it later is not asked of an older incident. No IDs are those of before there
// was a choice.
func checklistOf(ids []string) []Item {
	return slices.DeleteFunc(checklist(), func(it Item) bool {
		asked := it.ID == ItemDetection || it.ID == ItemSeverity || !it.asks(false)
		return len(ids) == 0 && asked || len(ids) > 0 && !slices.Contains(ids, it.ID)
	})
}

// setItem sets how the item with an ID stands; its text stays.
func (i *Incident) setItem(to Item) {
	i.Items = slices.Clone(i.Items)
	for n := range i.Items {
		if it := &i.Items[n]; it.ID == to.ID {
			to.Text, to.Action = it.Text, it.Action
			*it = to
		}
	}
}

func openItems(i *Incident) int {
	n := 0
	for _, it := range i.Items {
		if it.State == ItemOpen {
			n++
		}
	}
	return n
}

// enterClose asks for what the close shows.
func (d *decider) enterClose() {
	d.gatherInFull()
	d.settleDone()
}

// SettleItem ticks or waives an item of the checklist, or, with ToDo, leaves an action
// to whom its task names.
type SettleItem struct {
	ID     string
	Waive  bool
	Reason string
	ToDo   bool
	Task   Task
}

// ReopenItem takes back what was said of an item of the checklist.
type ReopenItem struct{ ID string }

func (do ReopenItem) decide(d *decider) {
	for _, it := range d.inc().Items {
		if it.ID == do.ID && it.State != ItemOpen && d.inc().Closed.IsZero() {
			d.fact(ItemReopened{ID: do.ID})
			return
		}
	}
}

func (do SettleItem) decide(d *decider) {
	for _, it := range d.inc().Items {
		if it.ID == do.ID && it.State == ItemOpen && (it.Action || !do.ToDo) {
			d.fact(ItemSettled{ID: do.ID, Waived: do.Waive, Reason: do.Reason, ToDo: do.ToDo, Task: do.Task})
			d.closeIfDone()
			return
		}
	}
}

// settle settles an item that is open.
func (d *decider) settle(id, reason string) {
	for _, it := range d.inc().Items {
		if it.ID == id && it.State == ItemOpen {
			d.fact(ItemSettled{ID: id, Reason: reason})
			return
		}
	}
}

// settleDone settles the items of the checklist that were done by their own
// keys: the report, the messages, the follow-up.
func (d *decider) settleDone() {
	if r := d.inc().Report; !r.At.IsZero() {
		d.settle("report", r.Path)
	}
	by := d.by
	for _, m := range d.inc().Messages {
		if item := itemOf(d.inc(), &m); item != "" && m.State == MessageOut {
			d.by = m.By
			d.settle(item, m.Message.Channel)
		}
	}
	d.by = by
	d.closeIfDone()
}

// itemOf is the item that a message settles; "" when none.
func itemOf(i *Incident, m *MessageRecord) string {
	c := i.Settings.Channel(m.Message.Channel)
	switch {
	case c == nil:
	case c.Kind == model.ChannelGitLab:
		return "follow-up"
	case m.Message.Kind != model.MessageResolved:
	case c.Kind.Public():
		return "status page"
	default:
		return "chat"
	}
	return ""
}

// ItemSettled is one line of the checklist.
type ItemSettled struct {
	ID     string `json:"id"`
	Waived bool   `json:"waived,omitempty"`
	Reason string `json:"reason,omitempty"`
	ToDo   bool   `json:"todo,omitempty"`
	Task   Task   `json:"task,omitzero"`
}

func (b ItemSettled) apply(i *Incident, f Fact) {
	state := ItemDone
	switch {
	case b.Waived:
		state = ItemWaived
	case b.ToDo:
		state = ItemToDo
	}
	i.setItem(Item{ID: b.ID, State: state, By: f.By, At: f.At, Reason: b.Reason, Task: b.Task})
}

func (b ItemSettled) entry(*Incident) (EntryKind, string) {
	switch {
	case b.Waived:
		return EntryAnswer, "waived: " + b.ID + because(b.Reason)
	case b.ToDo:
		return EntryAnswer, "to do: " + b.ID + ", " + b.Task.Words()
	}
	return EntryAnswer, "done: " + b.ID + because(b.Reason)
}

// ItemReopened is a tick of the checklist taken back.
type ItemReopened struct {
	ID string `json:"id"`
}

func (b ItemReopened) apply(i *Incident, _ Fact) {
	switch b.ID {
	case ItemDetection:
		i.Told, i.ToldBy = DetectionTold{}, ""
		i.detect()
	case ItemSeverity:
		i.Severity = SeverityTold{}
	}
	i.setItem(Item{ID: b.ID, State: ItemOpen})
}

func (b ItemReopened) entry(*Incident) (EntryKind, string) {
	return EntryAnswer, "open again: " + b.ID
}

// closeIfDone closes the incident with the last item. A report that was written
// is written once more, so that it tells of the end.
func (d *decider) closeIfDone() {
	i := d.inc()
	if i.End == nil && i.Verified.IsZero() { // it was, or the close could not be reached
		return
	}
	if i.Items == nil || openItems(i) > 0 || CloseBlocked(i) != "" || !i.Closed.IsZero() {
		return
	}
	if i.End == nil {
		d.fact(Ended{Outcome: RolledBack})
	}
	d.fact(WasClosed{})
	if !d.inc().Report.At.IsZero() {
		d.effect(MakeReport{})
	}
}

// WasClosed is the last item of the checklist settled.
type WasClosed struct{}

func (b WasClosed) apply(i *Incident, f Fact) {
	i.Closed = f.At
	i.Down.stop(f.At)
}

func (b WasClosed) entry(*Incident) (EntryKind, string) { return EntryOutcome, "incident closed" }
