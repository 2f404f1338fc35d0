package ways

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"rollbook/model"
	"rollbook/text"
)

// Manager is the field manager of rollbook's own writes.
const Manager = "rollbook"

// AnnBefore keeps on an object what a switch changed in it, as it was before.
const AnnBefore = "rollbook/before"

// Written keeps in a receipt what was written of a plan's objects, as kubectl names them.
type Written struct {
	Done       []string `json:"done"`
	Left       []string `json:"left,omitempty"`
	Stopped    string   `json:"stopped,omitempty"`    // why some are left
	Generation int64    `json:"generation,omitempty"` // of the workload; 0 = unknown
}

// InOrder writes objects one after the other, and stops at the first that fails: with
// nothing written that is its error, and a lost answer is one always; else what was written
// tells which are left.
func InOrder(all []model.Object, write func(n int) error) (got Written, err error) {
	for n, o := range all {
		switch err := write(n); {
		case err == nil:
			got.Done = append(got.Done, o.String())
			continue
		case n == 0:
			return got, err
		case errors.Is(err, model.ErrLost):
			return got, model.Told(model.ErrLost, err, "%s; written before it: %s", err, strings.Join(got.Done, ", "))
		default:
			got.Stopped = text.Line(err.Error())
		}
		for _, left := range all[n:] {
			got.Left = append(got.Left, left.String())
		}
		break
	}
	return got, nil
}

// Looked says whether a plan to a version was written, by its objects; where it was, with a
// receipt that tells what is left. verb says what was done with the objects, and what is
// told where they cannot be read: "whether the page was changed".
func Looked(ctx context.Context, from Objects, all []Changed, at time.Time, to model.Version, verb, what string) (model.Looked, error) {
	out, got, err := Looks(ctx, from, all)
	if err != nil {
		return model.Looked{}, model.Told(nil, err, "%s cannot be seen: %s", what, err)
	}
	if out.State != model.SettledDone {
		return out, nil
	}
	receipt, err := got.Receipt(at, to, verb)
	out.Receipt = &receipt
	return out, err
}

// Receipt returns the receipt of a write to a version. verb says what was done with the
// objects: "changed".
func (w *Written) Receipt(at time.Time, to model.Version, verb string) (model.Receipt, error) {
	said := fmt.Sprintf("%s: %s %s", to, strings.Join(w.Done, ", "), verb)
	if len(w.Left) > 0 {
		said += "; " + w.Stopped + "; left: " + strings.Join(w.Left, ", ")
	}
	raw, err := json.Marshal(w)
	return model.Receipt{At: at, Text: text.Line(said), Detail: raw}, err
}

// Short says where the write stopped; "" when nothing is left.
func (w *Written) Short() string {
	if len(w.Left) == 0 {
		return ""
	}
	return text.Line(fmt.Sprintf("stopped after %s: %s; left: %s", strings.Join(w.Done, ", "), w.Stopped, strings.Join(w.Left, ", ")))
}

// WrittenOf reads back what a receipt keeps; the zero value where it keeps nothing, since
// what was written was found by looking.
func WrittenOf(r *model.Receipt) (Written, error) {
	if len(r.Detail) == 0 {
		return Written{}, nil
	}
	return Detail[Written](r.Detail)
}
