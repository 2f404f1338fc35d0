package cli

import (
	"os"
	"strings"
	"testing"
)

// asProgram makes the test binary behave as the program, with these arguments.
const asProgram = "ROLLBOOK_TEST_ARGS"

func TestMain(m *testing.M) {
	if s, ok := os.LookupEnv(asProgram); ok {
		var args []string
		if s != "" {
			args = strings.Split(s, "\x1f")
		}
		os.Exit(Main(args))
	}
	for name, run := range otherPrograms {
		if os.Getenv(name) != "" {
			os.Exit(run())
		}
	}
	code := m.Run()
	for _, f := range atEnd {
		f()
	}
	os.Exit(code)
}

// otherPrograms are what else the test binary can be, by the variable that asks
// for it.
var otherPrograms = map[string]func() int{}

// atEnd is what the end-to-end tests leave to be cleared away.
var atEnd []func()
