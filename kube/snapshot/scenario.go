package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Limits on what one scenario list may ask for; beyond them the caller has made
// a mistake, and an answer would take hours.
const (
	maxScenarios = 1000
	maxNewPods   = 100_000
)

// Header is the first line of the input.
type Header struct {
	Kind      string     `json:"kind"`
	Version   int        `json:"version"`
	Scenarios []Scenario `json:"scenarios"`
}

// Scenario is one thing to try on the snapshot.
type Scenario struct {
	Name string `json:"name"`
	// Cordon names nodes that take no new pods.
	Cordon []string `json:"cordon,omitempty"`
	// Remove names nodes that are gone, and their pods with them.
	Remove []string `json:"remove,omitempty"`
	// Rounds happen one after the other, each when the scheduler has nothing
	// left to do for the one before.
	Rounds []Round `json:"rounds,omitempty"`
}

// Round is a set of pods that leave, or are added, at the same time.
type Round struct {
	Evict  []Eviction `json:"evict,omitempty"`
	Copies []Copies   `json:"copies,omitempty"`
}

// Eviction deletes a pod; Recreate says that a controller makes a new one.
type Eviction struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Recreate  bool   `json:"recreate,omitempty"`
}

// Copies adds Count pods that are like an existing one, which stays.
type Copies struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Count     int    `json:"count"`
}

// parseHeader reads the first line. Unknown fields are refused, because a
// misspelt "evict" would otherwise yield a rehearsal of nothing.
func parseHeader(line []byte) (*Header, error) {
	var kind struct {
		Kind    string `json:"kind"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(line, &kind); err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	if kind.Kind != "Simulation" {
		return nil, fmt.Errorf("the first line must be a header of kind Simulation, not %q", kind.Kind)
	}
	if kind.Version != 1 {
		return nil, fmt.Errorf("header version %d is not supported, only 1 is", kind.Version)
	}
	var h Header
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&h); err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	return &h, h.validate()
}

func (h *Header) validate() error {
	if len(h.Scenarios) == 0 {
		return errors.New("the header has no scenarios")
	}
	if len(h.Scenarios) > maxScenarios {
		return fmt.Errorf("the header has %d scenarios, more than %d", len(h.Scenarios), maxScenarios)
	}
	for _, s := range h.Scenarios {
		pods := 0
		for i, r := range s.Rounds {
			for _, e := range r.Evict {
				if e.Namespace == "" || e.Name == "" {
					return fmt.Errorf("scenario %q, round %d: an eviction needs a namespace and a name", s.Name, i+1)
				}
			}
			for _, c := range r.Copies {
				if c.Namespace == "" || c.Name == "" {
					return fmt.Errorf("scenario %q, round %d: copies need a namespace and a name", s.Name, i+1)
				}
				if c.Count < 1 || c.Count > maxNewPods {
					return fmt.Errorf("scenario %q, round %d: copies of pod %s/%s: count %d is not between 1 and %d", s.Name, i+1, c.Namespace, c.Name, c.Count, maxNewPods)
				}
				pods += c.Count
			}
			pods += len(r.Evict)
		}
		if pods > maxNewPods {
			return fmt.Errorf("scenario %q concerns %d pods, more than %d", s.Name, pods, maxNewPods)
		}
	}
	return nil
}

// check refuses scenarios that name what the snapshot does not have.
func (h *Header) check(snap *Snapshot) error {
	for _, s := range h.Scenarios {
		for _, nodes := range [][]string{s.Cordon, s.Remove} {
			for _, n := range nodes {
				if !snap.has(Nodes, "", n) {
					return fmt.Errorf("scenario %q: node %q is not in the snapshot", s.Name, n)
				}
			}
		}
		gone := map[string]int{}
		for i, r := range s.Rounds {
			known := func(namespace, name string) error {
				if !snap.has(Pods, namespace, name) {
					return fmt.Errorf("scenario %q, round %d: pod %s/%s is not in the snapshot", s.Name, i+1, namespace, name)
				}
				if before, ok := gone[Key(namespace, name)]; ok {
					return fmt.Errorf("scenario %q, round %d: pod %s/%s was already evicted in round %d and not recreated", s.Name, i+1, namespace, name, before)
				}
				return nil
			}
			inRound := map[string]bool{}
			for _, e := range r.Evict {
				if err := known(e.Namespace, e.Name); err != nil {
					return err
				}
				if k := Key(e.Namespace, e.Name); inRound[k] {
					return fmt.Errorf("scenario %q, round %d: pod %s is evicted twice", s.Name, i+1, k)
				}
				inRound[Key(e.Namespace, e.Name)] = true
			}
			for _, c := range r.Copies {
				if err := known(c.Namespace, c.Name); err != nil {
					return err
				}
			}
			for _, e := range r.Evict {
				if !e.Recreate {
					gone[Key(e.Namespace, e.Name)] = i + 1
				}
			}
		}
	}
	return nil
}
