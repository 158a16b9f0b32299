package reach

import "strings"

// Role is what a guest has a file, an image or a directory for. It decides what happens if another
// guest reaches the same one.
type Role uint8

// The roles. Everything else has NoRole: a key, a socket, a host device.
const (
	NoRole   Role = iota
	Disk          // content of the guest: a disk, or a file system of a container
	Backing       // a layer below a disk, which is only read
	Share         // a directory with all that is in it
	Firmware      // the code, or the flash, that the guest's CPU starts in
	Boot          // what the guest is started with besides: kernel, tables, ROMs, templates
	State         // what the guest's firmware and TPM remember
	Memory        // memory that others can map
	Output        // what is only written: a console, a log, a trace
)

var roleWords = map[string]Role{
	"disk": Disk, "share": Share, "firmware": Firmware, "boot": Boot, "state": State, "memory": Memory,
}

// roles reads the lines "role ROLE ID..." of a table.
func roles(text string) map[string]Role {
	out := map[string]Role{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "role" {
			continue
		}
		role, ok := roleWords[fields[1]]
		if !ok {
			panic("reach: no role " + fields[1])
		}
		for _, id := range fields[2:] {
			out[id] = role
		}
	}
	return out
}
