// Package lab makes throwaway clusters on one Linux machine: real systemd hosts with sshd, containerd and kubelet in namespaces of their
// own (systemd-nspawn), joined by kubeadm into a cluster with stacked etcd behind a TCP load balancer. It is the bed of Kanrin's
// end-to-end tests and a place to practise on.
//
// What is the same for all hosts is prepared once into the user's cache directory (see Base); a host is an overlay over it and costs
// megabytes. State lives in files and in the kernel only (processes, mounts, control groups, interfaces carry the lab's name), so that
// whatever was killed half-way is found again and taken down.
package lab
