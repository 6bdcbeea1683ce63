// Command kanrin-kube is upstream Kubernetes, etcd and kwok in one multi-call
// binary: each component behaves as its own upstream program does, started
// either as "kanrin-kube COMPONENT" or through a link of the component's name.
// One binary links the shared code once, and the product itself never imports
// k8s.io/kubernetes.
//
// The invariant: this package adds nothing to a component's behaviour. The only
// component of our own is simulate, which lives in kube/simulate.
package main
