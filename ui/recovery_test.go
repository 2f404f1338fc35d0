package ui

import (
	"regexp"
	"testing"

	"rollbook/config"
)

// A key that the page asks for is one that rollbook.yaml takes.
func TestRecoveryNamesKeysThatExist(t *testing.T) {
	s := opened()
	asked := 0
	for _, c := range commands(s) {
		for _, m := range regexp.MustCompile(`\(recovery\.(\w+)\)`).FindAllStringSubmatch(c.note, -1) {
			asked++
			if _, err := config.Load(config.Source{Kind: config.User, Name: "rollbook.yaml", Data: []byte("recovery:\n  " + m[1] + ": https://wiki.example\n")}); err != nil {
				t.Errorf("%s: %v", c.note, err)
			}
		}
	}
	if asked < 3 {
		t.Errorf("%d keys are asked for", asked)
	}
}

// What is configured stands on the page.
func TestRecoveryIsFilledIn(t *testing.T) {
	s := opened()
	s.Incident.Settings.Recovery.Restore = "https://wiki.example/restore"
	for _, c := range commands(s) {
		if c.note == "the procedure: https://wiki.example/restore" {
			return
		}
	}
	t.Errorf("the procedure is missing: %+v", commands(s))
}
