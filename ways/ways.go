// Package ways holds what the ways back have in common. Each of them is a folder here, and
// takes what it needs of a cluster or a service from outside.
package ways

import (
	"encoding/json"
	"fmt"
	"sync"

	"rollbook/model"
)

// Line returns a line of a preflight or of the doctor. do says what to do about it; "" =
// nothing.
func Line(id string, state model.CheckState, do, format string, args ...any) model.Check {
	return model.Check{ID: id, State: state, Text: fmt.Sprintf(format, args...), Do: do}
}

// Hard returns the line as one that blocks, and that no override lifts.
func Hard(c model.Check) model.Check {
	c.State, c.Hard = model.CheckBlocked, true
	return c
}

// Detail reads back what a way keeps for itself in a plan or a receipt. Its error is of the
// kind model.ErrRefused: nothing is written by a plan that cannot be read.
func Detail[T any](raw json.RawMessage) (out T, err error) {
	if err := json.Unmarshal(raw, &out); err != nil {
		return out, model.Told(model.ErrRefused, err, "the plan cannot be read: %s", err)
	}
	return out, nil
}

// Several runs functions at the same time, and returns when all have ended.
func Several(fs ...func()) {
	var wg sync.WaitGroup
	for _, f := range fs {
		wg.Go(f)
	}
	wg.Wait()
}

// ShortCommit returns the first eight characters of a commit, as people write it.
func ShortCommit(sha string) string { return sha[:min(len(sha), 8)] }
