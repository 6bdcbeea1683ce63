// Package check turns facts about a cluster into findings: what needs a person, with its reason and its object.
//
// It is pure: it reads nothing and changes nothing. Invariant: a finding says the same thing as long as the fact is the same,
// so that it can be recognised (code and object) and keeps the time at which it was first seen.
package check
