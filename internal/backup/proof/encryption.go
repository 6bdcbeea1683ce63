package proof

import (
	"errors"
	"fmt"

	"sigs.k8s.io/yaml"
)

// encryption is the set's EncryptionConfiguration without providers of the type kms: those are programs elsewhere, reached
// through a socket that the scratch API server must not touch. What they encrypted is then found unreadable.
func (r *run) encryption() ([]byte, error) {
	if r.in.Encryption == nil {
		return nil, nil
	}
	var conf map[string]any
	if err := yaml.Unmarshal(r.in.Encryption, &conf); err != nil {
		return nil, errors.New("it is not YAML") // the error might quote a key
	}
	if conf["kind"] != "EncryptionConfiguration" {
		return nil, fmt.Errorf("its kind is %.40q", fmt.Sprint(conf["kind"]))
	}
	rules, ok := conf["resources"].([]any)
	if !ok || len(rules) == 0 {
		return nil, errors.New("it names no resources")
	}
	changed := false
	for _, rule := range rules {
		rule, ok := rule.(map[string]any)
		if !ok {
			return nil, errors.New("its resources are not objects")
		}
		providers, ok := rule["providers"].([]any)
		if !ok {
			return nil, errors.New("a rule of it names no providers")
		}
		var kept []any
		for _, p := range providers {
			provider, ok := p.(map[string]any)
			if !ok {
				return nil, errors.New("its providers are not objects")
			}
			kms, remote := provider["kms"]
			if !remote {
				kept = append(kept, p)
				continue
			}
			changed = true
			name := ""
			if kms, ok := kms.(map[string]any); ok {
				name, _ = kms["name"].(string)
			}
			r.excluded.add(ExcludedKMS, "", "provider", name)
		}
		if len(kept) == 0 {
			kept = []any{map[string]any{"identity": map[string]any{}}}
		}
		rule["providers"] = kept
	}
	if !changed {
		return r.in.Encryption, nil
	}
	data, err := yaml.Marshal(conf)
	if err != nil {
		return nil, errors.New("it cannot be written anew")
	}
	return data, nil
}
