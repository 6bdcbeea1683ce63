// Package consoletest asks every route of a running console as everybody, and compares who is let in with a table that the test
// writes by hand. The wiring's test uses it with all routes of the product, the console's own with those it brings itself.
//
// It is for tests only. Invariant: a route without a row, and a row without a route, fail the test.
package consoletest
