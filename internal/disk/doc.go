// Package disk watches the free space of the data directory, so that operations stop before the store does.
//
// A ballast file keeps some room in reserve; it is given up at the moment in which the disk is called full, so that what is
// in progress can be written to its end, and taken again when there is room. What is not done while the disk is full is the
// business of those who ask Full. Invariant: the state goes back from full only with the ballast in place and a tenth of the
// threshold to spare, so it does not flap.
package disk
