// Rollbook walks an on-call engineer through a rollback: assess, decide,
// choose, confirm, roll back, verify, close.
package main

import (
	"os"

	"rollbook/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
