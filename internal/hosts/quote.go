package hosts

import (
	"errors"
	"strings"
)

var errNUL = errors.New("an argument holds a NUL byte, which no process can be given")

// commandLine renders argv for the POSIX shell that sshd always puts between: each argument in single quotes, in which nothing
// has a meaning but the single quote itself (POSIX 2.2.2).
func commandLine(argv []string) (string, error) {
	if len(argv) == 0 || argv[0] == "" {
		return "", errors.New("no command")
	}
	var b strings.Builder
	for i, arg := range argv {
		if strings.IndexByte(arg, 0) >= 0 {
			return "", errNUL
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteByte('\'')
		b.WriteString(strings.ReplaceAll(arg, "'", `'\''`))
		b.WriteByte('\'')
	}
	return b.String(), nil
}
