package reach

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// exemption is a pattern of positions that name nothing of the host.
type exemption struct {
	pattern, reason string
	used            bool
}

func exemptions(t *testing.T, file string) []*exemption {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []*exemption
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' && !strings.HasPrefix(line, "#/") {
			continue
		}
		pattern, reason, ok := strings.Cut(line, " ")
		if !ok {
			t.Errorf("%s: %q has no reason", file, line)
		}
		out = append(out, &exemption{pattern: pattern, reason: strings.TrimSpace(reason)})
	}
	return out
}

// covers reports whether a pattern is of a position: elements in between "/", then @attribute or #.
func (e *exemption) covers(position string) bool {
	split := func(s string) []string {
		i := strings.IndexAny(s, "@#")
		if i < 0 {
			return strings.Split(s, "/")
		}
		return append(strings.Split(s[:i], "/"), s[i:])
	}
	return coversSteps(split(e.pattern), split(position))
}

func coversSteps(pattern, steps []string) bool {
	switch {
	case len(pattern) == 0:
		return len(steps) == 0
	case pattern[0] == "**":
		for i := range len(steps) + 1 {
			if coversSteps(pattern[1:], steps[i:]) {
				return true
			}
		}
		return false
	case len(steps) == 0:
		return false
	}
	// A last step without attribute or text stands for either.
	last := len(pattern) == 1 && len(steps) == 2 && (steps[1][0] == '@' || steps[1][0] == '#')
	ok, _ := path.Match(pattern[0], steps[0])
	return ok && (last || coversSteps(pattern[1:], steps[1:]))
}

// naming reports whether a text of that datatype could name something: it is not a number, nor one
// of some words.
func naming(datatype string) bool {
	return slices.ContainsFunc(strings.Split(datatype, "|"), func(t string) bool {
		return t != "number" && !strings.HasPrefix(t, "=")
	})
}

// hostTypes are the datatypes that exist to name a file, a device or an address.
var hostTypes = []string{
	"absFilePath", "absDirPath", "filePath", "vmwarePath", "deviceName", "dnsName", "ipv4Addr", "ipv6Addr", "dbusAddr", "wwn", "usbId",
	"volName", "filter-param-value", "bridgeMode",
}

func ofHost(datatype string) bool {
	return slices.ContainsFunc(strings.Split(datatype, "|"), func(t string) bool { return slices.Contains(hostTypes, t) })
}

// TestSchema holds the table of positions against libvirt's own schema.
func TestSchema(t *testing.T) {
	table := parseTable(positionsText, map[string]bool{})
	exempt := exemptions(t, "exemptions.txt")
	data, err := os.ReadFile("testdata/schema.txt")
	if err != nil {
		t.Fatal(err)
	}
	var total, named, covered, excused, strict, strictCovered int
	known := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		position, datatype, _ := strings.Cut(strings.TrimSpace(line), " ")
		if position == "#" {
			continue
		}
		total++
		at := strings.TrimPrefix(strings.TrimPrefix(position, "domain"), "/")
		known[at] = true
		inTable := table.places[at]
		excuse := slices.IndexFunc(exempt, func(e *exemption) bool { return e.covers(position) })
		switch {
		case inTable:
			covered++
		case !naming(datatype):
		case excuse >= 0:
			excused++
			exempt[excuse].used = true
		default:
			t.Errorf("%s (%s) is neither in positions.txt nor in exemptions.txt", position, datatype)
		}
		if inTable || naming(datatype) {
			named++
		}
		if ofHost(datatype) {
			strict++
			if inTable {
				strictCovered++
			}
		}
	}
	for _, e := range exempt {
		if !e.used {
			t.Errorf("exemptions.txt: %s exempts nothing", e.pattern)
		}
	}
	for at := range table.places {
		if at := strings.TrimSuffix(at, "."); at == strings.TrimRight(at, "@#") && !strings.ContainsAny(at, "@#") {
			continue // an element
		}
		if !known[at] && !older[at] {
			t.Errorf("positions.txt: the schema has no %s", at)
		}
	}
	t.Logf("positions of the schema: %d, of which %d could name something: %d in the table, %d exempt", total, named, covered, excused)
	t.Logf("positions whose datatype is a path, device or address: %d, of which %d in the table, %d exempt",
		strict, strictCovered, strict-strictCovered)
}

// older are places that libvirt 12.8's schema lacks though libvirt reads them.
var older = map[string]bool{"devices/filesystem/source@pool": true, "devices/filesystem/source@volume": true}
