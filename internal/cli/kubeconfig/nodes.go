package kubeconfig

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// replace puts value under name in a list of named things, such as clusters.
func replace(root *yaml.Node, list, item, name string, value *yaml.Node) error {
	entry := mapping("name", name)
	putNode(entry, item, value)
	seq := get(root, list)
	if seq == nil || seq.Kind == yaml.ScalarNode && seq.Tag == "!!null" {
		putNode(root, list, &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{entry}})
		return nil
	}
	if seq.Kind != yaml.SequenceNode {
		return fmt.Errorf("%w: %s is not a list", ErrGarbage, list)
	}
	removeNamed(root, list, name)
	seq.Content = append(seq.Content, entry)
	seq.Style &^= yaml.FlowStyle
	return nil
}

func removeNamed(root *yaml.Node, list, name string) {
	seq := get(root, list)
	if name == "" || seq == nil || seq.Kind != yaml.SequenceNode {
		return
	}
	kept := seq.Content[:0]
	for _, entry := range seq.Content {
		if n := get(entry, "name"); n != nil && n.Value == name {
			continue
		}
		kept = append(kept, entry)
	}
	seq.Content = kept
}

func mapping(pairs ...string) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i < len(pairs); i += 2 {
		put(m, pairs[i], pairs[i+1])
	}
	return m
}

func get(m *yaml.Node, key string) *yaml.Node {
	if m.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

func put(m *yaml.Node, key, value string) {
	n := &yaml.Node{}
	n.SetString(value)
	putNode(m, key, n)
}

func putNode(m *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content[i+1] = value
			return
		}
	}
	k := &yaml.Node{}
	k.SetString(key)
	m.Content = append(m.Content, k, value)
}
