package text

import (
	"cmp"
	"slices"
	"strings"
)

// Said is what lines of logs say alike.
type Said struct {
	Text  string // of the newest of them
	Where string // the place in the code that failed: "settings.py:27"; "" = not told
	Level string
	Count int
	// New says that the logs that it was compared with do not say it.
	New bool

	key     string
	last    bool // the last words of a container that has ended
	request bool // a failed request in a server's own list: what fails, not why
}

// Log is the end of one container's log, the oldest line first.
type Log struct {
	Lines []string
	Ended bool // the container has ended: its last line may say why
	Start bool // it begins where the container did
}

// Compare groups what logs say by template, and says what of it the old ones do not
// say: that first, and errors before the rest. What is no error, no warning and nobody's
// last words is told only where it is new, by an old log that has its start: what a new
// pod writes at its own, an old one may have written long ago. Without a line of the
// old, nothing is new.
func Compare(logs, old []Log) []Said {
	before, start := map[string]bool{}, false
	for _, l := range old {
		start = start || l.Start
		for _, e := range entries(l) {
			before[e.key] = true
		}
	}
	var out []Said
	at := map[string]int{}
	for _, l := range logs {
		for _, e := range entries(l) {
			n, known := at[e.key]
			if !known {
				n = len(out)
				at[e.key] = n
				e.New = len(before) > 0 && !before[e.key] && (start || e.weight() > weightNone)
				out = append(out, e)
			}
			s := &out[n]
			s.Count++
			s.Text, s.Where, s.last = e.Text, e.Where, s.last || e.last
		}
	}
	out = slices.DeleteFunc(out, func(s Said) bool { return !s.New && s.weight() < weightWarn })
	slices.SortStableFunc(out, func(a, b Said) int {
		return cmp.Or(cmp.Compare(b.rank(), a.rank()), cmp.Compare(b.Count, a.Count))
	})
	return out
}

// What a line weighs.
const (
	weightNone = iota
	weightWarn
	weightRequest // a failed request of a server's own list
	weightLast
	weightError
	weightPlaced // an error whose place is told
)

func (s *Said) weight() int {
	switch {
	case s.request:
		return weightRequest
	case s.Level == LevelError && s.Where != "":
		return weightPlaced
	case s.Level == LevelError:
		return weightError
	case s.last:
		return weightLast
	case s.Level == LevelWarn:
		return weightWarn
	}
	return weightNone
}

// rank puts new errors before old ones, and these before what is merely new: a start
// writes lines that the end of an old log does not hold any more.
func (s *Said) rank() int {
	rank := 2 * s.weight()
	if s.New {
		rank++
		if s.weight() >= weightWarn {
			rank += 2 * weightPlaced
		}
	}
	return rank
}

// The heads of stack traces, and what belongs to them.
const pythonHead = "Traceback (most recent call last):"

var (
	pythonFrame = Pattern(`^\s*File "([^"]+)", line (\d+)`)
	pythonEnd   = Pattern(`^[A-Za-z_][\w.]*(?::|$)`)
	atFrame     = Pattern(`^\s+(?:at|from) \S`)
	goHead      = Pattern(`^goroutine \d+ \[`)
	goStack     = Pattern(`^(?:goroutine \d+ \[|\[signal |created by |exit status |panic\(|\s+\S|\S+\(.*\)$|\s*$)`)
	rustHead    = Pattern(`panicked at (?:'(.*)', )?(\S+\.rs:\d+)(?::\d+)?:?\s*$`)
	// place is a file with a line: (Payment.java:12), /app/x.js:10:5, /app/main.go:27.
	place  = Pattern(`([\w.$-]+\.[A-Za-z]\w{0,4}):(\d+)(?::\d+)?`)
	causes = "Caused by: "
	// requestPath is the path of a request in a server's own list of them.
	requestPath = Pattern(`(^|[\s"])/\S*`)
	// listedRequest is a failed one of that list: the client's address and how long it took
	// differ with each and say nothing.
	listedRequest = Pattern(`"([A-Z]+ /[^\s?"]*)[^"]*" (5\d\d(?: [A-Z][a-z]+(?: [A-Z][a-z]+)*)?)`)
	// Code that is not the team's own.
	foreign = Pattern(`<frozen|site-packages/|dist-packages/|/lib/python\d|\bjava\.|\bjavax\.|\bjdk\.|\bsun\.|node:|node_modules/|/usr/local/go/src/|/go/pkg/mod/|/rustc/`)
)

// placeIn returns the file and line that a text names, without its folders; "" for none.
func placeIn(s string) string {
	m := place().FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	return m[1] + ":" + m[2]
}

// keyed is how much of a text tells it from others.
const keyed = 400

