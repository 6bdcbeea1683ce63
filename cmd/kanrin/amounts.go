package main

import (
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// cores writes millicores: 3.5, 12, 0.25.
func cores(milli int64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(float64(milli)/1000, 'f', 2, 64), "0"), ".")
}

// gibibytes writes bytes in Gi with at most one decimal, small amounts in Mi.
func gibibytes(n int64) string {
	if n == 0 {
		return "0"
	}
	if n < 1<<30 && n > -(1<<30) {
		return fmt.Sprintf("%dMi", n>>20)
	}
	return strings.TrimSuffix(strconv.FormatFloat(float64(n)/(1<<30), 'f', 1, 64), ".0") + "Gi"
}

// percent of a total, rounded; "-" of nothing.
func percent(part, total int64) string {
	if total <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", 100*float64(part)/float64(total))
}

// share writes requested of allocatable: "3.5/8 44%".
func share(part, total int64, unit func(int64) string) string {
	return unit(part) + "/" + unit(total) + " " + percent(part, total)
}

func ratio(part, total int64) float64 {
	if total <= 0 {
		return 0
	}
	return float64(part) / float64(total)
}

func usage(u v1alpha1.Usage, value func(resource.Quantity) int64, unit func(int64) string) string {
	if u.Allocatable.IsZero() {
		return ""
	}
	return share(value(u.Requested), value(u.Allocatable), unit)
}

func milli(q resource.Quantity) int64     { return q.MilliValue() }
func byteCount(q resource.Quantity) int64 { return q.Value() }
