package backup

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"kanrin.dev/kanrin/api/v1alpha1"
	"kanrin.dev/kanrin/internal/backup/schedule"
)

// CheckPolicy says what is wrong with a policy that the API itself does not see.
func CheckPolicy(p *v1alpha1.BackupPolicySpec) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if p.Repository.Path != "" && p.Repository.Path != filepath.Clean(p.Repository.Path) {
		bad("the path %s of the repository is not clean", p.Repository.Path)
	}
	components := p.Components
	if len(components) > 0 {
		if _, err := Order(components); err != nil {
			errs = append(errs, err)
		}
	}
	for _, c := range components {
		switch c.Type {
		case v1alpha1.ComponentDirectory:
			if len(c.Hosts) == 0 || len(c.Paths) == 0 {
				bad("component %s needs hosts and paths", c.Name)
			}
		case v1alpha1.ComponentHostCommand:
			if len(c.Hosts) == 0 || len(c.Command) == 0 {
				bad("component %s needs hosts and a command", c.Name)
			}
		case v1alpha1.ComponentPodCommand:
			if c.Pod == nil || len(c.Command) == 0 {
				bad("component %s needs a pod and a command", c.Name)
			}
		case v1alpha1.ComponentMariaDB, v1alpha1.ComponentPostgreSQL, v1alpha1.ComponentMongoDB:
			if len(c.Hosts) == 0 && c.Pod == nil {
				bad("component %s needs hosts or a pod", c.Name)
			}
		case v1alpha1.ComponentElasticsearch:
			if c.Service == "" || c.SnapshotRepository == "" {
				bad("component %s needs a service and a snapshot repository", c.Name)
			}
		}
		for _, path := range c.Paths {
			if path != filepath.Clean(path) || strings.ContainsAny(path, "\x00\n") {
				bad("path %q of component %s is not clean", path, c.Name)
			}
		}
	}
	if p.Schedule != nil {
		if _, err := schedule.Parse(Schedule(p, "")); err != nil {
			errs = append(errs, err)
		}
	}
	if p.Proof.Cron != "" {
		if _, err := schedule.Parse(ProofSchedule(p, "")); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
