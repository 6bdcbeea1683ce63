package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"
)

// component is one program of the binary.
type component struct {
	name  string
	about string
	// run takes over the process as if the program had been started under its
	// own name: os.Args[0] is the component's name. It returns the exit code, or
	// does not return.
	run func() int
}

// components lists the programs in the order in which help shows them.
func components() []component {
	return []component{
		{"kube-apiserver", "the Kubernetes API", runAPIServer},
		{"kube-controller-manager", "the controllers of Kubernetes", runControllerManager},
		{"kube-scheduler", "places pods on nodes", runScheduler},
		{"kubelet", "runs pods on a node", runKubelet},
		{"kube-proxy", "service addresses on a node", runProxy},
		{"kubeadm", "creates, joins and upgrades clusters", ownFlags(runKubeadm)},
		{"kubectl", "command line client of Kubernetes", runKubectl},
		{"etcd", "the store of Kubernetes", runEtcd},
		{"etcdctl", "command line client of etcd", ownFlags(runEtcdctl)},
		{"etcdutl", "works on the files of a stopped etcd", ownFlags(runEtcdutl)},
		{"kwok", "simulated nodes and pods", ownFlags(runKwok)},
		{"simulate", "plays evictions through on a snapshot of a cluster", runSimulate},
		{"version", "prints what this binary was built from, as JSON", runVersion},
	}
}

func main() {
	os.Exit(dispatch(components(), os.Stdout, os.Stderr))
}

// dispatch runs the component that the program's name or its first argument
// names, with os.Args as that program would have seen it.
func dispatch(all []component, stdout, stderr io.Writer) int {
	args := os.Args
	if c := find(all, filepath.Base(args[0])); c != nil {
		return c.run()
	}
	if len(args) < 2 || slices.Contains([]string{"-h", "--help", "help"}, args[1]) {
		usage(stdout, all)
		return 0
	}
	if c := find(all, args[1]); c != nil {
		os.Args = args[1:]
		return c.run()
	}
	fmt.Fprintf(stderr, "kanrin-kube: unknown component %q; run kanrin-kube without arguments for the list\n", args[1])
	return 2
}

func find(all []component, name string) *component {
	if i := slices.IndexFunc(all, func(c component) bool { return c.name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

func usage(w io.Writer, all []component) {
	fmt.Fprintf(w, "Kubernetes in one binary: kanrin-kube COMPONENT [ARGUMENTS], or a link to it named after a component.\n\n")
	for _, c := range all {
		fmt.Fprintf(w, "  %-24s %s\n", c.name, c.about)
	}
}

// ownFlags drops the flags that the packages of other components registered for
// the whole process. Programs that show or parse all of those would otherwise
// offer the kubelet's, and kwok fails on Kubernetes' --version.
func ownFlags(run func() int) func() int {
	return func() int {
		flag.CommandLine = flag.NewFlagSet(os.Args[0], flag.ExitOnError)
		pflag.CommandLine = pflag.NewFlagSet(os.Args[0], pflag.ExitOnError)
		return run()
	}
}
