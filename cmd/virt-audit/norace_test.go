//go:build !race

package main

// underRace is true where the tests were built with -race.
const underRace = false
