package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// leaves leaves an open incident.
func (m *terminal) leaves() {
	m.t.Helper()
	m.Keys("q")
	m.Keys("q")
	m.left()
}

// A message leaves only by s, after a silence, after the question that names the
// channel and the host. Held keys and slips send nothing.
func TestMessageIsSentByTwoKeys(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := start(t, told())
		m.Keys("M")
		m.Keys("\x1b[B") // teams, resolved
		m.Sees("▸ teams/ops", "[not sent]", "[production] Resolved: backend-python")
		m.Keys("ssssss") // a held s, where nothing was asked
		m.Keys("\r")
		m.Sees("Send to teams/ops at prod-17.westeurope.logic.azure.com?", "s send")
		for range 5 { // a held enter, at the pace of a keyboard's first repeat and after it
			time.Sleep(600 * time.Millisecond)
			m.Keys("\r\r\r\r")
		}
		m.Sees("Send to teams/ops")
		m.Keys("\x1b") // and left
		m.Sees("[not sent]")
		m.Keys("\rs") // both at once: too quick to have been read
		m.Sees("s counts only after 0.3 s without a key")
		m.Keys("\x1b[200~s\x1b[201~") // pasted
		m.Sees("Send to teams/ops")
		draft := incident.Draft(told(), told().Incident.Settings.Channels[1], model.MessageResolved)
		m.does("s", incident.SendMessage{Channel: "teams/ops", Kind: model.MessageResolved, Title: draft.Title, Text: draft.Text}, nil)
		m.Sees("[not sent]") // until the engine says otherwise
		m.Keys("\x1b")
		m.leaves()
	})
}

// What failed can be tried again, as it was; what may have gone out asks first,
// and says so to the engine.
func TestMessageAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := start(t, told())
		m.Keys("M")
		m.Sees("? may have been sent at 03:18:00 UTC", "Look there first")
		m.Keys("\r")
		m.Sees("may have been sent there 2m", "people read it twice", "s send again")
		old := told().Incident.Messages[3].Message
		m.does("s", incident.SendMessage{Channel: "slack/incidents", Kind: model.MessageResolved, Title: old.Title, Text: old.Text, Again: true}, nil)
		m.Keys("\x1b[B\x1b[D\x1b[D") // teams, started: failed
		m.Sees("429 Too Many Requests", "asks to wait until 03:21:30 UTC", "enter try again…")
		m.Keys("\r")
		m.Sees("asked to wait until 03:21:30 UTC", "s send")
		old = told().Incident.Messages[2].Message
		m.does("s", incident.SendMessage{Channel: "teams/ops", Kind: model.MessageStarted, Title: old.Title, Text: old.Text}, nil)
		m.Keys("\x1b")
		m.leaves()
	})
}

// Without an editor the text is written here; every key is text, and it stays
// when the overlay is left.
func TestMessageWrittenHere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := start(t, told())
		m.Keys("M")
		m.Keys("\x1b[B\x1b[B")
		m.Keys("e")
		m.Sees("Edit: resolved to statuspage/public", "The first line is the title")
		m.Keys("\x1b[F, q for now\r\rsMTE?")
		m.Sees("Resolved: a service, q for now", "sMTE?")
		m.Keys("\x1b") // keeps it
		m.Sees("✎ edited", "u drafts it anew")
		m.Keys("\x1b")
		m.Keys("M")
		m.Keys("\x1b[B\x1b[B")
		m.Sees("Resolved: a service, q for now", "✎ edited")
		m.Keys("\r")
		draft := incident.Draft(told(), told().Incident.Settings.Channels[2], model.MessageResolved)
		m.does("s", incident.SendMessage{Channel: "statuspage/public", Kind: model.MessageResolved, Title: draft.Title + ", q for now",
			Text: "sMTE?\n\n" + draft.Text}, nil)
		m.Keys("u")
		m.Sees("Drafted from the facts")
		m.Keys("\x1b")
		m.leaves()
	})
}

