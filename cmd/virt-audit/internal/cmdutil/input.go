package cmdutil

import (
	"github.com/virt-audit/virt-audit/audit/files"
)

// The largest files that are read, in bytes, of those that options, arguments and the configuration
// name. A report over ten thousand guests has some 100 MB.
const (
	MaxReport = 512 << 20 // a report, and a baseline
	MaxPolicy = 1 << 20
	MaxFacts  = 16 << 20 // a file about a host; capabilities take some 100 KB
)

// ReadFile reads a file that decides what a command does: a regular file, or an open pipe that the
// caller named by its descriptor. A user who can write the file cannot make the command wait, or
// use all memory.
func ReadFile(name string, limit int64) ([]byte, error) {
	if err := files.CheckLinks(name); err != nil {
		return nil, err
	}
	return files.Read(name, limit)
}

// ReadInput is [ReadFile], or standard input for "-".
func (s *Streams) ReadInput(name string, limit int64) ([]byte, error) {
	if name == "-" {
		return files.Limited(s.In, "<stdin>", limit)
	}
	return ReadFile(name, limit)
}
