package uitest

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
)

// The look of a picture: a dark terminal, in units of which a cell is 9 by 19.
const (
	cellW, cellH = 9, 19
	margin       = 12
	baseline     = 14
	ink, paper   = "#d7dce2", "#12161c"
)

// SVG is the screen as a picture, text as text: it can be read, searched and
// compared by lines.
func (m *Terminal) SVG(title string) []byte {
	var b bytes.Buffer
	w, h := m.Width*cellW+2*margin, m.Height*cellH+2*margin
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`+"\n", w, h, w, h)
	fmt.Fprintf(&b, "<title>%s</title>\n", html.EscapeString(title))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8" fill="%s"/>`+"\n", w, h, paper)
	fmt.Fprintf(&b, `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="15" fill="%s">`+"\n", ink)
	for y := range m.Height {
		for _, r := range m.runs(y) {
			r.draw(&b, y)
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes()
}

// A run is a piece of a line in one style: words, or a gap of two cells and
// more. Words begin where their cells are, whatever the font.
type run struct {
	x, width int
	text     string
	style    uv.Style
	gap      bool
}

func (m *Terminal) runs(y int) []run {
	var out []run
	for x := 0; x < m.Width; {
		c := m.cell(x, y)
		c.gap = c.gap && (x == 0 || m.cell(x-1, y).gap || m.cell(x+1, y).gap)
		if n := len(out); n > 0 && out[n-1].style.Equal(&c.style) && out[n-1].gap == c.gap {
			out[n-1].text += c.text
			out[n-1].width += c.width
		} else {
			out = append(out, c)
		}
		x += c.width
	}
	return out
}

// cell is one cell as a run; beyond the screen all is gap.
func (m *Terminal) cell(x, y int) run {
	if c := m.emu.CellAt(x, y); c != nil && strings.TrimSpace(c.Content) != "" {
		return run{x, max(1, c.Width), c.Content, c.Style, false}
	} else if c != nil {
		return run{x, 1, " ", c.Style, true}
	}
	return run{x, 1, " ", uv.Style{}, true}
}

// draw puts a run down. Its length is given, so that no font moves a column.
func (r run) draw(b *bytes.Buffer, y int) {
	fg, bg := hex(r.style.Fg, ink), hex(r.style.Bg, "")
	if r.style.Attrs&uv.AttrReverse != 0 {
		if bg == "" {
			bg = paper
		}
		fg, bg = bg, fg
	}
	left, top := margin+r.x*cellW, margin+y*cellH
	if bg != "" {
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`+"\n", left, top, r.width*cellW, cellH, bg)
	}
	if r.gap || strings.TrimSpace(r.text) == "" {
		return
	}
	lead := len(r.text) - len(strings.TrimLeft(r.text, " "))
	text := strings.TrimSpace(r.text)
	width := r.width - (len(r.text) - len(text)) // spaces are one byte and one cell
	attr := ""
	if fg != ink {
		attr += fmt.Sprintf(` fill="%s"`, fg)
	}
	if r.style.Attrs&uv.AttrBold != 0 {
		attr += ` font-weight="bold"`
	}
	if r.style.Attrs&uv.AttrFaint != 0 {
		attr += ` opacity="0.6"`
	}
	if r.style.Attrs&uv.AttrItalic != 0 {
		attr += ` font-style="italic"`
	}
	if r.style.Underline != 0 {
		attr += ` text-decoration="underline"`
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" textLength="%d"%s>%s</text>`+"\n", left+lead*cellW, top+baseline, width*cellW, attr, html.EscapeString(text))
}

func hex(c color.Color, none string) string {
	if c == nil {
		return none
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}
