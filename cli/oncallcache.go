package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rollbook/engine/journal"
	"rollbook/model"
)

// onCallOld is how long an answer about who is on call is kept at all.
const onCallOld = 30 * 24 * time.Hour

// onCallCache keeps who was on call, by source, in a file that only its owner
// may read: there are names and numbers in it.
type onCallCache struct {
	path  string // "" = nothing is kept
	scope string // of the keys: the configuration's hash

	mu sync.Mutex
}

type onCallEntry struct {
	At     time.Time      `json:"at"`
	People []model.OnCall `json:"people"`
}

// newOnCallCache is the cache of a configuration, in the user's cache folder.
func newOnCallCache(hash string) *onCallCache {
	dir, err := os.UserCacheDir()
	if err != nil {
		return &onCallCache{}
	}
	return &onCallCache{path: filepath.Join(dir, "rollbook", "oncall.json"), scope: hash}
}

func (c *onCallCache) key(source string) string { return c.scope + " " + source }

// get is what a source said last, and when; nil when that is not known. A file
// that cannot be read is as none.
func (c *onCallCache) get(source string) ([]model.OnCall, time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all, err := c.read()
	if err != nil {
		return nil, time.Time{}
	}
	e := all[c.key(source)]
	return e.People, e.At
}

func (c *onCallCache) put(source string, at time.Time, people []model.OnCall) error {
	if c.path == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	all, err := c.read()
	if err != nil {
		all = map[string]onCallEntry{} // a file that is broken is begun anew
	}
	for k, e := range all {
		if at.Sub(e.At) > onCallOld {
			delete(all, k)
		}
	}
	all[c.key(source)] = onCallEntry{At: at, People: people}
	if err := c.write(all); err != nil {
		return fmt.Errorf("who is on call was not kept for later: %w", err)
	}
	return nil
}

func (c *onCallCache) read() (map[string]onCallEntry, error) {
	all := map[string]onCallEntry{}
	if err := journal.Ours(filepath.Dir(c.path)); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(c.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return all, nil
	case err != nil:
		return nil, err
	}
	return all, json.Unmarshal(raw, &all)
}

// write replaces the file as a whole: two rollbooks may run.
func (c *onCallCache) write(all map[string]onCallEntry) error {
	raw, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(c.path), 0o700); err != nil {
		return err
	}
	if err := journal.Ours(filepath.Dir(c.path)); err != nil {
		return err
	}
	return replaceFile(c.path, raw)
}
