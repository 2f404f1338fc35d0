package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"rollbook/engine"
	"rollbook/incident"
	"rollbook/model"
	reporting "rollbook/report"
	"rollbook/text"
)

// The exit codes of an unattended drill beside success and what every command has: those
// of rollbook status that mean the like.
const (
	exitMissed = 10 // not within the target
	exitOwed   = 15 // something is still broken
)

// giveUpGrace is how long a drill that was given up has for putting back what it broke.
const giveUpGrace = 5 * time.Minute

// unattended holds the flags of a drill without a screen.
type unattended struct {
	on          bool
	giveUp      time.Duration
	junit, json string // files; "" = not written
}

// check says what is wrong with the flags.
func (u *unattended) check() error {
	switch {
	case !u.on && (u.junit != "" || u.json != ""):
		return usagef("--junit and --json are for --unattended")
	case u.on && u.giveUp <= 0:
		return usagef("--give-up %s: it needs some time", u.giveUp)
	}
	return nil
}

// hold holds the drill without a person: it says on out what happens, writes the files that
// are asked for, and returns the exit code as an error. When given ends, the drill is given
// up: what it broke is put back, for which ctx has to last.
func (u *unattended) hold(ctx, given context.Context, f *flags, out io.Writer, args []string) error {
	work, stop := context.WithCancel(ctx)
	defer stop()
	cfg, err := loadConfig(f)
	if err != nil {
		return err
	}
	quiet, err := f.stage.quiet()
	if err != nil {
		return err
	}
	defer quiet.restore()
	masked(cfg)
	c, err := f.reach(quiet, f.readOnly)
	if err != nil {
		return err
	}
	made, prom, err := worked(f, cfg, c, args)
	if err != nil {
		return err
	}
	if f.stage.practice != nil {
		made.Journals = []string{f.stage.practice.journals}
	}
	if why := cmp.Or(made.Settings.Drill.Refused, readOnlyDrill(f.readOnly)); why != "" {
		return errors.New("no drill here: " + why)
	}
	e := engine.New(closing(made, cfg, c, prom))
	ended := make(chan error, 1)
	go func() {
		err := guarded(func() error { return e.Run(work) })
		stop()
		ended <- err
	}()
	for _, beside := range []func(){
		func() { prom.search(work, c) },
		func() { adopt(work, f, args, cfg, c, prom, e) },
	} {
		go func() { _ = guarded(func() error { beside(); return nil }) }()
	}
	a := &aloneDrill{out: out, given: given, began: time.Now(), after: u.giveUp}
	err = e.Drive(work, a.next)
	stop()
	if crash := <-ended; crash != nil {
		err = crash
	}
	if err != nil {
		return fmt.Errorf("the drill: %w", err)
	}
	s := e.Snapshot()
	a.tell(s)
	return errors.Join(u.write(f, s), a.outcome(s))
}

func readOnlyDrill(on bool) string {
	if on {
		return "read-only: nothing may be broken; start again without --read-only"
	}
	return ""
}

// aloneDrill is a drill that runs without a screen.
type aloneDrill struct {
	out    io.Writer
	given  context.Context // ends when the drill is to be given up
	began  time.Time
	after  time.Duration // since began, when it is given up
	over   string        // why it was; "" = it goes on
	overAt time.Time
	told   int       // entries of the timeline
	waits  string    // what was said last that it waits for
	waited time.Time // when
}

// waitsEvery is how often it says at most what it waits for.
const waitsEvery = 10 * time.Second

// next returns what comes next, and says meanwhile what happens.
func (a *aloneDrill) next(s *incident.Snapshot) (incident.Act, bool) {
	a.tell(s)
	switch {
	case a.over != "":
	case a.given.Err() != nil:
		a.over = "it was stopped from outside"
	case time.Since(a.began) > a.after:
		a.over = "it was not at its end within " + model.Short(a.after)
	}
	if a.over != "" && a.overAt.IsZero() {
		a.overAt = time.Now()
		a.say("given up: " + a.over)
	}
	if !a.overAt.IsZero() && time.Since(a.overAt) > giveUpGrace {
		return nil, true
	}
	return incident.Unattended(s, a.over)
}

// tell prints what is new of the timeline, and what it waits for.
func (a *aloneDrill) tell(s *incident.Snapshot) {
	for ; a.told < len(s.Incident.Timeline); a.told++ {
		e := s.Incident.Timeline[a.told]
		a.line(e.At, e.Text)
	}
	if w := incident.UnattendedWaits(s); w != "" && w != a.waits && time.Since(a.waited) >= waitsEvery {
		a.waits, a.waited = w, time.Now()
		a.say("waiting: " + w)
	}
}

func (a *aloneDrill) say(words string) { a.line(time.Now(), words) }

func (a *aloneDrill) line(at time.Time, words string) {
	fmt.Fprintf(a.out, "%s  %s\n", at.UTC().Format("15:04:05Z"), text.Line(words))
}

// outcome says what the drill came to, and returns the exit code for it.
func (a *aloneDrill) outcome(s *incident.Snapshot) error {
	i := &s.Incident
	if owed := s.Owed(); len(owed) > 0 {
		for _, o := range owed {
			fmt.Fprintf(a.out, "OWED  %s. Put it back: rollbook, then P\n", text.Line(o.What))
		}
		return exitCode(exitOwed)
	}
	r := i.Rehearsed()
	if r == nil {
		why := ""
		if p := i.Procedure(incident.CourseDrill); p != nil {
			why = p.Step(incident.StepBreak).Reason
		}
		return fmt.Errorf("no drill was held: %s", cmp.Or(why, a.over, incident.DrillBlocked(s), "nothing was broken"))
	}
	fmt.Fprintln(a.out, text.Line(r.Words()))
	if why := i.DrillMissed(); why != "" {
		fmt.Fprintln(a.out, "Missed: "+text.Line(why))
		return exitCode(exitMissed)
	}
	return nil
}

// write writes the files that are asked for.
func (u *unattended) write(f *flags, s *incident.Snapshot) error {
	var errs []error
	put := func(to string, raw []byte, err error) {
		if err == nil {
			err = os.WriteFile(to, raw, 0o600)
		}
		errs = append(errs, err)
	}
	if u.junit != "" {
		raw, err := reporting.JUnit(&s.Incident)
		put(u.junit, raw, err)
	}
	if u.json != "" && s.Incident.ID != "" {
		b, _, err := namedBook(f, s.Incident.ID, io.Discard)
		var raw []byte
		if err == nil {
			raw, err = reporting.JSON(reportOf(b, func(string) {}))
		}
		put(u.json, raw, err)
	}
	return errors.Join(errs...)
}
