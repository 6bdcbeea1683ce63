package proof

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
)

// Code says what kind of Problem it is; Params of a code are always the same.
type Code string

// Problems of the snapshot and the store.
const (
	SnapshotDiffers Code = "SnapshotDiffers" // SHA-256 or size is not what the index recorded: want, have
	RestoreFailed   Code = "RestoreFailed"   // no data directory can be made of the snapshot: reason
	EtcdFailed      Code = "EtcdFailed"      // etcd does not start on it: reason
	EtcdAlarm       Code = "EtcdAlarm"       // the snapshot holds an alarm, which was disarmed: alarm
	KeyMissing      Code = "KeyMissing"      // in the index, not in etcd
	KeyUnknown      Code = "KeyUnknown"      // in etcd, not in the index
	KeyDiffers      Code = "KeyDiffers"      // what: ModRevision, CreateRevision, Version, Lease or Value
)

// Problems of the API.
const (
	APIFailed         Code = "APIFailed"         // the API server does not start: reason
	APINotReady       Code = "APINotReady"       // it answers, and says that it is not ready: reason
	DiscoveryFailed   Code = "DiscoveryFailed"   // a group cannot be asked for: reason
	NotServed         Code = "NotServed"         // objects are stored of a resource that this Kubernetes does not serve: count, example, kubernetes
	DefinitionMissing Code = "DefinitionMissing" // custom resources are stored without a definition that is served: count, example
	DecryptFailed     Code = "DecryptFailed"     // the value is encrypted and cannot be decrypted: provider, key
	Unreadable        Code = "Unreadable"        // the API cannot read the stored value: reason
	NotListed         Code = "NotListed"         // stored, and not in the list
	NotExamined       Code = "NotExamined"       // not looked at, after too many problems or because the API server does not know the resource yet: count
	EncryptionInvalid Code = "EncryptionInvalid" // the EncryptionConfiguration cannot be read: reason
	// MoreProblems stands for those beyond the first hundred of a code: code, count.
	MoreProblems Code = "MoreProblems"
)

// What is excluded.
const (
	ExcludedAggregated Code = "AggregatedAPI"     // an APIService that another server answers
	ExcludedAdmission  Code = "AdmissionWebhook"  // a webhook configuration; its webhooks were not called
	ExcludedConversion Code = "ConversionWebhook" // custom resources of other versions were listed without their webhook
	ExcludedKMS        Code = "KMS"               // an encryption provider that is a program elsewhere: provider
	ExcludedOtherKeys  Code = "OtherKeys"         // keys that are not the API server's; they were read back only: count
	ExcludedUnserved   Code = "Unserved"          // keys that the API server keeps for itself; they were read back only: count
)

// Problem is something that keeps a set from being proven (or, in Result.Excluded, something that a proof does not show).
type Problem struct {
	Code Code
	// Object is a key of etcd, "resource.group/namespace/name", "resource.group", or empty.
	Object string
	Params map[string]string
}

func (p Problem) String() string {
	return fmt.Sprintf("%s %s %v", p.Code, p.Object, p.Params)
}

const keptProblems = 100

// problems collects at most keptProblems of each code.
type problems struct {
	mu     sync.Mutex
	kept   []Problem
	counts map[Code]int
}

func (p *problems) add(code Code, object string, params ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.counts == nil {
		p.counts = map[Code]int{}
	}
	p.counts[code]++
	if p.counts[code] > keptProblems {
		return
	}
	problem := Problem{Code: code, Object: object}
	for i := 0; i+1 < len(params); i += 2 {
		if problem.Params == nil {
			problem.Params = map[string]string{}
		}
		problem.Params[params[i]] = params[i+1]
	}
	p.kept = append(p.kept, problem)
}

// once is add for what may come up many times.
func (p *problems) once(code Code, object string, params ...string) {
	p.mu.Lock()
	known := slices.ContainsFunc(p.kept, func(k Problem) bool {
		return k.Code == code && k.Object == object && len(params) == 2 && k.Params[params[0]] == params[1]
	})
	p.mu.Unlock()
	if !known {
		p.add(code, object, params...)
	}
}

// save returns what resets p to its present state.
func (p *problems) save() (reset func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept, counts := slices.Clone(p.kept), maps.Clone(p.counts)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.kept, p.counts = kept, counts
	}
}

// any says whether there is one of the codes.
func (p *problems) any(codes ...Code) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(codes, func(c Code) bool { return p.counts[c] > 0 })
}

func (p *problems) all() []Problem {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := slices.Clone(p.kept)
	var codes []Code
	for code, n := range p.counts {
		if n > keptProblems {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	for _, code := range codes {
		out = append(out, Problem{Code: MoreProblems, Params: map[string]string{
			"code": string(code), "count": strconv.Itoa(p.counts[code] - keptProblems),
		}})
	}
	return out
}
