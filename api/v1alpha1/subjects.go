package v1alpha1

// Subjects are the nodes or hosts that the request names; none for a request about the whole cluster.
func (s *OperationSpec) Subjects() []string {
	switch {
	case s.Drain != nil:
		return s.Drain.Nodes
	case s.Cordon != nil:
		return s.Cordon.Nodes
	case s.Uncordon != nil:
		return s.Uncordon.Nodes
	case s.Restart != nil:
		return s.Restart.Nodes
	case s.AddNode != nil:
		return []string{s.AddNode.Host}
	case s.RemoveNode != nil:
		return []string{s.RemoveNode.Node}
	case s.Recover != nil:
		return []string{s.Recover.Node}
	case s.RestoreCluster != nil && s.RestoreCluster.Member != "":
		return []string{s.RestoreCluster.Member}
	}
	return nil
}