// The operator's own editor gets the message, and what it leaves behind is the
// draft. One that fails changes nothing and says why.
func TestMessageInEditor(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	good, bad := filepath.Join(dir, "good editor"), filepath.Join(dir, "bad")
	for path, script := range map[string]string{
		good: "#!/bin/sh\n[ \"$1\" = --wait ] || exit 3\ncp \"$2\" '" + dir + "/was'\nprintf 'My title\\n\\nWords \\033[2Jof mine\\n' > \"$2\"\n",
		bad:  "#!/bin/sh\necho 'no such terminal' >&2\nexit 7\n",
	} {
		if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		env  string
		sees []string
	}{
		{"VISUAL='" + good + "' --wait", []string{"✎ edited", "My title", "Words [2Jof mine"}},
		{"EDITOR=" + bad, []string{"exit status 7", "no such terminal", "nothing was changed"}},
	} {
		bubble(t, func(t *testing.T) {
			e := newScripted(t, told())
			m := run(t, e, e, 80, 24, c.env)
			m.Keys("M")
			m.Keys("\x1b[B")
			m.Keys("e")
			// A child's input that is no file is read until it ends: each key, which means
			// nothing here, lets that be noticed.
			for tries := 0; !strings.Contains(m.Screen(), c.sees[0]) && tries < 100; tries++ {
				m.Keys("x")
			}
			m.Sees(c.sees...)
			m.Keys("\x1b")
			m.leaves()
		})
	}
	was, err := os.ReadFile(filepath.Join(dir, "was"))
	if err != nil || !strings.HasPrefix(string(was), "[production] Resolved: backend-python\n\n") {
		t.Errorf("the editor got %q, %v", was, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "rollbook-*.md"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// y copies to the clipboard, and to a file beside the journal, whose path is
// shown.
func TestMessageCopied(t *testing.T) {
	dir := t.TempDir()
	bubble(t, func(t *testing.T) {
		s := told()
		s.Seen.Journal = filepath.Join(dir, "journal.jsonl")
		m := start(t, s)
		m.Keys("M")
		m.Keys("\x1b[B")
		m.Keys("y")
		m.Sees("In the clipboard, if the terminal allows it")
		m.Keys("\x1b")
		m.leaves()
	})
	text, err := os.ReadFile(filepath.Join(dir, "message-teams-ops-resolved.txt"))
	if err != nil || !strings.HasPrefix(string(text), "[production] Resolved: backend-python\n\n") {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

// A call stays until it is answered, on every page; wrong keys do nothing.
func TestEscalationStays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := start(t, called(verifying()))
		m.Sees("CALL", "Ada +49 30 1234569: down for 30m", "E answers")
		m.Keys("\x1b[B")
		m.Keys("t")
		m.Sees("CALL")
		m.Keys("\x1b")
		m.Keys("E")
		m.Sees("Escalate: down for 30m", "Call Ada +49 30 1234569")
		m.Keys("EqM1") // text
		m.Keys("\x1b") // left: nothing is answered
		m.Sees("E answers")
		m.Keys("E")
		m.Keys("\x1b[Bshe knows")
		answered := called(verifying())
		answered.Incident.Escalations[1].Answer = incident.EscalationNotNeeded
		m.does("\r", incident.AnswerEscalation{ID: "downtime", With: incident.EscalationNotNeeded, Reason: "she knows"}, answered)
		m.Sees("Jonas +49 30 1234568")
		if strings.Contains(m.Screen(), "Ada +49") {
			t.Errorf("it stays:\n%s", m.Screen())
		}
		m.leaves()
	})
}

func TestOpenIncidentsAreOffered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := start(t, filled())
		m.engine.show(offered())
		m.Settle()
		m.Sees("Open incidents of earlier runs", "✗ untouched for 35h, not put back: backend-rust is scaled to 0", "written by a newer rollbook")
		m.Keys("\x1b")
		m.Sees("▸1 Assess", "enter decide")
		m.engine.show(offered()) // they are not pushed again
		m.Settle()
		m.Sees("enter decide")
		m.Keys("O")
		m.Keys("\x1b[B")
		m.Keys("x")
		m.Sees("Close as abandoned: INC-20261121-1530-backend-rust", "not put back: backend-rust is scaled to 0.")
		m.Keys("tidied up")
		m.does("\r", incident.Abandon{ID: "INC-20261121-1530-backend-rust", Reason: "tidied up"}, nil)
		m.Keys("\x1b[A")
		m.does("\r", incident.TakeUp{ID: "INC-20261123-0258-frontend"}, opened())
		m.Sees("▸2 Decide") // and the list is gone
		if strings.Contains(m.Screen(), "earlier runs") {
			t.Errorf("the list stays:\n%s", m.Screen())
		}
		m.leaves()
	})
}

// An enter that was meant for the board does not take anything up.
func TestOfferUnderTheHand(t *testing.T) {
	a, r := recorded(filled())
	r.snap = offered()
	a.Update(changedMsg{})
	a.Update(keyOf("enter"))
	if len(r.sent) > 0 || len(a.over) != 1 {
		t.Errorf("sent %v", r.sent)
	}
}

func TestTakeOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		other := checked()
		other.Seen.Leases = map[string]model.Lease{"backend-python": jonas}
		m := start(t, other)
		m.Sees("jonas@desk-12", "at Roll back", "do: look on, or take it over", "Blocked:")
		m.Keys("o")
		m.Sees("not overridden but taken over: T")
		m.Keys("\r\r\r")
		m.Keys("T")
		m.Sees("Take backend-python over from jonas@desk-12?", "within 15 s")
		m.Keys("he sleeps")
		m.does("\r", incident.TakeOver{Component: "backend-python", Reason: "he sleeps"}, checked())
		m.Sees("type backend-python to roll back:")
		m.Keys("\x03") // the field is open: q is text
		m.Keys("\x03")
		m.left()
	})
}

// The checklist by its keys, to the end.
func TestChecklistKeys(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := start(t, told())
		m.Sees("enter gather again", "3 items missing")
		m.does("\r", incident.GatherAgain{}, nil)
		m.Keys("d")
		m.Sees("previous log of pod backend-python-5d88c4f7b9-9lmn2: forbidden", "folder")
		m.Keys("\x1b")
		m.Keys("\x1b[B")
		m.does("\r", incident.WriteReport{}, nil)
		m.Keys("\x1b[B")
		m.Keys("\r")
		m.Sees("Messages", "▸ statuspage/public", "[not sent]")
		m.Keys("\x1b")
		m.Keys("\x1b[B\x1b[B")
		m.Keys("\r")
		m.Sees("▸ gitlab/follow-up", "Follow-up of INC-20261123-0312-backend-python")
		m.Keys("\x1b")
		m.Keys("\x1b[B")
		m.Keys("w")
		m.Sees("w waive: it is done already")
		m.Keys("\x1b[B")
		m.Keys("n")
		m.Keys("shop#4712, Jonas")
		m.does("\r", incident.SettleItem{ID: "monitoring", Reason: "shop#4712, Jonas"}, nil)
		m.does(" ", incident.SettleItem{ID: "monitoring"}, nil) // the engine showed nothing new: the mark stays
		m.Keys("\x1b[B")
		m.Keys("w")
		m.Keys("no time")
		m.does("\r", incident.SettleItem{ID: "deploy checklist", Waive: true, Reason: "no time"}, nil)
		m.leaves()
	})
}

// When the operator was paged is asked for by a key, and recorded by another that comes
// after a pause; to leave the question records nothing.
func TestPagedQuestion(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := start(t, paged())
		m.Keys("\r\r\r\r")
		m.Sees("When were you paged?", "records: paged at 03:07:00 UTC")
		m.Keys("\x1b")
		m.Sees("▸ [ ] open   detection")
		m.Keys("\r")
		m.Keys("\x1b[B")
		m.Keys("25:00")
		m.Keys("\r")
		m.Sees("enter record: “25:00” is no time of day")
		m.Keys("\x15") // ctrl+u
		m.Keys("03:08")
		m.does("\r", incident.TellDetection{How: incident.SourceTold, At: time.Date(2026, 11, 23, 3, 8, 0, 0, time.UTC)}, nil)
		m.does(" ", incident.TellDetection{}, nil)
		m.leaves()
	})
}

// A held space ticks one item, not the whole list.
func TestHeldSpaceTicksOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := start(t, told())
		m.does("          ", incident.SettleItem{ID: "evidence"}, nil)
		m.leaves()
	})
}

// What cannot be read must not be answered.
func TestSmallTerminalAnswersNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		e := newScripted(t, called(verifying()))
		m := run(t, e, e, 50, 12)
		m.Sees("Too small", "CALL")
		for _, k := range []string{"M", "E", "\r", "s", "n", "w", " ", "T", "O"} {
			m.Keys(k)
		}
		m.Sees("Too small")
		m.leaves()
	})
}

// A replay is left at once: nothing of it is open.
func TestReplayInTheTerminal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := runAs(t, Options{Session: Replaying(replayed(t, story()))}, newScripted(t, nil), 80, 24)
		m.Sees("REPLAY 1/61", "rollbook 1.0 was started")
		m.Keys("4")
		m.Sees("▸4 Confirm", "configmap api-env changed")
		m.Keys("\x1b[C\x1b[C")
		m.Sees("▸5 Roll back", "REPLAY 21/61")
		m.Keys("\r")
		m.Sees("REPLAY 21/61", "replay: nothing can be changed")
		m.Keys("\x1b")
		m.Keys("x")
		m.Sees("replay: nothing can be changed")
		m.Keys(">")
		m.Sees("REPLAY 61/61", "Closed.")
		time.Sleep(time.Minute) // its clock stands
		m.Sees("T+10:21")
		m.Keys("q")
		m.left()
	})
}
