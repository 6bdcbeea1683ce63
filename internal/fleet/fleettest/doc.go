// Package fleettest fills a real API with objects as a busy cluster has them, for tests and measurements of what watches it.
//
// The objects are what a kubelet and the controllers would have written; nothing runs. It is for tests only.
package fleettest
