//go:build !linux

package cli

import "golang.org/x/term"

// hush remembers the terminal's state; the echo ends when the secret is read, a moment after the question.
func hush(fd int) (speak func(), err error) {
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	return func() { _ = term.Restore(fd, before) }, nil // a terminal that is gone needs no echo
}
