// Package hosts speaks to the machines of clusters over SSH, switches them on and off, and keeps the status of Host objects.
//
// It knows nothing of Kubernetes' own workings: what is to be done on a machine is decided elsewhere. Invariants: a machine is
// spoken to only if it shows the pinned host key; every call ends, whether the machine answers or not; shell text is built in one
// place (quote.go); no key, password or token gets into a log, an error, the arguments of a process or an object other than a Secret.
package hosts
