package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// The names in an incident's folder.
const (
	Folder       = "evidence"
	ManifestName = "MANIFEST.json"
	SumsName     = "SHA256SUMS" // for sha256sum -c
)

// Manifest says what is in a folder of evidence, and what is not.
type Manifest struct {
	Format   int                `json:"format"` // 1
	Incident string             `json:"incident"`
	From     time.Time          `json:"from"` // the window that logs and figures are of
	To       time.Time          `json:"to"`
	Config   Config             `json:"config"`
	Suspects []incident.Suspect `json:"suspects,omitempty"` // as they stand in the journal
	Marks    []Mark             `json:"marks,omitempty"`
	Files    []File             `json:"files"`
	Missing  []Missing          `json:"missing,omitempty"`

	ends    []logEnd                  // what the pods that failed said last
	figures map[string][]model.Series // the window of each figure, as its picture shows it
}

// File is one file of evidence.
type File struct {
	Name   string       `json:"name"` // with slashes, in the folder
	SHA256 string       `json:"sha256"`
	Bytes  int64        `json:"bytes"`
	Source string       `json:"source"` // "log of pod api-1-x, container api, previous"
	At     time.Time    `json:"at"`     // when it was read
	Moment model.Moment `json:"moment"`
	Note   string       `json:"note,omitempty"` // what is cut
}

// Missing is something that could not be had.
type Missing struct {
	What   string       `json:"what"`
	Why    string       `json:"why"`
	At     time.Time    `json:"at"`
	Moment model.Moment `json:"moment"`
}

// ReadManifest reads the manifest in an incident's folder, the ends of the logs of pods
// that failed, and the figures; nil when there is no evidence.
func ReadManifest(dir string) (*Manifest, error) {
	m, err := readManifest(dir)
	if m != nil {
		m.readEnds(dir)
		m.figures = readFigures(dir, m)
	}
	return m, err
}

func readManifest(dir string) (*Manifest, error) {
	path := filepath.Join(dir, Folder, ManifestName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	defer f.Close()
	v := new(Manifest)
	if err := json.NewDecoder(io.LimitReader(f, jsonMost)).Decode(v); err != nil {
		return nil, fmt.Errorf("read evidence %s: %w", path, err)
	}
	return v, nil
}

// impactSource is what the manifest calls it.
const impactSource = "impact, from Prometheus"

// jsonMost bounds what is read of a file that anybody may have changed.
const jsonMost = 16 << 20
