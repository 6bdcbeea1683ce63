package cli

import "golang.org/x/sys/unix"

// hush ends the terminal's echo before a secret is asked for, so that nothing that is typed or pasted early is shown. speak undoes it.
func hush(fd int) (speak func(), err error) {
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	quiet := *before
	quiet.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &quiet); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, before) }, nil // a terminal that is gone needs no echo
}
