// Package house measures how the packages of the module are built: their lines, and which of their
// files depend on each other.
//
// A file reaches another file of its package if it uses a constant, variable, type, function,
// method or field that the other file declares. Files that all reach each other are a knot: none of
// them can be understood, tested or moved without the others. A package may have no knot of more
// than seven files.
package house
