package main

import (
	"github.com/virt-audit/virt-audit/audit/files"
)

// How much is read of the files that options, operands and the configuration name, in bytes. A report over ten
// thousand guests takes some 100 MB.
const (
	maxReport = 512 << 20 // a report, and a baseline
	maxPolicy = 1 << 20
	maxFacts  = 16 << 20 // a file about a host; capabilities take some 100 KB
)

// readFile reads a file that the command goes by: a regular file, or an open pipe that the caller has named by
// its descriptor. Whoever has put the file there can make the command neither wait nor take all memory.
func readFile(name string, limit int64) ([]byte, error) {
	if err := files.Trusted(name); err != nil {
		return nil, err
	}
	return files.Read(name, limit)
}

// readInput is readFile, or standard input for "-".
func (s *streams) readInput(name string, limit int64) ([]byte, error) {
	if name == "-" {
		return files.Limited(s.in, "<stdin>", limit)
	}
	return readFile(name, limit)
}
