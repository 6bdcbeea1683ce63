package e2e

import (
	"os"
	"syscall"
)

// maxRSS is the peak resident memory of a process that has ended, in bytes.
func maxRSS(p *os.ProcessState) int64 {
	return p.SysUsage().(*syscall.Rusage).Maxrss * 1024
}
