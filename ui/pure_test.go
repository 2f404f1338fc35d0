package ui

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
)

// state writes down all that can be reached from a value, also what is not
// exported, so that two of them can be compared.
func state(v any) string {
	d := &dumper{seen: map[any]bool{}}
	d.write(reflect.ValueOf(v))
	return d.String()
}

type dumper struct {
	strings.Builder
	seen map[any]bool
}

func (d *dumper) write(v reflect.Value) {
	switch v.Kind() {
	case reflect.Invalid:
		d.WriteString("nil")
	case reflect.Pointer:
		if v.IsNil() {
			d.WriteString("nil")
			return
		}
		fmt.Fprintf(d, "&%x ", v.Pointer())
		if at := [2]any{v.Pointer(), v.Type()}; !d.seen[at] {
			d.seen[at] = true
			d.write(v.Elem())
		}
	case reflect.Interface:
		if !v.IsNil() {
			d.WriteString(v.Elem().Type().String())
		}
		d.write(v.Elem())
	case reflect.Struct:
		for n := range v.NumField() {
			fmt.Fprintf(d, "%s:", v.Type().Field(n).Name)
			d.write(v.Field(n))
			d.WriteByte('\n')
		}
	case reflect.Slice, reflect.Array:
		fmt.Fprintf(d, "[%d ", v.Len())
		for n := range v.Len() {
			d.write(v.Index(n))
			d.WriteByte(',')
		}
		d.WriteByte(']')
	case reflect.Map:
		byName := map[string]reflect.Value{}
		for k, e := range v.Seq2() {
			one := &dumper{seen: map[any]bool{}} // what was written once is not written again
			one.write(k)
			byName[one.String()] = e
		}
		fmt.Fprintf(d, "%d ", v.Len())
		for _, k := range slices.Sorted(maps.Keys(byName)) {
			d.WriteString(k + "=")
			d.write(byName[k])
			d.WriteByte('\n')
		}
	case reflect.String:
		fmt.Fprintf(d, "%q", v.String())
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		fmt.Fprintf(d, "%x", v.Pointer())
	case reflect.Bool:
		fmt.Fprint(d, v.Bool())
	case reflect.Float32, reflect.Float64:
		fmt.Fprint(d, v.Float())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		fmt.Fprint(d, v.Int())
	default:
		fmt.Fprint(d, v.Uint())
	}
}

// differs returns the first line in which two states differ.
func differs(a, b string) string {
	one, other := strings.Split(a, "\n"), strings.Split(b, "\n")
	for n := range min(len(one), len(other)) {
		if one[n] != other[n] {
			return fmt.Sprintf("%.200s became %.200s", one[n], other[n])
		}
	}
	return fmt.Sprintf("%d lines became %d", len(one), len(other))
}

// Drawing changes nothing, whatever is drawn, however often, at whatever size:
// not the page, not an overlay, not what they share.
func TestViewChangesNothing(t *testing.T) {
	apps := map[string]*App{}
	for _, f := range fixtures() {
		apps[f.name] = screen(t, f, 80, 24, dark)
	}
	facts := story()
	for s := incident.Assess; s <= incident.Close; s++ {
		a, r := replayApp(t, facts)
		reach(a, r, s, 0)
		apps["replay of "+s.Name()] = a
	}
	for _, k := range []string{"H", "?"} {
		a := practised(t, filled(), dark, nil)
		pressed(a, k)
		apps["sandbox, "+k] = a
	}
	for name, a := range apps {
		t.Run(name, func(t *testing.T) {
			w, h := a.w, a.h
			before := state(a)
			frame := a.Frame()
			for _, size := range [][2]int{{w, h}, {120, 40}, {60, 16}, {20, 5}, {200, 50}, {91, 19}} {
				a.w, a.h = size[0], size[1]
				a.View()
				a.View()
			}
			a.w, a.h = w, h
			if again := a.Frame(); again != frame {
				t.Errorf("the second frame is another one:\n%s\nwas\n%s", again, frame)
			}
			if after := state(a); after != before {
				t.Errorf("drawing changed something: %s", differs(before, after))
			}
		})
	}
}

// The sandbox's opening screen too.
func TestPickerViewChangesNothing(t *testing.T) {
	p := newPicker(t.Context(), Options{Look: &dark, Width: 80, Height: 24}, slices.Repeat(incidents, 9), nil)
	for range 20 {
		p.Update(keyOf("down"))
	}
	before := state(p)
	for _, size := range [][2]int{{80, 24}, {40, 12}, {10, 3}, {80, 24}} {
		p.w, p.h = size[0], size[1]
		p.View()
	}
	if after := state(p); after != before {
		t.Errorf("drawing changed something: %s", differs(before, after))
	}
}

// A list moves only when what is marked would leave it, in both directions.
func TestListMovesAsLittleAsItCan(t *testing.T) {
	a := screen(t, fixture{name: "thousand", snap: thousand()}, 80, 24, dark)
	page := a.pages[incident.Assess].(*assess)
	for range 20 {
		pressed(a, "down")
	}
	bottom := page.top
	if bottom == 0 {
		t.Fatal("the list does not move")
	}
	pressed(a, "up")
	if page.top != bottom {
		t.Errorf("one up: the list begins at %d, and began at %d", page.top, bottom)
	}
	pressed(a, "home")
	if page.top != 0 {
		t.Errorf("home: the list begins at %d", page.top)
	}
}

// The end of the timeline begins with an entry, whatever room it has, and has the newest
// in it.
func TestLatelyBeginsWithAnEntry(t *testing.T) {
	for _, snap := range []func() *incident.Snapshot{opened, rolling, verified, closingOf} {
		a := New(Options{Engine: still{t, snap()}, Look: &dark, Width: 120, Height: 40})
		for w := 24; w <= 90; w += 6 {
			for h := 3; h <= 40; h++ {
				lines := a.lately(w, h)
				if len(lines) > h || len(lines) < 2 {
					t.Fatalf("%d×%d: %d lines", w, h, len(lines))
				}
				if first := strings.TrimSpace(ansi.Strip(lines[1])); len(first) < 8 || first[2] != ':' || first[5] != ':' {
					t.Errorf("%d×%d begins with %q", w, h, first)
				}
				all := a.inc().Timeline
				if at := all[len(all)-1].At.UTC().Format("15:04:05"); !strings.Contains(ansi.Strip(strings.Join(lines, "\n")), at) {
					t.Errorf("%d×%d lacks the newest", w, h)
				}
			}
		}
	}
}
