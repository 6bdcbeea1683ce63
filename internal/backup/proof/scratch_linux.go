package proof

import (
	"bufio"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

type room struct {
	memory bool  // a tmpfs or ramfs
	free   int64 // bytes that may be written
}

// filesystem looks at where a directory lies. What is in memory has no more room than the machine has memory.
func filesystem(dir string) (room, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return room{}, fmt.Errorf("looking at the file system of %s: %w", dir, err)
	}
	r := room{
		memory: uint32(st.Type) == unix.TMPFS_MAGIC || uint32(st.Type) == unix.RAMFS_MAGIC,
		free:   int64(min(st.Bavail*uint64(st.Bsize), math.MaxInt64)),
	}
	if !r.memory {
		return r, nil
	}
	if st.Blocks == 0 { // no limit of its own
		r.free = math.MaxInt64
	}
	if available, ok := availableMemory(); ok {
		r.free = min(r.free, available)
	}
	return r, nil
}

func availableMemory() (int64, bool) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib int64
		if _, err := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kib); err == nil {
			return kib << 10, true
		}
	}
	return 0, false
}
