package app

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"kanrin.dev/kanrin/internal/console"
	"kanrin.dev/kanrin/internal/disk"
)

// Configuration of `kanrin up`.
type Configuration struct {
	// DataDir holds all state. It is made when missing.
	DataDir string
	// Listen is the console's host:port.
	Listen string
	// CertFile and KeyFile replace the console's own certificate.
	CertFile, KeyFile string
	// Hosts are further names by which clients address the console.
	Hosts []string
	// Demo adds a throwaway cluster.
	Demo bool
	// ManagementKubeconfig is the path of a kubeconfig: its cluster holds the management API, and no other is started.
	ManagementKubeconfig string
	// Kube is the path of kanrin-kube; empty looks in the usual places.
	Kube string
	// MinFreeDisk is the free space below which operations are held back.
	MinFreeDisk disk.Threshold
	// Version of this program.
	Version string
}

// Validate reports what is missing or wrong.
func (c Configuration) Validate() error {
	var errs []error
	if !filepath.IsAbs(c.DataDir) {
		errs = append(errs, fmt.Errorf("data directory %q is not an absolute path", c.DataDir))
	}
	return errors.Join(append(errs, c.console().Validate())...)
}

func (c Configuration) console() console.Configuration {
	return console.Configuration{
		Listen: c.Listen, DataDir: c.DataDir, CertFile: c.CertFile, KeyFile: c.KeyFile, Hosts: c.Hosts, Version: c.Version,
	}
}

// Dependencies of an App; both may be left out.
type Dependencies struct {
	Log *slog.Logger
	// Progress is told what happens during Start and Stop, for people. It must not block.
	Progress func(Progress)
}

// Stage of a start or a stop; the texts are found under up.stage.<stage>.
type Stage string

const (
	StageManagement Stage = "management" // etcd and API server, or the external management API
	StageInstall    Stage = "install"
	StageAccess     Stage = "access"
	StageConsole    Stage = "console"
	StageDemo       Stage = "demo"     // the control plane of the demo cluster
	StageDemoSeed   Stage = "demoSeed" // its first content
	StageOperations Stage = "operations"
)

// Progress of one stage.
type Progress struct {
	Stage Stage
	// Done is false when the stage begins and true when it has ended.
	Done bool
	// Stopping says that the stage is being taken down.
	Stopping bool
}
