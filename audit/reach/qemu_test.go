package reach

import (
	"iter"
	"maps"
	"os/exec"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/reach/internal/qemulist"
)

// cliKey is what -chardev calls a member of QEMU's schema; the other options use its names.
func cliKey(group, backend, member string) string {
	if group != "chardev" {
		return member
	}
	switch member = strings.TrimPrefix(member, "data."); {
	case member == "out", member == "device":
		return "path"
	case member == "in":
		return "input-path"
	case member == "fqdn", member == "type":
		return "name"
	case strings.HasPrefix(member, "chardevs."):
		return member
	case backend == "udp" && !strings.HasSuffix(member, "host") && !strings.HasSuffix(member, "port") && strings.Contains(member, "."):
		return "" // -chardev makes addresses of IP alone
	case backend == "udp" && strings.HasPrefix(member, "local."):
		return "local" + strings.Replace(strings.TrimPrefix(member, "local.data."), "host", "addr", 1)
	}
	return member[strings.LastIndexByte(member, '.')+1:]
}

// TestOptionsComplete holds the table of options against what QEMU itself lists: 7.2 and 11.1 for
// several machines, kept in qemu.txt.
func TestOptionsComplete(t *testing.T) { complete(t, strings.Lines(qemuText)) }

// TestOptionsOfThisQEMU is the same with the installed QEMU.
func TestOptionsOfThisQEMU(t *testing.T) {
	program, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		t.Skip("no QEMU: ", err)
	}
	lines, version, err := qemulist.List(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("QEMU %s: %d lines", version, len(lines))
	if len(lines) < 1000 {
		t.Error("QEMU lists too little")
	}
	complete(t, maps.Keys(lines))
}

func complete(t *testing.T, lines iter.Seq[string]) {
	t.Helper()
	var optionCount, properties, covered, guest, ids int
	for line := range lines {
		f := strings.Fields(line)
		switch {
		case f[0] == "#", f[0] == "driver" && drivers()[f[1]]:
			continue
		case f[0] == "driver":
			t.Errorf("qemu.txt lacks -device %s", f[1])
			continue
		case f[0] == "option":
			optionCount++
			if options()[f[1]] == nil {
				t.Errorf("options.txt lacks -%s", f[1])
			}
			continue
		case len(f) == 2 || !holdsName(f[len(f)-1]):
			continue
		}
		backend, member := "", f[1]
		if len(f) == 4 {
			backend, member = f[1], f[2]
		}
		key := cliKey(f[0], backend, member)
		if key == "" {
			continue
		}
		properties++
		switch r := rowFor(f[0], backend, key, len(f) == 3); {
		case r == nil:
			t.Errorf("options.txt has no row for %s", strings.TrimSpace(line))
		case r.reader == "guest":
			guest++
		case r.reader == "id":
			ids++
		default:
			covered++
		}
	}
	t.Logf("options of QEMU: %d; properties that can hold a name: %d, of which %d of the host, %d names of other options, %d of the guest",
		optionCount, properties, covered, ids, guest)
}

func rowFor(group, backend, key string, anyBackend bool) *optionRow {
	var fallback *optionRow
	for _, r := range options()[group] {
		if !r.fits(backend, key, anyBackend) {
			continue
		}
		if r.reader != "guest" && r.reader != "id" || !anyBackend {
			return r
		}
		if fallback == nil {
			fallback = r
		}
	}
	return fallback
}
