package nodes

import (
	"fmt"
	"strconv"
	"strings"
)

// version is the part of a Kubernetes version that the skew policy looks at.
type version struct{ major, minor int }

// parseVersion reads v1.36.3, 1.36.3-1.1 (of a package) and the like; false when it is none.
func parseVersion(s string) (version, bool) {
	parts := strings.SplitN(strings.TrimPrefix(s, "v"), ".", 3)
	if len(parts) < 2 {
		return version{}, false
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(strings.TrimRight(parts[1], "+"))
	return version{major, minor}, err1 == nil && err2 == nil && major > 0 && minor >= 0
}

func (v version) String() string { return fmt.Sprintf("v%d.%d", v.major, v.minor) }

// behind is how many minor versions v is behind w; negative when it is newer. Other majors are far away.
func (v version) behind(w version) int {
	if v.major != w.major {
		return 1000 * (w.major - v.major)
	}
	return w.minor - v.minor
}
