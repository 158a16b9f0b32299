package knot

// Method is used by b.
func (t T) Method() int { return A().Field }
