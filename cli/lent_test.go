package cli

import (
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// An interrupt that comes while another program has the terminal, or just after it
// ended by one, ends nothing; any other signal does.
func TestInterruptOfALentTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal)
		ended := false
		go endBySignal(signals, func() { ended = true })
		tell := func(s os.Signal) bool {
			t.Helper()
			signals <- s
			synctest.Wait()
			return ended
		}
		first := lent.lend()
		if tell(os.Interrupt) {
			t.Fatal("the program ended, and the other one had the terminal")
		}
		first()
		second := lent.lend()
		time.Sleep(2 * straggle)
		if tell(os.Interrupt) {
			t.Fatal("the first program's end gave back what the second one has")
		}
		second()
		if tell(os.Interrupt) {
			t.Fatal("the interrupt that ended the other program ended this one too")
		}
		time.Sleep(2 * straggle)
		if !tell(os.Interrupt) {
			t.Fatal("nobody else has the terminal, and the interrupt ended nothing")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		signals, ended := make(chan os.Signal, 1), false
		back := lent.lend()
		signals <- syscall.SIGHUP
		endBySignal(signals, func() { ended = true })
		if !ended {
			t.Error("the terminal was closed, and the program did not end")
		}
		back()
		time.Sleep(2 * straggle)
	})
}
