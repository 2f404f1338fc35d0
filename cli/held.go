package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// A held process is not ended at once by a signal, from when there is something to
// clear away until it has ended. The first one ends it in order (endBySignal), which
// takes a moment; and in that moment others come, when a terminal is closed or a
// supervisor says it in two ways, the last of them perhaps when all is cleared. Only
// a second one of its kind is impatience.
type held chan os.Signal

// hold begins to hold; it ends with the process.
func hold() held {
	h := make(held, 8)
	signal.Notify(h, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return h
}

// clearing has clear called before the process ends by a second signal of its
// kind. It is called at most once.
func (h held) clearing(clear func()) {
	go func() {
		if s := secondOfItsKind(h); s != nil {
			clear()
			endBy(s)
		}
	}()
}

// secondOfItsKind waits for a signal that came before; nil = they ended without
// one.
func secondOfItsKind(signals <-chan os.Signal) os.Signal {
	seen := map[os.Signal]bool{}
	for s := range signals {
		switch {
		case s == os.Interrupt && lent.away():
		case seen[s]:
			return s
		default:
			seen[s] = true
		}
	}
	return nil
}

// endBy ends the process as a shell says that a signal ended it: 128 and its
// number. To let the signal itself do it would be to wait for it, and some are
// ignored by whoever started the program.
func endBy(s os.Signal) {
	n, _ := s.(syscall.Signal)
	os.Exit(128 + int(n))
}
