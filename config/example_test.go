package config

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

var comment = regexp.MustCompile(`(?m)^#(\S|  )`)

// uncommented is the example with every section in use.
func uncommented() []byte { return comment.ReplaceAll(example, []byte("$1")) }

func TestExampleIsValid(t *testing.T) {
	var b bytes.Buffer
	if err := Init(&b); err != nil {
		t.Fatal(err)
	}
	// As written it changes nothing, and may stand anywhere.
	for _, kind := range []Kind{Cluster, Folder, User, Flag} {
		c := mustLoad(t, Source{Kind: kind, Name: FileName, Data: b.Bytes()})
		if d := Defaults(); c.Limits != d.Limits || c.Verify != d.Verify || c.Components != nil || c.NotProduction != nil {
			t.Errorf("the example changes the defaults: %+v", c)
		}
	}
}

func TestEverySectionOfTheExampleIsValid(t *testing.T) {
	c := mustLoad(t, Source{Kind: User, Name: FileName, Data: uncommented()})
	if len(c.Components) != 4 || len(c.Links) != 4 || len(c.Contacts) != 3 || len(c.NotProduction) != 2 || c.SLO == nil ||
		c.Prometheus.Address.Service == nil || c.Recovery.Overlay == "" || c.Recovery.Restore == "" || len(c.Recovery.Steps) != 3 || c.JournalDir == "" {
		t.Errorf("a section is missing: %+v", c)
	}
	if m := c.Components[2].Metrics; !strings.Contains(m.Errors, "$window") || m.Preset != "" {
		t.Errorf("own queries: %+v", m)
	}
	if m := c.Components[1].Metrics; m.Preset != "http" || len(m.Match) != 2 {
		t.Errorf("preset: %+v", m)
	}
	if h := c.Components[0].Checks; len(h.Health) != 1 || h.Logs != 20 || !h.Up {
		t.Errorf("checks: %+v", h)
	}
	// Every private section says so.
	_, err := Load(Source{Kind: Folder, Name: FileName, Data: uncommented()})
	private := bytes.Count(example, []byte("# PRIVATE"))
	if errs, ok := err.(Errors); !ok || len(errs) != private { //nolint:errorlint // it is the type that is meant
		t.Errorf("%d sections are marked PRIVATE; from the working folder: %v", private, err)
	}
}
