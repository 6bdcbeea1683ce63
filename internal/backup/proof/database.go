package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"kanrin.dev/kanrin/internal/controlplane"
)

// Kinds of databases.
const (
	MariaDB    = "MariaDB"
	PostgreSQL = "PostgreSQL"
)

// Names of the stages of a database.
const (
	StageServer = "Server" // an empty server is made and started
	StageLoad   = "Load"   // the dump is loaded
	StageQuery  = "Query"  // every row is counted
)

// Problems of databases.
const (
	ServerFailed   Code = "ServerFailed"   // an empty scratch server does not start: reason
	LoadFailed     Code = "LoadFailed"     // the server refuses the dump: reason
	DumpIncomplete Code = "DumpIncomplete" // the dump lacks the line with which such dumps end
	QueryFailed    Code = "QueryFailed"    // what was loaded cannot be read: reason
)

// What is excluded of databases.
const (
	ExcludedRoles  Code = "Roles"  // roles that the dump refers to and does not hold; they were made up: role
	ExcludedLocale Code = "Locale" // a sort order that the scratch server may not have, loaded with plain byte order: locale
)

// NoServer is the error for a database for which no server is installed on this machine.
type NoServer struct {
	Kind    string
	Program string // that was looked for
}

func (e *NoServer) Error() string {
	return fmt.Sprintf("no %s server is installed here: %s was not found", e.Kind, e.Program)
}

// Dump is what a set holds of a database.
type Dump struct {
	// Kind is MariaDB (which also takes dumps of MySQL as far as MariaDB understands them) or PostgreSQL.
	Kind string
	// SQL is the plain text of mariadb-dump, mysqldump, pg_dumpall or pg_dump --create, of Size bytes.
	SQL  io.Reader
	Size int64
}

// Table of a loaded database with its rows, all of which were read.
type Table struct {
	Schema string // empty for MariaDB
	Name   string
	Rows   int64
}

// LoadedDatabase is one database of a dump.
type LoadedDatabase struct {
	Name            string
	Tables          []Table
	Views, Routines int
}

// DatabaseResult says what became of a dump. It is proven when there is no Problem.
type DatabaseResult struct {
	Stages    []Stage
	Databases []LoadedDatabase
	Problems  []Problem
	Excluded  []Problem
	// Recovery is the time from the dump at hand to a server that has it.
	Recovery time.Duration
	// Server is the version of the scratch server.
	Server string
}

// serverOverhead is what an empty server takes of the scratch directory.
const serverOverhead = 512 << 20

// database is one proof of a dump.
type database struct {
	conf     Configuration
	dump     Dump
	scratch  *scratch
	account  *account
	server   *controlplane.Supervisor
	result   *DatabaseResult
	problems problems
	excluded problems
}

// engine is a kind of database server.
type engine interface {
	// start makes an empty server and starts it.
	start(context.Context, *database) error
	// load feeds it the dump.
	load(context.Context, *database, io.Reader) error
	// query fills in the result.
	query(context.Context, *database) error
	// end is in the last line of a dump that begins so.
	end(head string) string
}

