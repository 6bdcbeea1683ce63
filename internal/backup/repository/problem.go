package repository

// String says what is wrong with what.
func (p Problem) String() string {
	s := p.Object + ": " + string(p.Fault)
	if p.Err != nil {
		s += ": " + p.Err.Error()
	}
	return s
}
