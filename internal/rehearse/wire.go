package rehearse

// The form in which `kanrin-kube simulate` is asked: a header line, then one object per line. kube/simulate has the other end; a test
// runs both together.

type header struct {
	Kind      string     `json:"kind"`
	Version   int        `json:"version"`
	Scenarios []Scenario `json:"scenarios"`
}

// Scenario is a sequence of rounds played from the snapshot on. Scenarios of one run do not see each other.
type Scenario struct {
	Name string `json:"name"`
	// Cordon marks nodes unschedulable, Remove takes them away with the pods on them.
	Cordon []string `json:"cordon,omitempty"`
	Remove []string `json:"remove,omitempty"`
	Rounds []Round  `json:"rounds,omitempty"`
}

// Round is what happens at once; the scheduler comes to rest before the next.
type Round struct {
	Evict  []Eviction `json:"evict,omitempty"`
	Copies []Copy     `json:"copies,omitempty"`
}

// Eviction of one pod; Recreate says that its controller makes a new one.
type Eviction struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Recreate  bool   `json:"recreate"`
}

// Copy adds pods like the named one.
type Copy struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Count     int    `json:"count"`
}

// Result of a rehearsal.
type Result struct {
	Version    int              `json:"version"`
	Kubernetes string           `json:"kubernetes"`
	Scenarios  []ScenarioResult `json:"scenarios"`
	Objects    struct {
		Nodes   int `json:"nodes"`
		Pods    int `json:"pods"`
		Ignored int `json:"ignored"`
	} `json:"objects"`
	Seconds   float64 `json:"seconds"`
	PeakBytes int64   `json:"peakBytes"`
}

// ScenarioResult is where everything went.
type ScenarioResult struct {
	Name       string       `json:"name"`
	Placements []Placement  `json:"placements"`
	Preempted  []Preemption `json:"preempted"`
	Seconds    float64      `json:"seconds"`
}

// Placement of the pod that replaces an evicted (or copied) one. Without a Node it stays pending, for the scheduler's Reason.
type Placement struct {
	Round       int    `json:"round"`
	Namespace   string `json:"namespace"`
	Pod         string `json:"pod"`
	Replacement string `json:"replacement"`
	Copy        bool   `json:"copy"`
	Node        string `json:"node"`
	Reason      string `json:"reason"`
}

// Preemption of a pod by one of higher priority.
type Preemption struct {
	Namespace string `json:"namespace"`
	Pod       string `json:"pod"`
	Node      string `json:"node"`
	By        string `json:"by"`
}
