package knot

// T is used by a; its method is declared in c.
type T struct{ Field int }

// Call uses c by its method alone.
func Call(t T) int { return t.Method() }
