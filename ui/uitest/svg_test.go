package uitest

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

// Words stand at their cells, in their colours, and nothing is left out.
func TestSVG(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(t, 20, 2)
		defer m.Close()
		_, _ = m.Write([]byte("ab c   \x1b[1;38;2;255;0;0m<d>\x1b[0m\r\n\x1b[7mno\x1b[0m"))
		got := string(m.SVG("a & b"))
		for _, want := range []string{
			"<title>a &amp; b</title>",
			`<text x="12" y="26" textLength="36">ab c</text>`,
			`<text x="75" y="26" textLength="27" fill="#ff0000" font-weight="bold">&lt;d&gt;</text>`,
			`<rect x="12" y="31" width="18" height="19" fill="#d7dce2"/>`,
			`<text x="12" y="45" textLength="18" fill="#12161c">no</text>`,
		} {
			if !strings.Contains(got, want) {
				t.Errorf("%s is not in\n%s", want, got)
			}
		}
		d := xml.NewDecoder(strings.NewReader(got))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	})
}
