// Package repository keeps sets of backups in a kopia repository on a disk, in S3-compatible storage or behind SFTP.
//
// A set is one kopia snapshot with a directory per component, so everything can be got out with the kopia program alone. Beside what kopia
// writes lies an inventory: name, size and SHA-256 of every blob, authenticated with a key of the repository. The package knows nothing of
// clusters, etcd or policies. Invariant: at any instant, whatever is killed or cut off, the repository can be opened, sealed sets are whole,
// and nothing a sealed set rests on is deleted.
package repository
