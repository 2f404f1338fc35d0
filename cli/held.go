package cli

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// A held process is not ended at once by a signal, for as long as there is
// something to clear away. The first one ends it in order (endBySignal), which
// takes a moment; and in that moment others come, when a terminal is closed or a
// supervisor says it in two ways. Only a second one of its kind is impatience.
type held struct {
	signals chan os.Signal
	waiting sync.WaitGroup
}

// hold begins to hold.
func hold() *held {
	h := &held{signals: make(chan os.Signal, 8)}
	signal.Notify(h.signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return h
}

// clearing has clear called before the process ends by a second signal of its
// kind. It is called at most once.
func (h *held) clearing(clear func()) {
	h.waiting.Go(func() {
		if s := secondOfItsKind(h.signals); s != nil {
			clear()
			endBy(s)
		}
	})
}

// letGo makes signals as they were.
func (h *held) letGo() {
	signal.Stop(h.signals)
	close(h.signals)
	h.waiting.Wait()
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
