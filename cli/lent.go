package cli

import (
	"sync/atomic"
	"time"
)

// lent says whether another program has the terminal, an editor or the one that the
// credentials come from: ctrl+c goes to all who have it for theirs, and is meant for
// that program.
var lent lending

// A lending counts who has the terminal.
type lending struct{ n atomic.Int32 }

// straggle is for how long a terminal that came back counts as lent: the signal that
// ended the other program may reach us after its end did. Nobody means us by one:
// where the screen has the terminal, ctrl+c is a key.
const straggle = 2 * time.Second

// lend lends the terminal, until back is called.
func (l *lending) lend() (back func()) {
	l.n.Add(1)
	return func() { time.AfterFunc(straggle, func() { l.n.Add(-1) }) }
}

func (l *lending) away() bool { return l.n.Load() > 0 }