// entries returns what a log says one after the other: a line each, and a stack trace
// with its error as one.
func entries(l Log) []Said {
	var out []Said
	for i := 0; i < len(l.Lines); {
		line := ParseLogLine(l.Lines[i])
		n := 1
		switch {
		case line.stack != "":
			line.Where = stackPlace(line.stack)
		case strings.Contains(l.Lines[i], pythonHead):
			n = line.python(l.Lines[i:])
		default:
			n = line.trace(l.Lines[i:])
		}
		i += n
		line.Text = strings.TrimSpace(line.Text)
		if line.Text == "" {
			continue
		}
		said := Said{Text: line.Text, Where: line.Where, Level: line.Level, key: line.key()}
		if m := listedRequest().FindStringSubmatch(line.Text); m != nil {
			said.Text, said.request = m[1]+": "+m[2], true
		}
		out = append(out, said)
	}
	if len(out) > 0 && l.Ended {
		out[len(out)-1].last = true
	}
	return out
}

// key is the same for lines that say the same thing: also where a failure stands a
// few lines further down in its file.
func (l *LogLine) key() string {
	file, _, _ := strings.Cut(l.Where, ":")
	key := Template(l.Text[:min(len(l.Text), keyed)])
	if l.Level != LevelError && l.Level != LevelWarn {
		key = requestPath().ReplaceAllString(key, "${1}"+blank) // one that is asked for first says nothing
	}
	return l.Level + " " + key + " " + file
}

// stackPlace returns the place that a trace of several lines in one field tells.
func stackPlace(stack string) string {
	lines := strings.Split(stack, "\n")
	var l LogLine
	for i := range lines {
		if strings.Contains(lines[i], pythonHead) {
			l.python(lines[i:])
			return l.Where
		}
	}
	l.frames(lines)
	return l.Where
}

// python takes a traceback's last line as what is said, and its last frame as where. It
// returns how many lines belong to it.
func (l *LogLine) python(lines []string) int {
	l.Level = LevelError
	var frame []string
	n := 1
	for ; n < len(lines); n++ {
		if m := pythonFrame().FindStringSubmatch(lines[n]); m != nil {
			if frame == nil || !foreign().MatchString(m[1]) || foreign().MatchString(frame[1]) {
				frame = m
			}
			continue
		}
		if strings.TrimSpace(lines[n]) != "" && !strings.HasPrefix(lines[n], " ") {
			break
		}
	}
	if frame != nil {
		l.Where = frame[1][strings.LastIndexByte(frame[1], '/')+1:] + ":" + frame[2]
	}
	if n < len(lines) && pythonEnd().MatchString(lines[n]) {
		l.Text = Line(lines[n])
		return n + 1
	}
	return n
}

// trace takes the lines of a stack trace that follows an error to it, as Java, Node,
// .NET, Ruby, Go and Rust write them.
func (l *LogLine) trace(lines []string) int {
	if m := rustHead().FindStringSubmatch(lines[0]); m != nil {
		l.Level, l.Where = LevelError, placeIn(m[2])
		switch {
		case m[1] != "":
			l.Text = m[1]
		case len(lines) > 1:
			l.Text = lines[1]
			return 2
		}
		return 1
	}
	n := 1
	for n < len(lines) && n < 4 && (strings.TrimSpace(lines[n]) == "" || strings.HasPrefix(lines[n], "[signal ")) {
		n++
	}
	if n < len(lines) && goHead().MatchString(lines[n]) {
		for n < len(lines) && goStack().MatchString(lines[n]) {
			n++
		}
		l.Level = LevelError
		l.frames(lines[1:n])
		return n
	}
	for n = 1; n < len(lines); n++ {
		if cause, is := strings.CutPrefix(strings.TrimSpace(lines[n]), causes); is && n > 1 {
			l.Text, l.Where = cause, ""
			l.frames(lines[n+1:])
			continue
		}
		if !atFrame().MatchString(lines[n]) && !strings.HasPrefix(strings.TrimSpace(lines[n]), "... ") {
			break
		}
	}
	if n > 1 {
		if l.Level == "" || l.Level == LevelInfo {
			l.Level = LevelError
		}
		if l.Where == "" {
			l.frames(lines[1:n])
		}
	}
	return n
}

// frames takes the first place of the team's own code, else the first one.
func (l *LogLine) frames(lines []string) {
	first := ""
	for _, s := range lines {
		if strings.HasPrefix(strings.TrimSpace(s), causes) {
			break
		}
		switch at := placeIn(s); {
		case at == "":
		case !foreign().MatchString(s):
			l.Where = at
			return
		case first == "":
			first = at
		}
	}
	if l.Where == "" {
		l.Where = first
	}
}
