package ui

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"rollbook/model"
)

// longestMessage bounds what is read back from an editor.
const longestMessage = 64 << 10

// edit opens the marked message in the operator's editor, or in a field of ours
// when none is named.
func (m *messages) edit() tea.Cmd {
	key, was := draftKey{m.channel().ID, m.kind}, m.shown()
	editor := m.env("VISUAL")
	if editor == "" {
		editor = m.env("EDITOR")
	}
	if editor == "" {
		return m.open(newWriting(m.scope, "Edit: "+kindName(m.channel(), m.kind)+" to "+key.channel, was.whole(), func(text string) {
			m.keep(key, was, text)
		}))
	}
	return func() tea.Msg {
		path, err := scratch(was.whole())
		return editMsg{m, key, was, editor, path, err}
	}
}

// keep takes over what was written. An empty text changes nothing.
func (m *messages) keep(key draftKey, was draft, text string) {
	text = clean(text)
	if strings.TrimSpace(text) == "" {
		m.said = "It was left empty: nothing was changed."
		return
	}
	if d := asWritten(was, text); d != was {
		m.drafts[key] = d
		m.said = "Edited; it is sent by enter, then s."
	} else {
		m.said = "Nothing was changed."
	}
}

// scratch is the message in a file that only the operator can read.
func scratch(text string) (string, error) {
	f, err := os.CreateTemp("", "rollbook-*.md")
	if err != nil {
		return "", fmt.Errorf("a file for the editor: %w", err)
	}
	_, err = f.WriteString(text)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return "", fmt.Errorf("a file for the editor: %w", err)
	}
	return f.Name(), nil
}

// editMsg says that the file is there: the screen is handed to the editor.
type editMsg struct {
	to     *messages
	key    draftKey
	was    draft
	editor string
	path   string
	err    error
}

func (e editMsg) deliver(a *App) tea.Cmd {
	if e.err != nil {
		e.to.said = e.err.Error()
		return nil
	}
	// By the shell, as git does it: the variable may hold options and quotes.
	cmd := exec.Command("sh", "-c", e.editor+` "$@"`, e.editor, e.path) //nolint:noctx // the operator's own editor, for as long as they write
	words := &bytes.Buffer{}
	cmd.Stderr = words
	return tea.ExecProcess(cmd, a.opt.lend(func(err error) tea.Msg {
		defer func() { _ = os.Remove(e.path) }()
		if err != nil {
			line, _, _ := strings.Cut(strings.TrimSpace(clean(words.String())), "\n")
			return editedMsg{to: e.to, err: fmt.Sprintf("%s: %v: %s: nothing was changed", e.editor, err, nonEmpty(line, "it said nothing"))}
		}
		text, err := readText(e.path)
		if err != nil {
			return editedMsg{to: e.to, err: err.Error()}
		}
		return editedMsg{to: e.to, key: e.key, was: e.was, text: text}
	}))
}

func readText(path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("what was edited: %w", err)
	}
	if st.Size() > longestMessage {
		return "", fmt.Errorf("what was edited has %s, more than any service takes: nothing was changed", model.Bytes(st.Size()))
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("what was edited: %w", err)
	}
	return string(b), nil
}

// editedMsg is what came back from the editor.
type editedMsg struct {
	to   *messages
	key  draftKey
	was  draft
	text string
	err  string
}

func (e editedMsg) deliver(*App) tea.Cmd {
	if e.err != "" {
		e.to.said = e.err
		return nil
	}
	e.to.keep(e.key, e.was, e.text)
	return nil
}

// clean leaves out what could move the cursor or hide text.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\t", "  ")
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
}

// copy sends the message to the terminal's clipboard, and to a file beside the
// journal for terminals that allow no such thing.
func (m *messages) copy() tea.Cmd {
	text := m.shown().whole()
	m.said = "Sent to the clipboard, if the terminal allows it (in tmux: set-clipboard on)."
	if m.snap.Seen.Journal == "" {
		m.said += " There is no journal yet, so no file."
		return tea.SetClipboard(text)
	}
	name := "message-" + strings.Map(fileRune, m.channel().ID) + "-" + string(m.kind) + ".txt"
	path := filepath.Join(filepath.Dir(m.snap.Seen.Journal), name)
	return tea.Batch(tea.SetClipboard(text), func() tea.Msg {
		return copiedMsg{m, path, os.WriteFile(path, []byte(text), 0o600)}
	})
}

// fileRune keeps what may stand in a file's name.
func fileRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' {
		return r
	}
	return '-'
}

// copiedMsg is the end of writing the file.
type copiedMsg struct {
	to   *messages
	path string
	err  error
}

func (c copiedMsg) deliver(*App) tea.Cmd {
	if c.err != nil {
		c.to.said += " No file: " + c.err.Error()
		return nil
	}
	c.to.said = "In the clipboard, if the terminal allows it, and in " + c.path
	return nil
}
