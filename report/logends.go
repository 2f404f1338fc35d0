package report

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rollbook/text"
)

// logEnd holds the lines of one component that the end of a kept log tells.
type logEnd struct {
	component, source string
	lines             []string
}

// logEndMost bounds what is read of a log's end.
const logEndMost = 32 << 10

// failedLog is the log of a pod that failed: of the container before its restart, or one
// that was taken at the opening, as only those of failing pods are.
var failedLog = text.Pattern(`^logs/([^/]+)/[^/]+/[^/]+-(previous-\d+|current)(-opened|-confirm)?(-\d+)?\.log$`)

// stamp is the time that the cluster puts before each line.
var stamp = text.Pattern(`^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d) `)

// readEnds reads the ends of the logs of pods that failed, one for each component: of a
// container that ended before that of one that runs.
func (m *Manifest) readEnds(dir string) {
	root, err := os.OpenRoot(filepath.Join(dir, Folder))
	if err != nil {
		return // the manifest's files are gone: there is nothing to show
	}
	defer root.Close()
	type log struct {
		File
		previous bool // of a container that has ended
		rank     int
	}
	best := map[string]log{}
	for _, f := range m.Files {
		found := failedLog().FindStringSubmatch(f.Name)
		if found == nil || !strings.HasPrefix(f.Source, "log of pod ") {
			continue
		}
		l := log{File: f, previous: strings.HasPrefix(found[2], "previous-"), rank: 1}
		switch {
		case l.previous:
			l.rank = 3
		case found[3] != "":
			l.rank = 2
		}
		if l.rank > best[found[1]].rank {
			best[found[1]] = l
		}
	}
	for _, c := range slices.Sorted(maps.Keys(best)) {
		if lines := endOf(root, best[c].Name, best[c].previous); len(lines) > 0 {
			m.ends = append(m.ends, logEnd{component: c, source: best[c].Source, lines: lines})
		}
	}
}

// endOf returns what the last lines of a log tell of trouble, each sort once and the
// worst first, as the screen tells it of a pod's log; of a container that ended also its
// last words.
func endOf(root *os.Root, name string, ended bool) (out []string) {
	file, err := root.Open(name)
	if err != nil {
		return nil
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil
	} else if at := info.Size() - logEndMost; at > 0 {
		if _, err := file.Seek(at, io.SeekStart); err != nil {
			return nil
		}
	}
	b, err := io.ReadAll(io.LimitReader(file, logEndMost))
	if err != nil {
		return nil
	}
	log := text.Log{Ended: ended}
	for l := range strings.Lines(string(b)) {
		log.Lines = append(log.Lines, stamp().ReplaceAllString(text.Clean(strings.TrimRight(l, "\r\n")), ""))
	}
	all := text.Compare([]text.Log{log}, nil)
	for _, s := range all[:min(len(all), saidMost)] {
		line := s.Text
		if s.Where != "" && !strings.Contains(line, s.Where) {
			line += "  (" + s.Where + ")"
		}
		if s.Count > 1 {
			line += fmt.Sprintf("  ×%d", s.Count)
		}
		out = append(out, line)
	}
	return out
}
