package snapshot

import (
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"
)

const (
	goodHeader = `{"kind":"Simulation","version":1,"scenarios":[{"name":"s","rounds":[{"evict":[{"namespace":"shop","name":"web-1","recreate":true}]}]}]}`
	goodPod    = `{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"shop","name":"web-1"},"spec":{"nodeName":"w1"}}`
	goodNode   = `{"kind":"Node","apiVersion":"v1","metadata":{"name":"w1"}}`
)

func header(scenario string) string {
	return `{"kind":"Simulation","version":1,"scenarios":[` + scenario + `]}`
}

func TestReadRefuses(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"nothing", nil, "line 1: the input is empty"},
		{"blank lines only", []string{"", "  "}, "line 1: the input is empty"},
		{"no header", []string{goodPod}, `line 1: the first line must be a header of kind Simulation, not "Pod"`},
		{"not JSON", []string{"hello"}, "line 1: reading the header: invalid character 'h'"},
		{"another version", []string{`{"kind":"Simulation","version":2,"scenarios":[{}]}`}, "line 1: header version 2 is not supported"},
		{"no scenarios", []string{header("")}, "line 1: the header has no scenarios"},
		{"a misspelt field", []string{header(`{"rounds":[{"evit":[]}]}`)}, `line 1: reading the header: json: unknown field "evit"`},
		{"an eviction of nothing", []string{header(`{"name":"s","rounds":[{"evict":[{"name":"web-1"}]}]}`)}, `line 1: scenario "s", round 1: an eviction needs a namespace and a name`},
		{"no copies", []string{header(`{"name":"s","rounds":[{"copies":[{"namespace":"shop","name":"web-1"}]}]}`), goodPod}, "line 1: scenario \"s\", round 1: copies of pod shop/web-1: count 0 is not between"},
		{"too many copies", []string{header(`{"name":"s","rounds":[{"copies":[{"namespace":"shop","name":"web-1","count":1000000}]}]}`), goodPod}, "count 1000000 is not between 1 and 100000"},
		{"an unknown pod", []string{goodHeader, goodNode}, `line 1: scenario "s", round 1: pod shop/web-1 is not in the snapshot`},
		{"an unknown node to cordon", []string{header(`{"name":"s","cordon":["w9"]}`), goodNode}, `line 1: scenario "s": node "w9" is not in the snapshot`},
		{"an unknown node to remove", []string{header(`{"name":"s","remove":["w9"]}`), goodNode}, `line 1: scenario "s": node "w9" is not in the snapshot`},
		{"evicted twice at once", []string{header(`{"name":"s","rounds":[{"evict":[{"namespace":"shop","name":"web-1"},{"namespace":"shop","name":"web-1"}]}]}`), goodPod}, "round 1: pod shop/web-1 is evicted twice"},
		{"evicted after it is gone", []string{header(`{"name":"s","rounds":[{"evict":[{"namespace":"shop","name":"web-1"}]},{"evict":[{"namespace":"shop","name":"web-1"}]}]}`), goodPod}, "round 2: pod shop/web-1 was already evicted in round 1 and not recreated"},
		{"a broken object", []string{goodHeader, goodNode, "", `{"kind":"Pod"`}, "line 4: reading an object: unexpected end of JSON input"},
		{"a broken pod", []string{goodHeader, `{"apiVersion":"v1","kind":"Pod","spec":{"containers":7}}`}, "line 2: reading a Pod: json: cannot unmarshal number into Go struct field PodSpec.spec.containers"},
		{"an array", []string{goodHeader, `[]`}, "line 2: reading an object: json: cannot unmarshal array"},
		{"no kind", []string{goodHeader, `{"apiVersion":"v1"}`}, "line 2: the object has no apiVersion or no kind"},
		{"no name", []string{goodHeader, `{"apiVersion":"v1","kind":"Node"}`}, "line 2: a Node has no metadata.name"},
		{"no namespace", []string{goodHeader, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"}}`}, `line 2: Pod "x" has no metadata.namespace`},
		{"a namespace too many", []string{goodHeader, `{"apiVersion":"v1","kind":"Node","metadata":{"name":"x","namespace":"y"}}`}, `line 2: Node "x" has a metadata.namespace`},
		{"an object twice", []string{goodHeader, goodPod, goodNode, goodPod}, "line 4: Pod shop/web-1 is there twice"},
		{"a bad quantity", []string{goodHeader, `{"apiVersion":"v1","kind":"Node","metadata":{"name":"x"},"status":{"allocatable":{"cpu":"many"}}}`}, "line 2: reading a Node: quantities must match"},
		{"a long line", []string{goodHeader, goodNode, strings.Repeat("x", maxLine+1)}, "line 3: the line is longer than 4 MiB"},
		{"many objects", []string{goodHeader, strings.Repeat("{\"apiVersion\":\"v1\",\"kind\":\"Event\"}\n", maxObjects+1)}, "line 200002: the snapshot has more than 200000 objects"},
		{"broken compression", []string{"\x1f\x8bnonsense"}, "opening the compressed input: gzip: invalid header"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			input := strings.Join(tt.lines, "\n")
			_, _, err := Read(strings.NewReader(input))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("the error is %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestReadNamesTheFirstFault(t *testing.T) {
	// Lines are decoded in parallel; the fault that is told must not depend on it.
	lines := []string{goodHeader, goodPod}
	for range 5000 {
		lines = append(lines, `{"apiVersion":"v1","kind":"Node"}`, strings.Repeat(" ", 300)+"{")
	}
	for range 10 {
		var fault *InputError
		_, _, err := Read(strings.NewReader(strings.Join(lines, "\n")))
		if !errors.As(err, &fault) || fault.Line != 3 {
			t.Fatalf("the error is %v, want one of line 3", err)
		}
	}
}

func TestReadCompressed(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(goodHeader + "\r\n\r\n" + goodNode + "\n" + goodPod + "\n{\"apiVersion\":\"v1\",\"kind\":\"Secret\"}")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	_, snap, err := Read(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	if snap.Nodes != 1 || snap.Pods != 1 || snap.Ignored != 1 {
		t.Errorf("%d nodes, %d pods, %d ignored", snap.Nodes, snap.Pods, snap.Ignored)
	}
	if _, _, err := Read(bytes.NewReader(whole[:len(whole)-12])); err == nil || !strings.Contains(err.Error(), "reading the input: unexpected EOF") {
		t.Errorf("a truncated file gave %v", err)
	}
}

func TestReadCompletesTrimmedPods(t *testing.T) {
	_, snap, err := Read(strings.NewReader(strings.Join([]string{
		goodHeader, goodPod,
		`{"apiVersion":"scheduling.k8s.io/v1","kind":"PriorityClass","metadata":{"name":"high"},"value":7,"preemptionPolicy":"Never"}`,
		`{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"shop","name":"web-2"},"spec":{"priorityClassName":"high","containers":[{"name":"c","env":[{"name":"A","value":"b"}],"image":"i"}]}}`,
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	one, two := snap.Pod("shop", "web-1"), snap.Pod("shop", "web-2")
	if one.UID == "" || one.Status.Phase != "Running" || one.Spec.SchedulerName != "default-scheduler" {
		t.Errorf("web-1 is %+v", one)
	}
	if two.Status.Phase != "Pending" || two.Spec.Priority == nil || *two.Spec.Priority != 7 || *two.Spec.PreemptionPolicy != "Never" {
		t.Errorf("web-2 is %+v", two)
	}
	if c := two.Spec.Containers[0]; c.Image != "i" || c.Env != nil {
		t.Errorf("the container is %+v", c)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(goodHeader + "\n" + goodNode + "\n" + goodPod))
	f.Add([]byte(header(`{"name":"s","cordon":["w1"],"remove":["w1"],"rounds":[{"copies":[{"namespace":"shop","name":"web-1","count":2}]}]}`) + "\n" + goodPod + "\n" + goodNode))
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00"))
	f.Add([]byte(goodHeader + "\n" + `{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"p"},"spec":{"capacity":{"storage":"1Gi"}}}`))
	f.Fuzz(func(t *testing.T, input []byte) {
		h, snap, err := Read(bytes.NewReader(input))
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		if snap.Pods < 0 || len(h.Scenarios) == 0 {
			t.Errorf("read %d pods and %d scenarios", snap.Pods, len(h.Scenarios))
		}
	})
}
