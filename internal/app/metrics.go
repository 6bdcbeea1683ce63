package app

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"kanrin.dev/kanrin/internal/controlplane"
	"kanrin.dev/kanrin/internal/ops/controller"
)

// registerMetrics registers what is measured outside the console.
func (a *App) registerMetrics(r prometheus.Registerer) error {
	all := append(controller.Metrics(), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		processes{a},
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "kanrin_disk_free_bytes", Help: "Free space of the data directory's file system.",
		}, func() float64 { return float64(a.parts.disk.State().FreeBytes) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "kanrin_disk_full", Help: "1 while operations are held back because the data directory is full.",
		}, func() float64 { return number(a.parts.disk.Full()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "kanrin_leading", Help: "1 while this process carries out operations.",
		}, func() float64 { l := a.parts.leader.Load(); return number(l != nil && l.Check() == nil) }),
	)
	for _, c := range all {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// processes collects the state of the child processes.
type processes struct{ app *App }

var (
	processReady = prometheus.NewDesc("kanrin_process_ready", "1 while a child process is ready.", []string{"controlplane", "process"}, nil)
	processEnded = prometheus.NewDesc("kanrin_process_restarts_total", "Times that a child process ended by itself.", []string{"controlplane", "process"}, nil)
)

func (p processes) Describe(ch chan<- *prometheus.Desc) { ch <- processReady; ch <- processEnded }

func (p processes) Collect(ch chan<- prometheus.Metric) {
	collect := func(name string, all []controlplane.Status) {
		for _, s := range all {
			ch <- prometheus.MustNewConstMetric(processReady, prometheus.GaugeValue, number(s.State == controlplane.StateReady), name, s.Name)
			ch <- prometheus.MustNewConstMetric(processEnded, prometheus.CounterValue, float64(s.Restarts), name, s.Name)
		}
	}
	if cp := p.app.parts.management; cp != nil {
		collect("management", cp.Status())
	}
	if d := p.app.parts.demo.Load(); d != nil {
		collect("demo", d.Status())
	}
}
