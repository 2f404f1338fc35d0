package statuspage

import (
	"strings"
	"testing"
)

func TestPlain(t *testing.T) {
	if got := plain("<b>x</b> <!channel> a < b <0.1 %"); got != "&lt;b>x&lt;/b> &lt;!channel> a < b <0.1 %" {
		t.Errorf("%q", got)
	}
	if got := plain(strings.Repeat("ä", 2*maxBody)); len([]rune(got)) != maxBody || !strings.HasSuffix(got, "(shortened)") {
		t.Errorf("%d characters", len([]rune(got)))
	}
}
