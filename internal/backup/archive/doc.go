// Package archive reads tar streams that may be damaged or hostile, and seals and unseals what must stay unreadable with age.
//
// It does not decide what goes into an archive and knows nothing of repositories. Invariant: Extract writes nothing outside the directory
// given to it and never more than the limits allow, whatever the stream holds.
package archive
