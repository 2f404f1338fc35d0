package teams

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"rollbook/model"
	"rollbook/text"
)

// maxBody is below the 28 KB that Teams takes, by what it wraps around a card.
const (
	maxBody  = 27 << 10
	maxTitle = 300
	maxLine  = 4000
)

const shortened = "… (shortened)"

type message struct {
	Type        string       `json:"type"`
	Attachments []attachment `json:"attachments"`
}

type attachment struct {
	ContentType string  `json:"contentType"`
	ContentURL  *string `json:"contentUrl"` // null, as documented
	Content     card    `json:"content"`
}

type card struct {
	Schema  string  `json:"$schema"`
	Type    string  `json:"type"`
	Version string  `json:"version"`
	Body    []block `json:"body"`
}

type block struct {
	Type    string `json:"type"`
	Text    string `json:"text"`
	Wrap    bool   `json:"wrap"`
	Weight  string `json:"weight,omitempty"`
	Size    string `json:"size,omitempty"`
	Color   string `json:"color,omitempty"`
	Spacing string `json:"spacing,omitempty"`
}

// colors are those of the title.
var colors = map[model.MessageKind]string{
	model.MessageStarted: "Attention", model.MessageUpdated: "Warning", model.MessageResolved: "Good",
}

// payload is the body for m: a card with a block for each line, cut at the end to
// what Teams takes.
func (s *Sender) payload(m model.Message) ([]byte, error) {
	title, lines := s.redact.Line(m.Title), s.lines(m)
	if title == "" && lines == nil {
		return nil, errors.New("the message is empty")
	}
	var blocks []block
	if title != "" {
		blocks = append(blocks, block{Type: "TextBlock", Text: escape(clip(title, maxTitle)), Wrap: true, Weight: "Bolder", Size: "Medium", Color: colors[m.Kind]})
	}
	frame, err := encode(blocks)
	if err != nil {
		return nil, err
	}
	room := maxBody - len(frame)
	end := block{Type: "TextBlock", Text: shortened, Wrap: true}
	spacing := "" // Teams' own before a paragraph, none within
	for _, line := range lines {
		if line == "" {
			spacing = ""
			continue
		}
		b := block{Type: "TextBlock", Text: escape(clip(line, maxLine)), Wrap: true, Spacing: spacing}
		if room -= b.size(); room < end.size() {
			blocks = append(blocks, end)
			break
		}
		blocks = append(blocks, b)
		spacing = "None"
	}
	return encode(blocks)
}

// lines are those of m's text; nil when there is none.
func (s *Sender) lines(m model.Message) []string {
	body := strings.TrimSpace(s.redact.Lines(m.Text))
	if body == "" {
		return nil
	}
	lines := strings.Split(body, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// size is what b takes in the body.
func (b block) size() int {
	data, err := marshal(b)
	if err != nil {
		return maxBody
	}
	return len(data) + len(",")
}

func encode(blocks []block) ([]byte, error) {
	return marshal(message{Type: "message", Attachments: []attachment{{
		ContentType: "application/vnd.microsoft.card.adaptive",
		Content: card{
			Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.2", Body: blocks,
		},
	}}})
}

// marshal writes "<" as itself, not in six bytes.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// A TextBlock is read as a little Markdown: emphasis, links, lists. Lists are
// meant; the rest would take characters away. An underscore within a word is
// none of it, and names are full of them.
var (
	marks   = text.Pattern("[\\\\*`\\[\\]~]")
	heading = text.Pattern(`^(#+ |>)`)
)

// escape makes a line of plain text read as it is. Addresses stay as they are:
// Teams makes links of them by itself.
func escape(line string) string {
	words := strings.Split(line, " ")
	for i, w := range words {
		if strings.HasPrefix(w, "https://") || strings.HasPrefix(w, "http://") {
			continue
		}
		w = marks().ReplaceAllString(w, `\$0`)
		if strings.HasPrefix(w, "_") || strings.HasSuffix(strings.TrimRight(w, ".,;:!?)"), "_") {
			w = strings.ReplaceAll(w, "_", `\_`)
		}
		words[i] = w
	}
	line = strings.Join(words, " ")
	return heading().ReplaceAllString(line, `\$0`)
}

// clip cuts to so many characters.
func clip(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-len([]rune(shortened))]) + shortened
}

// Preview is how m will look in the channel.
func (s *Sender) Preview(m model.Message) string {
	body := strings.Join(s.lines(m), "\n")
	if title := s.redact.Line(m.Title); title != "" {
		body = clip(title, maxTitle) + "\n\n" + body
	}
	return strings.TrimRight(body, "\n") + "\n"
}
