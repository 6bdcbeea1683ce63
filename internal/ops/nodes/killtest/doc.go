// Package killtest holds no code: its tests kill Kanrin while it removes a node whose machine is gone, against a real API server. What needs
// real machines is tested on the lab (test/e2e).
package killtest
