package archive

import "fmt"

// Reason says why an archive is refused.
type Reason string

// The reasons.
const (
	Damaged       Reason = "Damaged"       // not a tar stream, or cut off
	PathEscapes   Reason = "PathEscapes"   // a name that leads out of the directory
	LinkEscapes   Reason = "LinkEscapes"   // a link that leads out of the directory
	LinkMissing   Reason = "LinkMissing"   // a hard link to what the archive does not hold before it
	ThroughLink   Reason = "ThroughLink"   // a name below a link or a file
	BadType       Reason = "BadType"       // a device, a pipe or another thing that no backup holds
	Duplicate     Reason = "Duplicate"     // the same name twice, or a name that exists already
	BadName       Reason = "BadName"       // empty, too long, or with a character no name may have
	TooLarge      Reason = "TooLarge"      // more bytes than allowed
	TooMany       Reason = "TooMany"       // more entries than allowed
	WrongIdentity Reason = "WrongIdentity" // sealed for somebody else
)

// Error is an archive that is refused, with the entry where that became plain.
type Error struct {
	Reason Reason
	Name   string
	Err    error
}

func (e *Error) Error() string {
	text := fmt.Sprintf("archive refused (%s)", e.Reason)
	if e.Name != "" {
		text += fmt.Sprintf(" at %q", e.Name)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }
