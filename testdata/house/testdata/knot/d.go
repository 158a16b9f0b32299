package knot

// D is used by a.
const D = 1