// Database loads a dump into a scratch server and reads what it then holds. The error is a *NoServer when there is none to
// be had, a *NoScratch when there is no room, and the cause of ctx when that ended.
func Database(ctx context.Context, conf Configuration, dump Dump, progress func(Stage)) (_ *DatabaseResult, err error) {
	var e engine
	switch dump.Kind {
	case MariaDB:
		e, err = findMariaDB()
	case PostgreSQL:
		e, err = findPostgres()
	default:
		err = fmt.Errorf("proving a database: its kind %q is not known", dump.Kind)
	}
	if err != nil {
		return nil, err
	}
	d := &database{conf: conf.withDefaults(), dump: dump, result: &DatabaseResult{}}
	if d.scratch, err = openScratch(d.conf, dump.Size*3+serverOverhead); err != nil {
		return nil, err
	}
	defer func() {
		d.kill()
		if closeErr := d.scratch.Close(); err == nil {
			err = closeErr
		}
	}()
	if d.account, err = d.prepare(ctx); err != nil {
		return nil, err
	}
	stages := []struct {
		name string
		do   func(context.Context) error
	}{
		{StageServer, func(ctx context.Context) error { return e.start(ctx, d) }},
		{StageLoad, func(ctx context.Context) error { return d.load(ctx, e) }},
		{StageQuery, func(ctx context.Context) error { return e.query(ctx, d) }},
	}
	for _, s := range stages {
		if progress != nil {
			progress(Stage{Name: s.name})
		}
		began := time.Now()
		err := s.do(ctx)
		done := Stage{Name: s.name, Done: true, Duration: time.Since(began)}
		d.result.Stages = append(d.result.Stages, done)
		if s.name != StageQuery {
			d.result.Recovery += done.Duration
		}
		if progress != nil {
			progress(done)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if errors.Is(err, errHopeless) && !d.scratch.full() {
			break
		}
		if err != nil {
			return nil, d.scratch.explain(err)
		}
	}
	d.result.Problems, d.result.Excluded = d.problems.all(), d.excluded.all()
	return d.result, nil
}

// load feeds the dump and looks at its end: one that was cut off between two statements loads without complaint.
func (d *database) load(ctx context.Context, e engine) error {
	var ends dumpEnds
	if err := e.load(ctx, d, io.TeeReader(d.dump.SQL, &ends)); err != nil {
		return err
	}
	if _, err := io.Copy(&ends, d.dump.SQL); err != nil { // what a client has left over
		return fmt.Errorf("reading the dump: %w", err)
	}
	if !strings.Contains(ends.last(), e.end(string(ends.head))) {
		d.problems.add(DumpIncomplete, "")
	}
	return nil
}

// dumpEnds keeps the begin and the end of a dump.
type dumpEnds struct {
	head []byte
	tail lastLines
}

func (e *dumpEnds) Write(p []byte) (int, error) {
	e.head = append(e.head, p[:min(len(p), 4096-len(e.head))]...)
	return e.tail.Write(p)
}

// last is the last line that says something.
func (e *dumpEnds) last() string {
	lines := strings.Split(string(e.tail.buf), "\n")
	for _, line := range slices.Backward(lines) {
		if line = strings.TrimSpace(line); line != "" && line != "--" && !strings.HasPrefix(line, `\unrestrict `) {
			return line
		}
	}
	return ""
}

// dir is the server's directory in scratch, which belongs to its account.
func (d *database) dir(name ...string) string {
	return filepath.Join(append([]string{d.scratch.dir, "db"}, name...)...)
}

// prepare makes the server's directory and finds the account under which it runs.
func (d *database) prepare(ctx context.Context) (*account, error) {
	a := findAccount(ctx)
	if err := os.Mkdir(d.dir(), 0o700); err != nil {
		return nil, fmt.Errorf("making the server's directory: %w", err)
	}
	if a.changed {
		// The account must get through to its own directory.
		if err := os.Chmod(d.scratch.dir, 0o711); err != nil {
			return nil, fmt.Errorf("opening the scratch directory: %w", err)
		}
		if err := os.Chown(d.dir(), a.uid, a.gid); err != nil {
			return nil, fmt.Errorf("giving the server its directory: %w", err)
		}
		if err := controlplane.Run(ctx, io.Discard, func(c *exec.Cmd) { a.apply(c, d.dir()) }, "/bin/true"); err != nil {
			return nil, &NoScratch{Dir: d.conf.Scratch, Reason: Unusable, Err: fmt.Errorf("an account without rights does not get through it: %w", err)}
		}
	}
	return a, nil
}

// serve starts a server and waits until it answers.
func (d *database) serve(ctx context.Context, path string, args []string, ready func(context.Context) error) error {
	// Once it answers it is watched no more: a dump may bring accounts of its own, which keep strangers out.
	var answered atomic.Bool
	once := func(ctx context.Context) error {
		if answered.Load() {
			return nil
		}
		err := ready(ctx)
		answered.Store(err == nil)
		return err
	}
	var err error
	d.server, err = controlplane.NewSupervisor(d.scratch.path(serverDir), d.conf.Log, nil, controlplane.Process{
		Name: "database", Path: path, Args: func(bool) ([]string, error) { return args, nil },
		Ready: once, Prepare: func(c *exec.Cmd) { d.account.apply(c, d.dir()) }, StopTimeout: time.Minute,
	})
	if err != nil {
		return err
	}
	if err := d.server.Start(ctx); err != nil {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, d.conf.Patience)
	defer cancel()
	if err := d.server.WaitReady(patience); err != nil {
		return d.failed(ctx, ServerFailed, strings.Split(err.Error(), "; its log is ")[0], err)
	}
	return nil
}

// stop ends the server in order.
func (d *database) stop(ctx context.Context) error {
	if d.server == nil {
		return nil
	}
	err := d.server.Stop(ctx)
	d.server = nil
	return err
}

func (d *database) kill() {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_ = d.stop(gone) // kills; it returns when the server is gone
}

// run runs a program of the database as the server's account, with stdin, and returns what it printed.
func (d *database) run(ctx context.Context, stdin io.Reader, path string, args ...string) (stdout string, errText string, err error) {
	var out strings.Builder
	var errs lastLines
	err = controlplane.Run(ctx, &errs, func(c *exec.Cmd) {
		c.Stdin, c.Stdout, c.WaitDelay = stdin, &out, 5*time.Second
		d.account.apply(c, d.dir())
	}, path, args...)
	if err != nil {
		errText = errs.reason(err)
	}
	return out.String(), errText, err
}

// failed turns the failure of a program into a Problem, unless the machine is to blame.
func (d *database) failed(ctx context.Context, code Code, reason string, err error) error {
	if ctx.Err() != nil || d.scratch.full() {
		return err
	}
	d.problems.add(code, "", "reason", oneLine(strings.ReplaceAll(reason, d.scratch.dir+"/", "")))
	return errHopeless
}

// program finds one of the programs on PATH or in the directories.
func program(kind string, dirs []string, names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			if abs, err := filepath.Abs(path); err == nil {
				return abs, nil
			}
		}
		for _, dir := range dirs {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return path, nil
			}
		}
	}
	return "", &NoServer{Kind: kind, Program: names[0]}
}
