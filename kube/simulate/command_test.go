package simulate

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kanrin.dev/kanrin/kube/snapshot"
)

func TestCommand(t *testing.T) {
	input := encode(t, []snapshot.Scenario{{Name: "drain", Cordon: []string{"w1"}, Rounds: []snapshot.Round{evict("web-1")}}},
		node("w1"), node("w2"), pod("web-1", "w1")).Bytes()
	file := filepath.Join(t.TempDir(), "snapshot")
	if err := os.WriteFile(file, input, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, talk bytes.Buffer
	if code := Command([]string{"-snapshot", file}, strings.NewReader("not read"), &out, &talk); code != 0 {
		t.Fatalf("exit code %d: %s", code, talk.String())
	}
	if talk.Len() > 0 {
		t.Errorf("standard error is %q", talk.String())
	}
	var r Result
	dec := json.NewDecoder(&out)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if r.Version != 1 || !strings.HasPrefix(r.Kubernetes, "v") || len(r.Scenarios) != 1 || r.Seconds <= 0 || r.PeakBytes < 1<<20 {
		t.Errorf("the answer is %+v", r)
	}
	if r.Objects != (Objects{Nodes: 2, Pods: 1}) {
		t.Errorf("objects are %+v", r.Objects)
	}
	want := Placement{Round: 1, Namespace: "shop", Pod: "web-1", Replacement: "web-1-sim1", Node: "w2"}
	if len(r.Scenarios[0].Placements) != 1 || r.Scenarios[0].Placements[0] != want {
		t.Errorf("placements are %+v", r.Scenarios[0].Placements)
	}
}

func TestCommandEmptyListsAreLists(t *testing.T) {
	var out, talk bytes.Buffer
	if code := Command(nil, strings.NewReader(header(`{"name":"nothing"}`)), &out, &talk); code != 0 {
		t.Fatalf("exit code %d: %s", code, talk.String())
	}
	if s := out.String(); !strings.Contains(s, `"placements":[],"preempted":[]`) {
		t.Errorf("the answer is %s", s)
	}
}

func TestCommandUsage(t *testing.T) {
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-h"}, 0, "kanrin-kube simulate"},
		{[]string{"-nonsense"}, 2, "flag provided but not defined"},
		{[]string{"file"}, 2, `unexpected argument "file"`},
		{[]string{"-snapshot", "/nonexistent/file"}, 2, "opening the snapshot"},
	} {
		var out, talk bytes.Buffer
		if code := Command(tt.args, strings.NewReader(""), &out, &talk); code != tt.code || !strings.Contains(talk.String(), tt.want) || out.Len() > 0 {
			t.Errorf("%v: exit code %d, %q", tt.args, code, talk.String())
		}
	}
}

func TestCommandRefusesBadInput(t *testing.T) {
	for _, input := range []string{"", "hello", header(`{"name":"s","cordon":["w9"]}`), header(`{"name":"s"}`) + "\n{"} {
		var out, talk bytes.Buffer
		if code := Command(nil, strings.NewReader(input), &out, &talk); code != 2 || out.Len() > 0 || !strings.HasPrefix(talk.String(), "simulate: line ") {
			t.Errorf("%q: exit code %d, %q, %q", input, code, out.String(), talk.String())
		}
	}
}

func header(scenario string) string {
	return `{"kind":"Simulation","version":1,"scenarios":[` + scenario + `]}`
}
