package kubebin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Name is the file name of the binary.
const Name = "kanrin-kube"

// Variable is the environment variable that names the binary.
const Variable = "KANRIN_KUBE"

// ErrNotFound is in the chain of the error for a binary that is nowhere.
var ErrNotFound = errors.New(Name + " not found")

// Find returns the absolute path of kanrin-kube. An explicit path or $KANRIN_KUBE that cannot be used is an error, never a
// reason to look elsewhere. Otherwise the places are, in this order: beside the running executable, PATH, the data
// directory (D/bin, then D); a test binary also looks for bin/kanrin-kube in its working directory and upwards.
func Find(explicit, dataDir string) (string, error) {
	if explicit != "" {
		return named(explicit, "--kanrin-kube")
	}
	var tried []string
	try := func(path string) (string, bool) {
		abs, err := executable(path)
		if err != nil {
			tried = append(tried, path)
		}
		return abs, err == nil
	}
	self, selfErr := os.Executable()
	if selfErr == nil {
		if resolved, err := filepath.EvalSymlinks(self); err == nil {
			self = resolved
		}
		if path, ok := try(filepath.Join(filepath.Dir(self), Name)); ok {
			return path, nil
		}
	}
	if path := os.Getenv(Variable); path != "" {
		return named(path, "$"+Variable)
	}
	if path, err := exec.LookPath(Name); err == nil {
		if path, ok := try(path); ok {
			return path, nil
		}
	}
	tried = append(tried, "PATH")
	if dataDir != "" {
		for _, path := range []string{filepath.Join(dataDir, "bin", Name), filepath.Join(dataDir, Name)} {
			if path, ok := try(path); ok {
				return path, nil
			}
		}
	}
	if strings.HasSuffix(self, ".test") {
		if path, ok := upwards(); ok {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: looked in %s; build it with \"make build\", or name it with --kanrin-kube or $%s",
		ErrNotFound, strings.Join(tried, ", "), Variable)
}

// named checks a path that somebody chose on purpose.
func named(path, by string) (string, error) {
	abs, err := executable(path)
	if err != nil {
		return "", fmt.Errorf("%w: %s names it: %w", ErrNotFound, by, err)
	}
	return abs, nil
}

func upwards() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		if path, err := executable(filepath.Join(dir, "bin", Name)); err == nil {
			return path, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

func executable(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		return "", &fs.PathError{Op: "execute", Path: abs, Err: fs.ErrPermission}
	}
	return abs, nil
}
