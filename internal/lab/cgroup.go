//go:build linux

package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const cgroupRoot = "/sys/fs/cgroup"

// hierarchies are the mounted control group trees: one with version 2, one for each controller (and systemd's own) with version 1.
func hierarchies() []string {
	if _, err := os.Stat(filepath.Join(cgroupRoot, "cgroup.controllers")); err == nil {
		return []string{cgroupRoot}
	}
	entries, err := os.ReadDir(cgroupRoot)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		dir := filepath.Join(cgroupRoot, e.Name())
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
			continue // cpu,cpuacct and the like are links
		}
		if _, err := os.Stat(filepath.Join(dir, "cgroup.procs")); err == nil {
			out = append(out, dir)
		}
	}
	return out
}

// prepareGroup makes the host's group in every tree and returns the files that a process enters it through.
func prepareGroup(group string) ([]string, error) {
	var enter []string
	for _, tree := range hierarchies() {
		dir := tree
		for _, part := range strings.Split(group, "/") {
			parent := dir
			dir = filepath.Join(dir, part)
			if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
				return nil, fmt.Errorf("making control group %s: %w", dir, err)
			}
			inherit(parent, dir)
		}
		enter = append(enter, filepath.Join(dir, "cgroup.procs"))
	}
	return enter, nil
}

// inherit gives a new group what the kernel does not: version 1 leaves cpuset empty, version 2 enables no controllers for children.
func inherit(parent, dir string) {
	for _, f := range []string{"cpuset.cpus", "cpuset.mems"} {
		if raw, err := os.ReadFile(filepath.Join(parent, f)); err == nil && len(strings.TrimSpace(string(raw))) > 0 {
			_ = os.WriteFile(filepath.Join(dir, f), raw, 0o644)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "cgroup.clone_children")); err == nil {
		_ = os.WriteFile(filepath.Join(dir, "cgroup.clone_children"), []byte("1"), 0o644)
	}
	if raw, err := os.ReadFile(filepath.Join(parent, "cgroup.controllers")); err == nil {
		for _, c := range strings.Fields(string(raw)) {
			_ = os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte("+"+c), 0o644)
		}
	}
}

// members are all processes of a group and of those below it, over all trees.
func members(group string) map[int]bool {
	out := map[int]bool{}
	for _, tree := range hierarchies() {
		_ = filepath.WalkDir(filepath.Join(tree, group), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return nil
			}
			f, err := os.Open(filepath.Join(path, "cgroup.procs"))
			if err != nil {
				return nil
			}
			defer f.Close()
			for s := bufio.NewScanner(f); s.Scan(); {
				if pid, err := strconv.Atoi(s.Text()); err == nil && pid > 0 {
					out[pid] = true
				}
			}
			return nil
		})
	}
	return out
}

// removeGroup removes the group and those below it. They must be empty.
func removeGroup(group string) error {
	var last error
	for attempt := 0; attempt < 50; attempt++ {
		last = nil
		for _, tree := range hierarchies() {
			last = errors.Join(last, removeTree(filepath.Join(tree, group)))
		}
		if last == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond) // the kernel lets go of dead processes a little later
	}
	return fmt.Errorf("removing control groups %s: %w", group, last)
}

func removeTree(dir string) error {
	var dirs []string
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	var errs error
	for i := len(dirs) - 1; i >= 0; i-- {
		if err := unix.Rmdir(dirs[i]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = errors.Join(errs, &fs.PathError{Op: "rmdir", Path: dirs[i], Err: err})
		}
	}
	return errs
}

// freeze stops or thaws every process of the group.
func freeze(group string, frozen bool) error {
	for _, tree := range hierarchies() {
		dir := filepath.Join(tree, group)
		if _, err := os.Stat(filepath.Join(dir, "freezer.state")); err == nil {
			state := "THAWED"
			if frozen {
				state = "FROZEN"
			}
			return os.WriteFile(filepath.Join(dir, "freezer.state"), []byte(state), 0o644)
		}
		if _, err := os.Stat(filepath.Join(dir, "cgroup.freeze")); err == nil && tree == cgroupRoot {
			state := "0"
			if frozen {
				state = "1"
			}
			return os.WriteFile(filepath.Join(dir, "cgroup.freeze"), []byte(state), 0o644)
		}
	}
	return fmt.Errorf("no freezer for control group %s", group)
}

// frozen reports whether the group is frozen.
func frozen(group string) bool {
	for _, tree := range hierarchies() {
		if raw, err := os.ReadFile(filepath.Join(tree, group, "freezer.state")); err == nil {
			return strings.TrimSpace(string(raw)) != "THAWED"
		}
		if raw, err := os.ReadFile(filepath.Join(tree, group, "cgroup.freeze")); err == nil && tree == cgroupRoot {
			return strings.TrimSpace(string(raw)) == "1"
		}
	}
	return false
}
