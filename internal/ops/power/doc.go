// Package power stops and starts whole clusters, restarts nodes and brings failing workers back. A stop writes down what the cluster was
// like (see State), takes control planes down first and workers last, tier by tier, so that nothing is rescheduled while machines
// disappear; a start does the reverse behind gates and puts back exactly what the stop had changed.
package power
