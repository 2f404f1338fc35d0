package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollbook/cli"
)

// TestPages has a page for each command, on which nothing of this machine stands.
func TestPages(t *testing.T) {
	dir := t.TempDir()
	if err := write([]string{dir}); err != nil {
		t.Fatal(err)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"rollbook"}
	for _, c := range cli.Command().Commands() {
		if c.IsAvailableCommand() {
			names = append(names, "rollbook-"+c.Name())
		}
	}
	for _, n := range names {
		page, err := os.ReadFile(filepath.Join(dir, n+".1"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), ".SH SYNOPSIS") || strings.Contains(string(page), home+"/") {
			t.Errorf("%s:\n%s", n, page)
		}
	}
	if write(nil) == nil {
		t.Error("it writes without a folder")
	}
}
