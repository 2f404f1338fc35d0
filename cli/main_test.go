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
	code := m.Run()
	for _, f := range atEnd {
		f()
	}
	os.Exit(code)
}

// atEnd is what the end-to-end tests leave to be cleared away.
var atEnd []func()
