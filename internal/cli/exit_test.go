package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"kanrin.dev/kanrin/internal/lang"
)

// TestCodes pins the table that scripts rely on.
func TestCodes(t *testing.T) {
	want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 130}
	for i, c := range Codes {
		if int(c) != want[i] {
			t.Errorf("code %d is %d", want[i], c)
		}
		key := fmt.Sprintf("cli.exit.%d", c)
		if !lang.English.Has(key) || !lang.Japanese.Has(key) {
			t.Errorf("%s has no text", key)
		}
	}
	for _, tc := range []struct {
		err  error
		want Code
	}{
		{nil, Done},
		{errors.New("x"), Failed},
		{&Error{Code: Blocked}, Blocked},
		{fmt.Errorf("more: %w", &Error{Code: Locked}), Locked},
		{Exit(Partly), Partly},
		{fmt.Errorf("more: %w", Exit(Refused)), Refused},
		{context.Canceled, Interrupted},
		{fmt.Errorf("reading: %w", context.Canceled), Interrupted},
		{context.DeadlineExceeded, Failed},
	} {
		if got := CodeOf(tc.err); got != tc.want {
			t.Errorf("CodeOf(%v) = %d, want %d", tc.err, got, tc.want)
		}
	}
	if Exit(Done) != nil {
		t.Error("an exit with 0 is no error")
	}
}

func TestPrintError(t *testing.T) {
	e := &Error{Code: NotFound, What: "cannot drain w99", Why: "there is no such node", Next: "kanrin get nodes lists them", Cause: fmt.Errorf("reading: %w", errors.New("404"))}
	for _, tc := range []struct {
		name    string
		err     error
		l       lang.Lang
		verbose bool
		want    string
	}{
		{"three lines", e, lang.English, false, "error: cannot drain w99\n  why:  there is no such node\n  next: kanrin get nodes lists them\n"},
		{"the chain", e, lang.English, true, "error: cannot drain w99\n  why:  there is no such node\n  next: kanrin get nodes lists them\n  from: reading: 404\n  from: 404\n"},
		{"Japanese", &Error{What: "x", Why: "y"}, lang.Japanese, false, "エラー: x\n  理由: y\n"},
		{"any error", errors.New("x"), lang.English, false, "error: x\n"},
		{"said already", Exit(Blocked), lang.English, true, ""},
		{"nothing", nil, lang.English, true, ""},
		{"broken off", context.Canceled, lang.English, false, "Broken off.\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b strings.Builder
			PrintError(&b, tc.l, tc.err, tc.verbose)
			if b.String() != tc.want {
				t.Errorf("printed\n%s\nwant\n%s", b.String(), tc.want)
			}
		})
	}
}

func TestPrompterAsksNobody(t *testing.T) {
	s := &Streams{In: strings.NewReader("y\n"), Out: &strings.Builder{}, Err: &strings.Builder{}}
	for _, p := range []*Prompter{NewPrompter(s, lang.English, false), NewPrompter(&Streams{In: s.In, Err: s.Err, InTerminal: true, ErrTerminal: true}, lang.English, true)} {
		if p.Interactive() {
			t.Error("there is nobody to ask")
		}
		if _, err := p.Confirm(t.Context(), "Run?"); !errors.Is(err, ErrNoTerminal) {
			t.Errorf("Confirm: %v", err)
		}
		if _, err := p.Password(t.Context(), "Password:"); !errors.Is(err, ErrNoTerminal) {
			t.Errorf("Password: %v", err)
		}
	}
}

func TestPrompter(t *testing.T) {
	ask := func(typed string) (*Prompter, *strings.Builder) {
		var talk strings.Builder
		s := &Streams{In: strings.NewReader(typed), Out: &strings.Builder{}, Err: &talk, InTerminal: true, ErrTerminal: true}
		return NewPrompter(s, lang.English, false), &talk
	}
	for typed, want := range map[string]bool{"y\n": true, "Y\r\n": true, "yes\n": true, "はい\n": true, "n\n": false, "\n": false, "": false, "yep\n": false, "y": true} {
		p, talk := ask(typed)
		if got, err := p.Confirm(t.Context(), "Run?"); err != nil || got != want {
			t.Errorf("%q: %v, %v", typed, got, err)
		}
		if talk.String() != "Run? [y/N] " {
			t.Errorf("asked %q", talk.String())
		}
	}
	for typed, want := range map[string]bool{"shop/web\n": true, " shop/web \n": true, "web\n": false, "": false} {
		p, _ := ask(typed)
		if got, err := p.Typed(t.Context(), "Name:", "shop/web"); err != nil || got != want {
			t.Errorf("%q: %v, %v", typed, got, err)
		}
	}
	p, _ := ask(strings.Repeat("x", maxAnswer+1) + "\n")
	if _, err := p.Line(t.Context(), "?"); err == nil {
		t.Error("an answer without end was taken")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	blocked := &Prompter{streams: &Streams{Err: &strings.Builder{}}, lang: lang.English}
	hold := make(chan struct{})
	defer close(hold)
	if _, err := blocked.wait(ctx, func() (string, error) { <-hold; return "", nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Ctrl-C while a question waits: %v", err)
	}
}
