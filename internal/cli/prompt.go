package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"

	"kanrin.dev/kanrin/internal/lang"
)

// maxAnswer bounds a typed line.
const maxAnswer = 4096

// ErrNoTerminal is returned by questions that nobody is there to answer.
var ErrNoTerminal = errors.New("no terminal to ask on")

// Prompter asks the person at the terminal.
type Prompter struct {
	streams *Streams
	lang    lang.Lang
	reader  *bufio.Reader
	noInput bool
}

// NewPrompter returns a prompter that asks on s; with noInput it never asks.
func NewPrompter(s *Streams, l lang.Lang, noInput bool) *Prompter {
	return &Prompter{streams: s, lang: l, reader: bufio.NewReader(s.In), noInput: noInput}
}

// Interactive reports whether a question can be asked: somebody reads stderr and types on stdin.
func (p *Prompter) Interactive() bool {
	return !p.noInput && p.streams.InTerminal && p.streams.ErrTerminal
}

// Confirm asks a yes-or-no question; anything but a yes is a no, the end of the input too.
func (p *Prompter) Confirm(ctx context.Context, question string) (bool, error) {
	answer, err := p.Line(ctx, question+" [y/N] ")
	if err != nil {
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		return false, err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes", "はい":
		return true, nil
	}
	return false, nil
}

// Typed asks for a name to be typed, and reports whether it was.
func (p *Prompter) Typed(ctx context.Context, question, name string) (bool, error) {
	answer, err := p.Line(ctx, question+" ")
	if err != nil {
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		return false, err
	}
	return strings.TrimSpace(answer) == name, nil
}

// Line asks for one line of text.
func (p *Prompter) Line(ctx context.Context, prompt string) (string, error) {
	if !p.Interactive() {
		return "", ErrNoTerminal
	}
	fmt.Fprint(p.streams.Err, prompt)
	return p.wait(ctx, func() (string, error) {
		line, err := p.reader.ReadString('\n')
		if err != nil && line == "" {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	})
}

// Password asks for a secret without showing what is typed.
func (p *Prompter) Password(ctx context.Context, prompt string) (string, error) {
	if !p.Interactive() || p.streams.inFile == nil {
		return "", ErrNoTerminal
	}
	fd := int(p.streams.inFile.Fd())
	speak, err := hush(fd)
	if err != nil {
		return "", fmt.Errorf("ending the terminal's echo: %w", err)
	}
	defer speak() // whatever breaks off the question
	fmt.Fprint(p.streams.Err, prompt)
	secret, err := p.wait(ctx, func() (string, error) {
		b, err := term.ReadPassword(fd)
		return string(b), err
	})
	if err == nil {
		fmt.Fprintln(p.streams.Err) // the line end that was typed was not echoed
	}
	return secret, err
}

// wait runs a read of the terminal until ctx ends. A read of a terminal cannot be interrupted: when ctx ends first, the goroutine ends
// with the next key or with the process, which is about to exit.
func (p *Prompter) wait(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(p.streams.Err) // the cursor stands behind the question
		return "", ctx.Err()
	case r := <-done:
		if len(r.text) > maxAnswer {
			return "", fmt.Errorf("an answer of %d characters is too long", len(r.text))
		}
		return r.text, r.err
	}
}
