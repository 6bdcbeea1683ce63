package proof

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// psqlFilter passes a dump on to psql, line by line, in psql's restricted mode, in which it obeys no backslash command but
// the one that ends the mode and needs a key. The few commands that dumps hold are left out or, \connect and \encoding, done under the key.
//
// Statements that depend on the machine are adapted: sort orders that may not be installed, the directories of tablespaces
// (which would be outside scratch), and roles that a dump of a single database refers to without holding them. It works on
// lines that look like those of pg_dump. Should a text within the dump look like one, the text is loaded changed; nothing
// more can come of it, because psql does not lose its restriction.
type psqlFilter struct {
	out   *bufio.Writer
	d     *database
	key   string
	copy  bool // within the data of a COPY
	acl   bool // after the title of an ACL
	roles map[string]bool
}

// newPsqlFilter starts the filter; the channel gives its end.
func newPsqlFilter(dump io.Reader, d *database) (*io.PipeReader, <-chan error, error) {
	r, w := io.Pipe()
	out := bufio.NewWriterSize(w, 64<<10)
	f := &psqlFilter{out: out, d: d, key: "k" + strings.ToLower(rand.Text()), roles: map[string]bool{"public": true, postgresUser: true}}
	done := make(chan error, 1)
	go func() {
		err := f.run(bufio.NewReaderSize(dump, 64<<10))
		if flushErr := out.Flush(); err == nil {
			err = flushErr
		}
		w.CloseWithError(err) // nil is the end of the file
		done <- err
	}()
	return r, done, nil
}

// run filters; lines too long to be statements of interest pass in pieces.
func (f *psqlFilter) run(in *bufio.Reader) error {
	fmt.Fprintf(f.out, "\\restrict %s\n", f.key)
	begin := true // of a line
	for {
		piece, err := in.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !long && !errors.Is(err, io.EOF) {
			return err
		}
		if begin && !long {
			f.line(string(piece))
		} else {
			f.out.Write(piece) //nolint:errcheck // kept by the writer until Flush
		}
		begin = !long
		if errors.Is(err, io.EOF) {
			return nil
		}
		if _, err := f.out.Write(nil); err != nil { // one that was kept: psql has ended
			return err
		}
	}
}

const identifier = `(?:[a-zA-Z_][a-zA-Z0-9_$]*|"(?:[^"]|"")+")`

var (
	copyLine       = regexp.MustCompile(`^COPY .* FROM stdin;\s*$`)
	connectLine    = regexp.MustCompile(`^\\connect (` + identifier + `)\s*$`)
	connectInfo    = regexp.MustCompile(`^\\connect -reuse-previous=on "dbname='((?:[^'"\\]|\\\\|\\'|"")+)'"\s*$`)
	encodingLine   = regexp.MustCompile(`^\\encoding [A-Za-z0-9_]+\s*$`)
	titleLine      = regexp.MustCompile(`^-- (?:Data for )?Name: .*; Type: ([A-Z ]+); Schema: .*; Owner: (.+?)\s*$`)
	grantLine      = regexp.MustCompile(`^(?:GRANT|REVOKE) .* (?:TO|FROM) (` + identifier + `)(?: WITH GRANT OPTION)?;\s*$`)
	roleLine       = regexp.MustCompile(`^CREATE ROLE (` + identifier + `);\s*$`)
	databaseLine   = regexp.MustCompile(`^CREATE DATABASE .*;\s*$`)
	localeSetting  = regexp.MustCompile(`\b(LC_COLLATE|LC_CTYPE|LOCALE) = '([^']*)'`)
	tablespaceLine = regexp.MustCompile(`^(CREATE TABLESPACE .* LOCATION )'(?:[^']|'')*';\s*$`)
)

func (f *psqlFilter) line(line string) {
	switch {
	case f.copy:
		f.copy = strings.TrimRight(line, "\r\n") != `\.`
	case line == "" || line == "\n":
	case line[0] == '\\':
		f.command(line)
		return
	case copyLine.MatchString(line):
		f.copy = true
	case strings.HasPrefix(line, "-- "):
		if m := titleLine.FindStringSubmatch(line); m != nil {
			f.acl = strings.Contains(m[1], "ACL")
			f.role(m[2])
		}
	case f.acl && (strings.HasPrefix(line, "GRANT ") || strings.HasPrefix(line, "REVOKE ")):
		if m := grantLine.FindStringSubmatch(line); m != nil {
			f.role(unquote(m[1]))
		}
	case strings.HasPrefix(line, "CREATE "):
		line = f.create(line)
	}
	f.out.WriteString(line) //nolint:errcheck // kept by the writer until Flush
}

// command drops a dump's own restriction, and connects; psql refuses all others.
func (f *psqlFilter) command(line string) {
	if strings.HasPrefix(line, `\restrict `) || strings.HasPrefix(line, `\unrestrict `) {
		return
	}
	if encodingLine.MatchString(line) {
		fmt.Fprintf(f.out, "\\unrestrict %s\n%s\n\\restrict %s\n", f.key, strings.TrimSpace(line), f.key)
		return
	}
	name := ""
	if m := connectLine.FindStringSubmatch(line); m != nil {
		name = unquote(m[1])
	} else if m := connectInfo.FindStringSubmatch(line); m != nil {
		name = strings.NewReplacer(`\\`, `\`, `\'`, `'`, `""`, `"`).Replace(m[1])
	}
	if name == "" || strings.ContainsAny(name, "\r\n\x00") {
		f.out.WriteString(line) //nolint:errcheck // kept by the writer until Flush
		return
	}
	fmt.Fprintf(f.out, "\\unrestrict %s\n\\connect -reuse-previous=on %s\n\\restrict %s\n", f.key, doublequote(conninfo(name)), f.key)
}

func (f *psqlFilter) create(line string) string {
	if m := roleLine.FindStringSubmatch(line); m != nil {
		f.roles[unquote(m[1])] = true
		return line
	}
	if m := tablespaceLine.FindStringSubmatch(line); m != nil {
		return "SET allow_in_place_tablespaces = on;\n" + m[1] + "'';\n"
	}
	if !databaseLine.MatchString(line) {
		return line
	}
	return localeSetting.ReplaceAllStringFunc(line, func(setting string) string {
		m := localeSetting.FindStringSubmatch(setting)
		if m[2] == "C" || m[2] == "POSIX" {
			return setting
		}
		f.d.excluded.once(ExcludedLocale, "", "locale", m[2])
		return m[1] + " = 'C'"
	})
}

// role makes up a role that the dump refers to and does not hold.
func (f *psqlFilter) role(name string) {
	if f.roles[name] || name == "" || name == "-" || strings.ContainsAny(name, "\x00\r\n") {
		return
	}
	f.roles[name] = true
	f.d.excluded.add(ExcludedRoles, "", "role", name)
	fmt.Fprintf(f.out, "CREATE ROLE %s;\n", doublequote(name))
}

func unquote(name string) string {
	if inner, ok := strings.CutPrefix(name, `"`); ok {
		return strings.ReplaceAll(strings.TrimSuffix(inner, `"`), `""`, `"`)
	}
	return strings.ToLower(name)
}
