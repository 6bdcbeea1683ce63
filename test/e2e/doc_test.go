// Package e2e runs the built programs as a user would: real etcd and API servers, simulated nodes, the command line, signals, cut
// networks, full disks.
//
// `make test` runs it with few repetitions; `make e2e` (KANRIN_E2E=full) with all of them. The programs come from KANRIN and KANRIN_KUBE,
// or from bin/ at the top of the tree.
package e2e
