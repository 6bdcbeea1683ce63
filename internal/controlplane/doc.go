// Package controlplane runs Kubernetes control planes as child processes of Kanrin: etcd and kube-apiserver for the
// management API, and with controller-manager, scheduler and kwok for a throwaway cluster.
//
// A Supervisor keeps the children running (exact arguments, log files, restart with back-off, a status that says why), a PKI
// holds the certificate authorities and keys of one control plane, and ControlPlane puts both together in one directory:
//
//	pki/    certificates, keys and the key that encrypts secrets at rest
//	etcd/   the store
//	audit/  audit log of the API
//	logs/   what the children print
//	run/    one file for each child that runs, so that a later start finds what a kill left behind
//	ports.json, kubeconfig
//
// A Restored control plane runs on a store that comes from a snapshot, to be read; Run runs one program to its end under the
// same rules.
//
// It knows nothing of Kanrin's kinds or of what the clusters hold, and it runs nothing on other machines.
//
// Invariants: everything listens on loopback and asks for a client certificate; no child outlives this process, however it ends.
package controlplane
