//go:build !linux

package controlplane

import (
	"errors"
	"syscall"
)

func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// birth cannot be told here, so leftovers of a killed Kanrin are not recognised.
func birth(int) (string, error) { return "", errors.ErrUnsupported }
