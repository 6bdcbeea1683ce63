package console

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics of the server. Labels hold patterns of routes, never paths: their number is fixed.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	signIns  *prometheus.CounterVec
	gatherer prometheus.Gatherer
}

func newMetrics(registry Registry, sessions func() int64, openStreams func() int, certificateEnd func() time.Time) (*metrics, error) {
	m := &metrics{
		gatherer: registry,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kanrin_http_requests_total", Help: "Requests to the console by route, method and status code.",
		}, []string{"route", "method", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "kanrin_http_request_duration_seconds", Help: "Time to answer requests, by route and method; streams and watches are left out.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .2, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route", "method"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "kanrin_http_requests_in_flight", Help: "Requests being answered, streams included."}),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kanrin_sign_ins_total", Help: "Attempts to sign in by result: ok, failed, limited or error.",
		}, []string{"result"}),
	}
	for _, result := range []string{signInOK, signInFailed, signInLimited, signInError} {
		m.signIns.WithLabelValues(result)
	}
	own := []prometheus.Collector{
		m.requests, m.duration, m.inFlight, m.signIns,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "kanrin_sessions", Help: "Sessions in force when last counted, at most ten minutes ago."},
			func() float64 { return float64(sessions()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "kanrin_http_streams", Help: "Watches and streams of changes that are open."},
			func() float64 { return float64(openStreams()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "kanrin_console_certificate_not_after_seconds", Help: "When the console's TLS certificate ends, in seconds since 1970.",
		}, func() float64 { return float64(certificateEnd().Unix()) }),
	}
	for _, collector := range own {
		if err := registry.Register(collector); err != nil {
			return nil, err
		}
	}
	// A registry that others use too, such as controller-runtime's, may have these.
	for _, collector := range []prometheus.Collector{collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		var already prometheus.AlreadyRegisteredError
		if err := registry.Register(collector); err != nil && !errors.As(err, &already) {
			return nil, err
		}
	}
	return m, nil
}

// measure counts and times what the route answers.
func (m *metrics) measure(rt *Route, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.inFlight.Inc()
		defer m.inFlight.Dec()
		start := time.Now()
		seen := &statusWriter{ResponseWriter: w}
		method := knownMethod(r.Method)
		defer func() {
			m.requests.WithLabelValues(rt.Pattern, method, strconv.Itoa(seen.code())).Inc()
			if !rt.Stream && !isStream(r) {
				m.duration.WithLabelValues(rt.Pattern, method).Observe(time.Since(start).Seconds())
			}
		}()
		next.ServeHTTP(seen, r)
	})
}

func (m *metrics) handler() http.HandlerFunc {
	return promhttp.HandlerFor(m.gatherer, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second}).ServeHTTP
}

func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return method
	}
	return "other"
}

// statusWriter remembers the status code.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(code int) {
	if w.status == 0 && code >= 200 {
		w.status = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}
