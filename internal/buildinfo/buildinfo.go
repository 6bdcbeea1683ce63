// Package buildinfo says which version of Kanrin this program is.
//
// Invariant: it never fails; a program that was built without saying is "dev".
package buildinfo

import (
	"runtime/debug"
	"strings"
)

// version is set at build time: -ldflags "-X kanrin.dev/kanrin/internal/buildinfo.version=v0.1.0".
var version string

// Version is such as v0.1.0, or dev-1a2b3c4d when it was built from a work tree.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	if v := info.Main.Version; strings.HasPrefix(v, "v") && !strings.HasPrefix(v, "v0.0.0-") {
		return v // installed as a module
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 8 {
			return "dev-" + s.Value[:8]
		}
	}
	return "dev"
}
