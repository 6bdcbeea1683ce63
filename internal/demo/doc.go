// Package demo is the throwaway cluster of `kanrin up --demo`: a real control plane with simulated nodes, and content that
// makes planning interesting.
//
// It knows nothing of operations. Invariant: content is made once, at the first start, and only where nothing of the name is
// there; what a user changed since stays as it is.
//
// # Layout
//
// Twelve nodes in three zones; workers have 8 cores (7600m allocatable). Numbers in parentheses are pods; every worker also
// runs node-exporter and kube-proxy, and every control plane those and four static pods.
//
//	zone a   w1  shop/cart (2)  shop/web  shop/checkout  data/search  dev/api                49 %
//	         w4  shop/checkout  data/search  payments/api  data/etl  coredns  alertmanager   51 %
//	         w7  shop/web  shop/checkout  data/search  payments/ledger-0                     55 %
//	zone b   w2  data/ingest (4)                                                             92 %
//	         w5  payments/ledger-1  data/ingest (3)                                          96 %
//	         w8  shop/cart (2)  payments/api  batch/adhoc-import  data/ingest (3)            93 %
//	zone c   w3  shop/cart (2)  shop/web  shop/recommend  dev/api  batch/nightly-report      42 %
//	         w6  shop/recommend  payments/api  coredns  grafana  dev/api                     34 %
//	         w9  shop/recommend  payments/api  payments/ledger-2  alertmanager               50 %
//
// What there is to find:
//
//	w3  blocked: the budget shop/web wants 3 of 3 replicas, and can never be met; shop/cart may lose one at a time, so its two
//	    pods take two rounds; a finished pod of a Job
//	w4  blocked: shop/checkout is under two budgets, which the eviction API refuses; data/search keeps data in an emptyDir,
//	    and data/etl is the only replica
//	w5  payments/ledger-1 stays pending: its volume is bound to zone b, where no other node has 2 cores free
//	w6  nothing that blocks: it can be drained as it is
//	w8  blocked: an unmanaged pod, batch/adhoc-import, that nobody makes anew; shop/cart must stay evenly spread over the zones,
//	    and zone b has room for one of its two pods only
//	cp  static pods, which no drain moves
//
// Pods get to their places by preferred node affinity (so that they can go elsewhere when they must), and zone b fills up
// because data/ingest, which is made last, prefers it and has exactly as many replicas as fit.
package demo
