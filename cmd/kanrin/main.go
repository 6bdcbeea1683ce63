// Command kanrin is Kanrin: the server (kanrin up) and the client (everything else).
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"kanrin.dev/kanrin/internal/cli"
)

func main() { os.Exit(int(run())) }

func run() cli.Code {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first Ctrl-C ends things in order, the second at once.
	context.AfterFunc(ctx, stop)
	return execute(ctx, cli.Standard(), os.Args[1:])
}
