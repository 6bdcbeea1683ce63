package cli

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Streams are a command's input, data output and talk output, and what is known about them.
type Streams struct {
	In  io.Reader
	Out io.Writer // data
	Err io.Writer // talk

	// InTerminal, OutTerminal and ErrTerminal say whether a person is at the other end.
	InTerminal, OutTerminal, ErrTerminal bool
	// NoColour is set by NO_COLOR or a terminal that has none.
	NoColour bool

	inFile, outFile, errFile *os.File
}

// Standard are the process's own streams.
func Standard() *Streams { return NewStreams(os.Stdin, os.Stdout, os.Stderr) }

// NewStreams are streams that may be terminals.
func NewStreams(in, out, err *os.File) *Streams {
	is := func(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
	return &Streams{
		In: in, Out: out, Err: err,
		InTerminal: is(in), OutTerminal: is(out), ErrTerminal: is(err),
		NoColour: os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb",
		inFile:   in, outFile: out, errFile: err,
	}
}

// fallbackWidth is the line length when nobody says: that of the classic terminal, with room for names.
const fallbackWidth = 100

// OutWidth is the number of columns of stdout; output that is not read on a terminal gets 100.
func (s *Streams) OutWidth() int { return width(s.outFile, s.OutTerminal) }

// ErrWidth is the number of columns of stderr.
func (s *Streams) ErrWidth() int { return width(s.errFile, s.ErrTerminal) }

func width(f *os.File, terminal bool) int {
	if !terminal || f == nil {
		return fallbackWidth
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil || w < 40 {
		return fallbackWidth
	}
	return w
}

// OutColour reports whether stdout may be coloured.
func (s *Streams) OutColour() bool { return s.OutTerminal && !s.NoColour }

// ErrColour reports whether stderr may be coloured.
func (s *Streams) ErrColour() bool { return s.ErrTerminal && !s.NoColour }

// ErrLive reports whether lines on stderr may be rewritten in place.
func (s *Streams) ErrLive() bool { return s.ErrTerminal && os.Getenv("TERM") != "dumb" }
