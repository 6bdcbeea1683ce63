// Command kanrin is Kanrin: the server (kanrin up) and the client (everything else).
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"kanrin.dev/kanrin/internal/cli"
)

func main() { os.Exit(int(run())) }

func run() cli.Code {
	// Libraries say nothing on stderr that is not in our words; the server sends what they say to its log.
	klog.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first Ctrl-C ends things in order, the second at once.
	context.AfterFunc(ctx, stop)
	return execute(ctx, cli.Standard(), os.Args[1:])
}
