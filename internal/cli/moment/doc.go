// Package moment finds the backup set that a person means by a name, the beginning of a name, "latest", or a time.
//
// It makes no calls and reads no clock: sets, text and the present go in, a set comes out. Invariant: a time never means a set that is
// younger than it, so that "yesterday" shows nothing of today.
package moment
