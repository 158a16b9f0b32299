// Package knot has three files that all reach each other and one that reaches none.
package knot

// A is used by c.
func A() T { return T{D} }
