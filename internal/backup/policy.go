package backup

import (
	"fmt"
	"slices"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Defaults are the components of a policy that names none.
func Defaults() []v1alpha1.BackupComponent {
	return []v1alpha1.BackupComponent{
		{Name: EtcdDirectory, Type: v1alpha1.ComponentEtcd},
		{Name: KeysDirectory, Type: v1alpha1.ComponentClusterDirectory},
		{Name: "resources", Type: v1alpha1.ComponentResources},
	}
}

// rank is the order of capture where nothing else is said: etcd first, and what refers to it right after, close together; then
// registry, MongoDB, MariaDB, and the rest.
func rank(c v1alpha1.BackupComponent) int {
	switch c.Type {
	case v1alpha1.ComponentEtcd:
		return 0
	case v1alpha1.ComponentClusterDirectory:
		return 1
	case v1alpha1.ComponentDirectory:
		if c.Name == "registry" {
			return 2
		}
	case v1alpha1.ComponentMongoDB:
		return 3
	case v1alpha1.ComponentMariaDB, v1alpha1.ComponentPostgreSQL:
		return 4
	case v1alpha1.ComponentVolumeSnapshots:
		return 5
	case v1alpha1.ComponentElasticsearch:
		return 6
	case v1alpha1.ComponentResources:
		return 8
	}
	return 7
}

// CycleError names components that wait for each other, or for one that the policy does not have.
type CycleError struct{ Component, DependsOn string }

func (e *CycleError) Error() string {
	return fmt.Sprintf("component %s cannot be captured after %s: it waits for it in turn, or there is none of that name", e.Component, e.DependsOn)
}

// Order sorts components for their capture: what others depend on first, and otherwise by kind and name. The error is a *CycleError.
func Order(components []v1alpha1.BackupComponent) ([]v1alpha1.BackupComponent, error) {
	left := slices.Clone(components)
	slices.SortStableFunc(left, func(a, b v1alpha1.BackupComponent) int { return rank(a) - rank(b) })
	var out []v1alpha1.BackupComponent
	done := map[string]bool{}
	for len(left) > 0 {
		next := slices.IndexFunc(left, func(c v1alpha1.BackupComponent) bool {
			return !slices.ContainsFunc(c.DependsOn, func(d string) bool { return !done[d] })
		})
		if next < 0 {
			c := left[0]
			on := slices.IndexFunc(c.DependsOn, func(d string) bool { return !done[d] })
			return nil, &CycleError{c.Name, c.DependsOn[on]}
		}
		out = append(out, left[next])
		done[left[next].Name] = true
		left = slices.Delete(left, next, next+1)
	}
	return out, nil
}

// Place is a repository in words, such as "S3 minio.example/backups/prod".
func Place(r v1alpha1.BackupRepository) string {
	switch {
	case r.S3 != nil:
		place := "S3 " + r.S3.Endpoint + "/" + r.S3.Bucket
		if r.S3.Prefix != "" {
			place += "/" + r.S3.Prefix
		}
		return place
	case r.SFTP != nil:
		return fmt.Sprintf("SFTP %s@%s:%s", r.SFTP.User, r.SFTP.Host, r.SFTP.Path)
	}
	return r.Path
}
