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
	os.Exit(dispatch(os.Stdout, os.Stderr))
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

// dispatch picks the component from the program's name, or else from its first
// argument, and rewrites os.Args to what that program would have seen.
func dispatch(stdout, stderr io.Writer) int {
	all := components()
	byName := func(name string) int {
		return slices.IndexFunc(all, func(c component) bool { return c.name == name })
	}
	if i := byName(filepath.Base(os.Args[0])); i >= 0 {
		return all[i].run()
	}
	if len(os.Args) < 2 || os.Args[1] == "--help" || os.Args[1] == "-h" || os.Args[1] == "help" {
		usage(stdout, all)
		return 0
	}
	if i := byName(os.Args[1]); i >= 0 {
		os.Args = os.Args[1:]
		return all[i].run()
	}
	fmt.Fprintf(stderr, "kanrin-kube: unknown component %q; run kanrin-kube without arguments for the list\n", os.Args[1])
	return 2
}

func usage(w io.Writer, all []component) {
	fmt.Fprintf(w, "Kubernetes in one binary: kanrin-kube COMPONENT [ARGUMENTS], or a link to it named after a component.\n\n")
	for _, c := range all {
		fmt.Fprintf(w, "  %-24s %s\n", c.name, c.about)
	}
}
