package main

import (
	"os"

	"kanrin.dev/kanrin/kube/simulate"
)

func runSimulate() int {
	return simulate.Command(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}
