package fleet

import (
	"errors"
	"time"
)

// DefaultEvictionsPerSecond is the rate of evictions and deletions of a cluster that sets no limit of its own.
const DefaultEvictionsPerSecond = 100

// Configuration of the fleet; the zero value of a field means its default.
type Configuration struct {
	// Heartbeat is the pause between two questions to an API server whether it is there; 5 s by default.
	Heartbeat time.Duration
	// HeartbeatTimeout is how long it may take to answer; 4 s by default.
	HeartbeatTimeout time.Duration
	// QPS and Burst limit the requests to one cluster, watches excepted; 300 and 600 by default.
	QPS   float32
	Burst int
	// UserAgent names Kanrin in the clusters' audit logs; "kanrin" by default.
	UserAgent string
	// StatusInterval is the shortest pause between two writes of a cluster's status; 2 s by default.
	StatusInterval time.Duration
	// Embedded says that the management API is this process's own: nobody else registers clusters in it, and it has no
	// controllers that would finish the deletion of a namespace.
	Embedded bool
}

// withDefaults returns the configuration with its gaps filled.
func (c Configuration) withDefaults() Configuration {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&c.Heartbeat, 5*time.Second)
	set(&c.HeartbeatTimeout, 4*time.Second)
	set(&c.StatusInterval, 2*time.Second)
	if c.QPS == 0 {
		c.QPS = 300
	}
	if c.Burst == 0 {
		c.Burst = 600
	}
	if c.UserAgent == "" {
		c.UserAgent = "kanrin"
	}
	return c
}

// Validate says what is wrong with the configuration.
func (c Configuration) Validate() error {
	if c.Heartbeat < 0 || c.HeartbeatTimeout < 0 || c.StatusInterval < 0 {
		return errors.New("the fleet's intervals cannot be negative")
	}
	if c.QPS < 0 || c.Burst < 0 {
		return errors.New("the fleet's request limits cannot be negative")
	}
	return nil
}
