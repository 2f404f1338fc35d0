package ui

import (
	"testing"

	"github.com/charmbracelet/colorprofile"
)

// What is known of a terminal before it answers, by its environment.
func TestDetectLook(t *testing.T) {
	for name, tt := range map[string]struct {
		env  []string
		want Look
	}{
		"a usual one":                   {[]string{"TERM=xterm-256color", "LANG=de_DE.UTF-8"}, Look{}},
		"no locale":                     {[]string{"TERM=xterm-256color"}, Look{ASCII: true}},
		"the console of Linux":          {[]string{"TERM=linux", "LANG=C.UTF-8"}, Look{ASCII: true, Sixteen: true}},
		"a serial line":                 {[]string{"TERM=vt100", "LANG=C.UTF-8"}, Look{ASCII: true, Sixteen: true, NoColor: true}},
		"a later one of its kind":       {[]string{"TERM=vt220", "LANG=C.UTF-8"}, Look{ASCII: true, Sixteen: true, NoColor: true}},
		"NO_COLOR":                      {[]string{"TERM=xterm", "LANG=C.UTF-8", "NO_COLOR=1"}, Look{NoColor: true}},
		"dark on white":                 {[]string{"TERM=screen", "LANG=C.UTF-8", "COLORFGBG=0;15"}, Look{Light: true}},
		"with the third part of rxvt":   {[]string{"TERM=screen", "LANG=C.UTF-8", "COLORFGBG=0;default;15"}, Look{Light: true}},
		"light on black":                {[]string{"TERM=screen", "LANG=C.UTF-8", "COLORFGBG=15;0"}, Look{}},
		"on dark grey":                  {[]string{"TERM=screen", "LANG=C.UTF-8", "COLORFGBG=15;8"}, Look{}},
		"a background without a number": {[]string{"TERM=screen", "LANG=C.UTF-8", "COLORFGBG=15;default"}, Look{}},
		"no background":                 {[]string{"TERM=screen", "LANG=C.UTF-8", "COLORFGBG=15"}, Look{}},
	} {
		if got := DetectLook(tt.env); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
	l := Look{Sixteen: true}
	l.takes(colorprofile.TrueColor) // COLORTERM that was left over
	if l.Profile != colorprofile.ANSI || l.NoColor {
		t.Errorf("%+v", l)
	}
}
