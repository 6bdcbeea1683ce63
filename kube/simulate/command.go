package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"kanrin.dev/kanrin/kube/snapshot"
)

const usage = `Plays evictions through on a snapshot of a cluster, with the real scheduler.

  kanrin-kube simulate [-snapshot FILE] [-round-limit DURATION] [-v] < INPUT

The input is one JSON document per line, plain or compressed with gzip: first a
header of kind Simulation with the scenarios, then the objects of the cluster.
The answer is one JSON document on standard output.

Exit codes: 0 done, whatever the pods' fate; 1 failed; 2 the input is wrong.

`

// Command runs the simulate component and returns its exit code. On failure
// nothing is written to stdout.
func Command(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	file := flags.String("snapshot", "", "read the input from this `file` instead of standard input")
	limit := flags.Duration("round-limit", DefaultRoundLimit, "how long the scheduler may work on one round")
	verbose := flags.Bool("v", false, "write the scheduler's log to standard error")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "simulate: unexpected argument %q\n", flags.Arg(0))
		return 2
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *verbose {
		var level klog.Level
		_ = level.Set("4")
		klog.LogToStderr(false)
		klog.SetOutput(stderr)
	} else {
		silence()
		ctx = klog.NewContext(ctx, logr.Discard())
	}

	if *file != "" {
		f, err := os.Open(*file)
		if err != nil {
			fmt.Fprintf(stderr, "simulate: opening the snapshot: %v\n", err)
			return 2
		}
		defer f.Close()
		stdin = f
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // the snapshot stays to the end, little else does
	}
	start := time.Now()
	header, snap, err := snapshot.Read(stdin)
	if err != nil {
		fmt.Fprintf(stderr, "simulate: %v\n", err)
		return 2
	}
	scenarios, err := Run(ctx, header, snap, Options{RoundLimit: *limit})
	if err != nil {
		fmt.Fprintf(stderr, "simulate: %v\n", err)
		return 1
	}
	err = json.NewEncoder(stdout).Encode(Result{
		Version: 1, Kubernetes: version.Get().GitVersion, Scenarios: scenarios,
		Objects:   Objects{Nodes: snap.Nodes, Pods: snap.Pods, Ignored: snap.Ignored},
		Seconds:   time.Since(start).Seconds(),
		PeakBytes: peakBytes(),
	})
	if err != nil {
		fmt.Fprintf(stderr, "simulate: writing the answer: %v\n", err)
		return 1
	}
	return 0
}

// silence drops the scheduler's log, which is about a cluster that does not
// exist.
func silence() {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	klog.SetLogger(logr.Discard())
}
