package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"rollbook/model"
)

// partPrefix marks a file that is not whole yet.
const partPrefix = ".part-"

// errBound is a file that the folder has no room for.
var errBound = errors.New("over the bound")

// store is the folder of one incident. Gatherings that overlap share it.
type store struct {
	dir   string
	total int64

	mu    sync.Mutex
	m     Manifest
	taken map[string]bool // names that are there, or are being written
	used  int64
}

// openStore makes or takes up a folder. What an earlier run that was killed left
// whole is taken into the manifest, what it left half is removed.
func openStore(dir string, total int64) (*store, error) {
	s := &store{dir: filepath.Join(dir, Folder), total: total, taken: map[string]bool{}}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("no evidence can be kept: %w", err)
	}
	m, err := readManifest(dir)
	if err == nil && m != nil {
		s.m = *m
	}
	for _, f := range s.m.Files {
		s.taken[f.Name] = true
		s.used += f.Bytes
	}
	s.m.Format = 1
	return s, s.adopt()
}

// adopt takes in what is there and not in the manifest. It never follows a link out
// of the folder.
func (s *store) adopt() error {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return fmt.Errorf("the evidence that is there cannot be read: %w", err)
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.Type().IsRegular():
			return err
		case strings.HasPrefix(d.Name(), partPrefix):
			return root.Remove(name)
		case name == ManifestName, name == SumsName, s.taken[name]:
			return nil
		}
		return s.orphan(root, name)
	})
	if err != nil {
		return fmt.Errorf("the evidence that is there cannot be read: %w", err)
	}
	return nil
}

func (s *store) orphan(root *os.Root, name string) error {
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	s.taken[name] = true
	s.used += n
	s.m.Files = append(s.m.Files, File{Name: name, SHA256: hex.EncodeToString(h.Sum(nil)), Bytes: n, At: info.ModTime().UTC(),
		Source: "found in the folder", Note: "its gathering was cut off before it was listed"})
	return nil
}

// reserve gives a name of its own to a file: later ones of the same name are
// numbered.
func (s *store) reserve(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ext := path.Ext(name)
	free := name
	for n := 2; s.taken[free]; n++ {
		free = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext)
	}
	s.taken[free] = true
	return free
}

// room is how many bytes the folder still takes.
func (s *store) room() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(0, s.total-s.used)
}

// part is a file that is being written. It does not embed the file, whose
// ReadFrom and WriteString would go around the checksum.
type part struct {
	f   *os.File
	sum hash.Hash
	n   int64
}

func (s *store) part(name string) (*part, error) {
	dir := filepath.Join(s.dir, filepath.FromSlash(path.Dir(name)))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, partPrefix+"*") // 0600
	if err != nil {
		return nil, err
	}
	return &part{f: f, sum: sha256.New()}, nil
}

// Write also counts and hashes.
func (p *part) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	p.n += int64(n)
	p.sum.Write(b[:n])
	return n, err
}

func (p *part) checksum() string { return hex.EncodeToString(p.sum.Sum(nil)) }

// drop removes what is not wanted after all.
func (p *part) drop() {
	_ = p.f.Close()
	_ = os.Remove(p.f.Name())
}

// keep renames a whole file into its place and lists it. What is listed as
// missing under the same source is missing no longer.
func (s *store) keep(p *part, f File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used+p.n > s.total {
		p.drop()
		return fmt.Errorf("%w of %s in all", errBound, size(s.total))
	}
	if err := p.f.Close(); err != nil {
		p.drop()
		return err
	}
	if err := os.Rename(p.f.Name(), filepath.Join(s.dir, filepath.FromSlash(f.Name))); err != nil {
		p.drop()
		return err
	}
	f.Bytes, f.SHA256 = p.n, p.checksum()
	s.used += p.n
	s.m.Files = append(s.m.Files, f)
	s.m.Missing = slices.DeleteFunc(s.m.Missing, func(m Missing) bool { return m.What == f.Source })
	return nil
}

// has says whether a file of that source is there whose checksum is sum; with
// "" any will do. at is when it was read.
func (s *store) has(source, sum string) (at time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := len(s.m.Files) - 1; n >= 0; n-- {
		if f := s.m.Files[n]; f.Source == source && (sum == "" || f.SHA256 == sum) {
			return f.At, true
		}
	}
	return time.Time{}, false
}

// miss lists what could not be had; the last reason counts.
func (s *store) miss(m Missing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m.Missing = append(slices.DeleteFunc(s.m.Missing, func(o Missing) bool { return o.What == m.What }), m)
}

// about takes over what a request says of the incident. The marks of an earlier
// gathering stay.
func (s *store) about(r Request, from, to time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m.Incident, s.m.Config, s.m.To = r.Incident, r.Config, to
	if s.m.From.IsZero() || from.Before(s.m.From) {
		s.m.From = from
	}
	s.m.Suspects = r.Suspects
	for _, k := range r.Marks {
		s.m.Marks = append(slices.DeleteFunc(slices.Clone(s.m.Marks), func(o Mark) bool { return o.Kind == k.Kind && o.Text == k.Text }), k)
	}
	slices.SortStableFunc(s.m.Marks, func(a, b Mark) int { return a.At.Compare(b.At) })
}

func (s *store) marks() []Mark {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.m.Marks)
}

// save writes the manifest and the checksums, each in one piece.
func (s *store) save() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := json.MarshalIndent(s.m, "", "  ")
	if err != nil {
		return fmt.Errorf("the evidence cannot be listed: %w", err)
	}
	if err := s.write(ManifestName, append(b, '\n')); err != nil {
		return fmt.Errorf("the evidence cannot be listed: %w", err)
	}
	var sums strings.Builder
	for _, f := range s.m.Files {
		fmt.Fprintf(&sums, "%s  %s\n", f.SHA256, f.Name)
	}
	if err := s.write(SumsName, []byte(sums.String())); err != nil {
		return fmt.Errorf("the evidence cannot be listed: %w", err)
	}
	return nil
}

// write replaces one of the two files that are about the others.
func (s *store) write(name string, b []byte) error {
	p, err := s.part(name)
	if err != nil {
		return err
	}
	if _, err := p.Write(b); err != nil {
		p.drop()
		return err
	}
	if err := p.f.Close(); err != nil {
		p.drop()
		return err
	}
	return os.Rename(p.f.Name(), filepath.Join(s.dir, name))
}

// summary is what the engine keeps of it.
func (s *store) summary(m model.Moment, at time.Time) model.Evidence {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := model.Evidence{At: at, Moment: m, Dir: s.dir, Files: len(s.m.Files), Bytes: s.used}
	for _, x := range s.m.Missing {
		if x.Moment == m {
			e.Missing = append(e.Missing, x.What+": "+x.Why)
		}
	}
	return e
}

// size prints bytes as a person says them.
func size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
