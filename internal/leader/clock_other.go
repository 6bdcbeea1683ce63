//go:build !linux

package leader

import "time"

func sinceBoot() time.Duration { return time.Since(processStart) }
