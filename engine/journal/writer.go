package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"rollbook/incident"
)

// patience is how long a folder's disk may take for a batch before the next one
// is tried.
const patience = time.Second

// Ack tells that everything up to and with the fact number seq (from 1) is on
// disk at path, or, with an error, that no folder takes it.
type Ack func(seq int, path string, err error)

// Writer writes one incident's journal. It is safe for concurrent use.
type Writer struct {
	dirs   []string
	header Header
	ack    Ack

	mu     sync.Mutex
	lines  [][]byte // all of them: a folder that fails is followed by one with the whole journal
	closed bool
	wake   chan struct{}
	done   chan struct{}
	aside  string // where what was damaged lies; "" = nothing was

	// Of the goroutine alone.
	sink    *sink
	written int // lines that the sink has
	next    int // the folder to be tried next
}

// Begin starts a journal in the first of dirs that takes it. ack is called from
// the writer's own goroutine.
func Begin(dirs []string, h Header, ack Ack) *Writer {
	h.Journal = Version
	w := &Writer{dirs: dirs, header: h, ack: ack, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go w.run()
	return w
}

// Resume goes on with a journal that was read. It takes the lock, cuts off a torn
// last line, and keeps what follows damage in a file beside the journal. It fails
// with ErrLocked when another rollbook holds it.
func Resume(c *Content, dirs []string, ack Ack) (*Writer, error) {
	s, aside, err := reopen(c)
	if err != nil {
		return nil, err
	}
	w := &Writer{dirs: dirs, aside: aside, header: c.Header, ack: ack, wake: make(chan struct{}, 1), done: make(chan struct{}), sink: s}
	for _, f := range c.Facts {
		line, err := encode(f)
		if err != nil {
			s.close()
			return nil, err
		}
		w.lines = append(w.lines, line)
	}
	w.written = len(w.lines)
	go w.run()
	return w, nil
}

// Aside returns the path of the file in which Resume kept what followed a damaged
// line; "" when there was none.
func (w *Writer) Aside() string { return w.aside }

// Append queues a fact and returns its number. It never waits.
func (w *Writer) Append(f incident.Fact) (seq int, err error) {
	line, err := encode(f)
	if err != nil {
		return 0, err
	}
	w.mu.Lock()
	w.lines = append(w.lines, line)
	seq = len(w.lines)
	w.mu.Unlock()
	w.poke()
	return seq, nil
}

func (w *Writer) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Close writes what is queued, at most for as long as every folder may take, and
// lets the lock go.
func (w *Writer) Close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.poke()
	<-w.done
}

func (w *Writer) run() {
	defer close(w.done)
	for {
		w.mu.Lock()
		lines, closed := w.lines, w.closed
		w.mu.Unlock()
		if len(lines) > w.written {
			path, err := w.flush(lines)
			w.ack(len(lines), path, err)
			if err == nil {
				continue
			}
		}
		if closed {
			if w.sink != nil {
				w.sink.close()
			}
			return
		}
		<-w.wake
	}
}

// flush brings the lines to disk, going from folder to folder until one takes
// them. After the last one it begins with the first again the next time.
func (w *Writer) flush(lines [][]byte) (string, error) {
	var errs []error
	if w.sink != nil {
		err := w.sink.write(lines[w.written:])
		if err == nil {
			w.written = len(lines)
			return w.sink.path, nil
		}
		errs = append(errs, err)
		w.sink.abandon()
		w.sink = nil
	}
	for ; w.next < len(w.dirs); w.next++ {
		s, err := create(w.dirs[w.next], w.header, lines)
		if err == nil {
			w.next++
			w.sink, w.written = s, len(lines)
			return s.path, nil
		}
		errs = append(errs, err)
	}
	w.next, w.written = 0, 0
	return "", fmt.Errorf("no folder takes the journal: %w", errors.Join(errs...))
}

// sink is a journal in one folder. Its disk may hang: whoever writes waits for
// patience and then leaves it to itself.
type sink struct {
	path string
	file *os.File
}

// within runs f in a goroutine of its own and waits for patience.
func within(what string, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case err := <-done:
		return err
	case <-t.C:
		return fmt.Errorf("%s: the disk did not answer for %s", what, patience)
	}
}

