// Man writes the man pages, one for each command, from the commands themselves. It is a
// program of its own, so that what writes them is no part of the one that is shipped.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra/doc"

	"rollbook/cli"
)

func main() {
	if err := write(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "man:", err)
		os.Exit(1)
	}
}

// write fills the folder named with them. The pages' date is SOURCE_DATE_EPOCH where it is set, so
// that a release built twice is the same.
func write(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("one folder is wanted, got %q", args)
	}
	if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // man pages are for all to read
		return err
	}
	root := cli.Command()
	root.DisableAutoGenTag = true
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "rollbook", Manual: "Rollbook"}, args[0])
}
