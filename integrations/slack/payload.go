package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"rollbook/model"
	"rollbook/text"
)

// Slack's bounds: characters of a header and of a section, and blocks of a
// message. https://docs.slack.dev/reference/block-kit/blocks
const (
	maxHeader  = 150
	maxSection = 3000
	maxBlocks  = 50
)

const shortened = "… (shortened)"

type payload struct {
	Text   string  `json:"text"` // for notifications and old clients
	Blocks []block `json:"blocks"`
}

type block struct {
	Type string `json:"type"`
	Text words  `json:"text"`
}

type words struct {
	Type string `json:"type"`
	Text string `json:"text"`
	// Verbatim keeps Slack from making mentions of names that merely look so.
	Verbatim bool `json:"verbatim,omitempty"`
}

// payload is the body for m.
func (s *Sender) payload(m model.Message) ([]byte, error) {
	title, body := s.redact.Line(m.Title), strings.TrimSpace(s.redact.Lines(m.Text))
	if title == "" && body == "" {
		return nil, errors.New("the message is empty")
	}
	p := payload{Text: escape(title)}
	if title != "" {
		p.Blocks = append(p.Blocks, block{"header", words{Type: "plain_text", Text: clip(title, maxHeader)}})
	} else {
		first, _, _ := strings.Cut(body, "\n")
		p.Text = escape(first)
	}
	for _, part := range sections(body) {
		if len(p.Blocks) == maxBlocks {
			p.Blocks[maxBlocks-1].Text.Text = shortened
			break
		}
		p.Blocks = append(p.Blocks, block{"section", words{Type: "mrkdwn", Text: part, Verbatim: true}})
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // "&lt;" is written already
	if err := enc.Encode(p); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// sections cuts text at its lines into pieces that a section takes, in Slack's
// markup.
func sections(body string) []string {
	var all []string
	var part strings.Builder
	size := 0
	flush := func() {
		if s := strings.Trim(part.String(), "\n"); s != "" {
			all = append(all, s)
		}
		part.Reset()
		size = 0
	}
	for line := range strings.Lines(body) {
		line = markup(strings.TrimRight(line, "\n"))
		if n := len([]rune(line)); n > maxSection-1 {
			line = clip(line, maxSection-1)
		}
		n := len([]rune(line)) + 1
		if size+n > maxSection {
			flush()
		}
		part.WriteString(line + "\n")
		size += n
	}
	flush()
	return all
}

// links are written out, since verbatim text has none by itself.
var links = text.Pattern(`https?://[^\s<>|]+[^\s<>|.,;:!?)\]}'"]`)

// markup is a line of plain text in mrkdwn: what Slack would read as a link or
// a mention is escaped, addresses become links, and "- " a bullet.
func markup(line string) string {
	if item, ok := strings.CutPrefix(line, "- "); ok {
		line = "• " + item
	}
	var b strings.Builder
	done := 0
	for _, at := range links().FindAllStringIndex(line, -1) {
		b.WriteString(escape(line[done:at[0]]))
		b.WriteString("<" + escape(line[at[0]:at[1]]) + ">")
		done = at[1]
	}
	b.WriteString(escape(line[done:]))
	return b.String()
}

// escape writes the three characters that Slack reads as its own.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// clip cuts to so many characters, not within an entity or a link.
func clip(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	cut := string(r[:most-len([]rune(shortened))])
	if i := strings.LastIndexAny(cut, "&<"); i >= 0 && !strings.ContainsAny(cut[i:], ";>") {
		cut = cut[:i]
	}
	return cut + shortened
}

// Preview is how m will look in the channel.
func (s *Sender) Preview(m model.Message) string {
	title, body := s.redact.Line(m.Title), strings.TrimSpace(s.redact.Lines(m.Text))
	if title != "" {
		title = text.Truncate(title, maxHeader) + "\n\n"
	}
	return title + strings.ReplaceAll("\n"+body, "\n- ", "\n• ")[1:] + "\n"
}