// create begins the journal in dir, in a folder that was not there before.
func create(dir string, h Header, lines [][]byte) (*sink, error) {
	var s *sink
	err := within("create journal in "+dir, func() error {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := Ours(dir); err != nil {
			return err
		}
		folder := filepath.Join(dir, h.ID)
		for n := 2; ; n++ {
			err := os.Mkdir(folder, 0o700)
			if err == nil {
				break
			}
			if !errors.Is(err, os.ErrExist) || n > 99 {
				return err
			}
			folder = filepath.Join(dir, fmt.Sprintf("%s-%d", h.ID, n))
		}
		made := &sink{path: filepath.Join(folder, FileName)}
		var err error
		made.file, err = os.OpenFile(made.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		if err := made.lock(); err != nil {
			made.close()
			return err
		}
		head, err := json.Marshal(h)
		if err != nil {
			return err
		}
		if err := made.put(append([][]byte{append(head, '\n')}, lines...)); err != nil {
			made.close()
			return err
		}
		if err := syncDir(folder, dir); err != nil {
			return err
		}
		s = made
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// reopen opens a journal to go on with it. aside is where it keeps what is damaged.
func reopen(c *Content) (s *sink, aside string, err error) {
	s = &sink{path: c.Path}
	err = within("open "+c.Path, func() error {
		folder := filepath.Dir(c.Path)
		if err := errors.Join(Ours(filepath.Dir(folder)), Ours(folder)); err != nil {
			return err
		}
		f, err := os.OpenFile(c.Path, os.O_RDWR|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return err
		}
		s.file = f
		if err := s.lock(); err != nil {
			s.close()
			return err
		}
		st, err := f.Stat()
		if err != nil {
			return err
		}
		if st.Size() != c.length() {
			s.close()
			return fmt.Errorf("%s grew while it was read: open it again", c.Path)
		}
		if c.Damage != nil {
			if aside, err = keepAside(f, c); err != nil {
				s.close()
				return err
			}
		}
		if c.length() > c.Good {
			return f.Truncate(c.Good)
		}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("resume journal: %w", err)
	}
	return s, aside, nil
}

// keepAside copies what follows the last good line into a file beside the journal.
func keepAside(f *os.File, c *Content) (path string, err error) {
	for n := 1; ; n++ {
		path = fmt.Sprintf("%s.damaged-%d", c.Path, n)
		to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, os.ErrExist) && n < 99 {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("keep what is damaged: %w", err)
		}
		_, err = io.Copy(to, io.NewSectionReader(f, c.Good, c.length()-c.Good))
		if err = errors.Join(err, to.Sync(), to.Close(), syncDir(filepath.Dir(path))); err != nil {
			return "", fmt.Errorf("keep what is damaged: %w", err)
		}
		return path, nil
	}
}

// lock takes the file for this process; it is free again when the process ends,
// however it ends.
func (s *sink) lock() error {
	err := syscall.Flock(int(s.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("%s: %w", s.path, ErrLocked)
	}
	return err
}

// Locked says whether a rollbook is writing the journal. It holds the lock for
// the moment of looking when nobody does.
func Locked(path string) bool {
	f, err := open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

func (s *sink) write(lines [][]byte) error {
	return within("write "+s.path, func() error { return s.put(lines) })
}

// put writes all lines at once, so that a crash tears at most the last.
func (s *sink) put(lines [][]byte) error {
	var all []byte
	for _, l := range lines {
		all = append(all, l...)
	}
	if _, err := s.file.Write(all); err != nil {
		return err
	}
	return s.file.Sync()
}

func (s *sink) close() { _ = s.file.Close() }

// abandon leaves a sink whose disk may still hang: closing could hang too.
func (s *sink) abandon() { go s.close() }

// syncDir makes the new names last over a power failure.
func syncDir(dirs ...string) error {
	for _, d := range dirs {
		f, err := os.Open(d)
		if err != nil {
			return err
		}
		err = f.Sync()
		_ = f.Close()
		if err != nil {
			return fmt.Errorf("sync %s: %w", d, err)
		}
	}
	return nil
}

// Len is the number of facts appended so far.
func (w *Writer) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.lines)
}
