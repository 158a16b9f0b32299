// Command qemu writes qemu.txt: what the command line of QEMU takes, as the executables that are
// its arguments list it, old and new. A program with arguments of its own is one quoted word. Lines
// that the file has already stay: another QEMU takes them.
package main

import (
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/reach/internal/qemulist"
)

func main() {
	log.SetFlags(0)
	out := flag.String("out", "qemu.txt", "file to write")
	flag.Parse()
	found := map[string]bool{}
	var versions []string
	if data, err := os.ReadFile(*out); err == nil {
		for line := range strings.Lines(string(data)) {
			if !strings.HasPrefix(line, "#") {
				found[strings.TrimSpace(line)] = true
			}
		}
	}
	for _, program := range flag.Args() {
		lines, version, err := qemulist.List(program)
		if err != nil {
			log.Fatal(err)
		}
		maps.Copy(found, lines)
		if !slices.Contains(versions, version) {
			versions = append(versions, version)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# What QEMU %s list of their command lines; written by audit/reach/qemu.\n", strings.Join(versions, " and "))
	for _, line := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintln(&b, line)
	}
	if err := os.WriteFile(*out, []byte(b.String()), 0o644); err != nil {
		log.Fatal(err)
	}
}
