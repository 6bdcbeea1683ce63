package controller

import (
	"github.com/prometheus/client_golang/prometheus"
)

// planSeconds is registered by wiring together with Metrics.
var planSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
	Name: "kanrin_plan_seconds", Help: "Time to make a plan: facts, schedule, rehearsal.", Buckets: prometheus.ExponentialBuckets(0.05, 2, 12),
}, []string{"type"})

// Metrics are the collectors of this package.
func Metrics() []prometheus.Collector { return []prometheus.Collector{planSeconds} }
