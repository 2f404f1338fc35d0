package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/model"
	"rollbook/sandbox/api"
)

// spoken is what a command wrote, as Exec hands it over.
type spoken struct{ out, errs []string }

func (s *spoken) line(stderr bool, text string) {
	if stderr {
		s.errs = append(s.errs, text)
		return
	}
	s.out = append(s.out, text)
}

// streaming answers exec as an API server does, and runs what it is given.
func streaming(t *testing.T, run func(ctx context.Context, say func(bool, string)) (int, error)) *Client {
	t.Helper()
	return answering(t, func(w http.ResponseWriter, r *http.Request) {
		if err := api.ServeExec(w, r, run); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
}

func TestExecTellsLinesAndTheExitCode(t *testing.T) {
	long := strings.Repeat("x", 70_000) // two lines of it are left, of at most 64 KiB
	c := streaming(t, func(_ context.Context, say func(bool, string)) (int, error) {
		say(false, "one\ntw")
		say(true, "INFO a\r\n")
		say(false, "o\n\nno end")
		say(true, long)
		return 3, nil
	})
	var got spoken
	code, err := c.Exec(t.Context(), "shop", "api-1", "api", []string{"alembic", "current"}, got.line)
	if err != nil || code != 3 {
		t.Fatalf("exit %d: %v", code, err)
	}
	if want := []string{"one", "two", "", "no end"}; !slices.Equal(got.out, want) {
		t.Errorf("out %q, want %q", got.out, want)
	}
	if len(got.errs) < 2 || got.errs[0] != "INFO a" || strings.Join(got.errs[1:], "") != long {
		t.Errorf("%d lines of stderr", len(got.errs))
	}
}

func TestExecAsksForWhatItWasGiven(t *testing.T) {
	var asked string
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked = fmt.Sprint(r.Method, " ", r.URL.Path, " ", r.URL.Query())
		_ = api.ServeExec(w, r, func(context.Context, func(bool, string)) (int, error) { return 0, nil })
	})
	if _, err := c.Exec(t.Context(), "shop", "api-1", "api", []string{"a", "b c"}, (&spoken{}).line); err != nil {
		t.Fatal(err)
	}
	want := "GET /api/v1/namespaces/shop/pods/api-1/exec map[command:[a b c] container:[api] stderr:[true] stdout:[true]]"
	if asked != want {
		t.Errorf("asked\n%s\nwant\n%s", asked, want)
	}
}

// What is known of a command that did not come to an end.
func TestExecThatHasNoEnd(t *testing.T) {
	for name, x := range map[string]struct {
		handle http.HandlerFunc
		kind   error
		says   string
	}{
		"not allowed": {func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, 403, `"reason":"Forbidden","code":403,"message":"pods \"api-1\" is forbidden: you may not"`)
		}, model.ErrRefused, "was not run: forbidden: "},
		"no kubelet": {func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, 500, `"code":500,"message":"error dialing backend: no route"`)
		}, model.ErrRefused, "error dialing backend"},
		"a proxy's no": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(w, "<html>Bad Gateway</html>")
		}, model.ErrLost, "Bad Gateway"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere.invalid/login", http.StatusTemporaryRedirect)
		}, model.ErrLost, "redirect"},
		"no container": {func(w http.ResponseWriter, r *http.Request) {
			_ = api.ServeExec(w, r, func(context.Context, func(bool, string)) (int, error) {
				return 0, errors.New(`container not found ("api")`)
			})
		}, model.ErrRefused, "container not found"},
		"no tool": {func(w http.ResponseWriter, r *http.Request) {
			_ = api.ServeExec(w, r, func(context.Context, func(bool, string)) (int, error) {
				return 0, errors.New(`exec: "alembic": executable file not found in $PATH: unknown`)
			})
		}, model.ErrRefused, "executable file not found"},
		"cut off": {func(w http.ResponseWriter, r *http.Request) {
			_ = api.ServeExec(w, r, func(_ context.Context, say func(bool, string)) (int, error) {
				say(false, "begun\n")
				panic(http.ErrAbortHandler)
			})
		}, model.ErrLost, "the connection was cut"},
		"an error after it began": {func(w http.ResponseWriter, r *http.Request) {
			_ = api.ServeExec(w, r, func(_ context.Context, say func(bool, string)) (int, error) {
				say(false, "begun\n")
				return 0, errors.New("container not found")
			})
		}, model.ErrLost, "is not known"},
		"a page":       {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, model.ErrLost, "does not upgrade"},
		"another kind": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Upgrade", "h2c"); w.WriteHeader(101) }, model.ErrLost, "is not the API server"},
	} {
		t.Run(name, func(t *testing.T) {
			var got spoken
			_, err := answering(t, x.handle).Exec(t.Context(), "shop", "api-1", "", []string{"alembic"}, got.line)
			if !errors.Is(err, x.kind) || !strings.Contains(err.Error(), x.says) || !strings.Contains(err.Error(), "alembic in pod api-1") {
				t.Errorf("%v", err)
			}
		})
	}
}

// KWOK tells an exit code in words.
func TestExecOfKWOK(t *testing.T) {
	c := streaming(t, func(context.Context, func(bool, string)) (int, error) {
		return 0, errors.New("exit status 7")
	})
	if code, err := c.Exec(t.Context(), "shop", "api-1", "", []string{"x"}, (&spoken{}).line); code != 7 || err != nil {
		t.Errorf("exit %d: %v", code, err)
	}
}

func TestExecEndsWithItsContext(t *testing.T) {
	ended := make(chan struct{})
	c := streaming(t, func(ctx context.Context, say func(bool, string)) (int, error) {
		defer close(ended)
		say(false, "begun\n")
		<-ctx.Done()
		return 0, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := c.Exec(ctx, "shop", "api-1", "", []string{"x"}, func(bool, string) { cancel() })
	if !errors.Is(err, model.ErrLost) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the other side was not told")
	}
}

// A server that is overloaded has not begun anything: it is asked again, as it asks.
func TestExecWaitsForAServerThatIsOverloaded(t *testing.T) {
	n := 0
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 1 {
			w.Header().Set("Retry-After", "1")
			refuse(w, 429, `"reason":"TooManyRequests","code":429,"message":"slow down"`)
			return
		}
		_ = api.ServeExec(w, r, func(context.Context, func(bool, string)) (int, error) { return 0, nil })
	})
	if code, err := c.Exec(t.Context(), "shop", "api-1", "", []string{"x"}, (&spoken{}).line); code != 0 || err != nil || n != 2 {
		t.Errorf("exit %d after %d requests: %v", code, n, err)
	}
}

func TestExecOfAReadOnlyClientLeavesNothing(t *testing.T) {
	n := 0
	c := answering(t, func(http.ResponseWriter, *http.Request) { n++ })
	flags := &Flags{}
	flags.ClusterInfo.Server = c.Server()
	c, err := Connect(flags, Options{Version: "test", Now: time.Now, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(t.Context(), "shop", "api-1", "", []string{"x"}, (&spoken{}).line); !errors.Is(err, model.ErrReadOnly) || n != 0 {
		t.Errorf("%d requests: %v", n, err)
	}
}
