package disk

import (
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Threshold is the free space below which a disk is full: the larger of both, where both are set.
type Threshold struct {
	Bytes   uint64
	Percent float64 // of the file system's size
}

// DefaultThreshold is 256 MiB or 1 %, whichever is more.
var DefaultThreshold = Threshold{Bytes: 256 << 20, Percent: 1}

var largest = *resource.NewQuantity(1<<62, resource.BinarySI)

// ParseThreshold reads a size ("512Mi", "1G"), a share ("2%"), or both separated by a comma.
func ParseThreshold(s string) (Threshold, error) {
	var t Threshold
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		if percent, ok := strings.CutSuffix(part, "%"); ok {
			p, err := strconv.ParseFloat(strings.TrimSpace(percent), 64)
			if err != nil || !(p >= 0 && p <= 90) {
				return Threshold{}, fmt.Errorf("%q is not a share between 0%% and 90%%", part)
			}
			t.Percent = p
			continue
		}
		q, err := resource.ParseQuantity(part)
		if err != nil || q.Sign() < 0 || q.Cmp(largest) > 0 {
			return Threshold{}, fmt.Errorf("%q is neither a size such as 512Mi nor a share such as 2%%", part)
		}
		t.Bytes = uint64(q.Value())
	}
	return t, nil
}

func (t Threshold) String() string {
	var parts []string
	if t.Bytes > 0 || t.Percent == 0 {
		parts = append(parts, resource.NewQuantity(int64(t.Bytes), resource.BinarySI).String())
	}
	if t.Percent > 0 {
		parts = append(parts, strconv.FormatFloat(t.Percent, 'g', -1, 64)+"%")
	}
	return strings.Join(parts, ",")
}

func (t Threshold) of(total uint64) uint64 {
	return max(t.Bytes, uint64(t.Percent/100*float64(total)))
}
