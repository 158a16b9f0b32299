package reach

import "strings"

// Role is what a guest has a file, an image or a directory for. It decides what happens if another
// guest reaches the same one.
type Role uint8

// The roles. A resource that is none of them has NoRole: a key, a socket, a host device.
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

// role is that of the row, at the element at the top of the stack.
func (w *walker) role(r *row) Role {
	if r.role != Disk {
		return r.role
	}
	for i := range w.stack {
		switch w.stack[i].Name {
		case "backingStore":
			return Backing
		case "nvram":
			return State
		}
	}
	return Disk
}

// shareable reports whether the device at hand is marked as one that several guests may have.
func (w *walker) shareable(out *Resource) bool {
	if out.Role != Disk && out.Kind != SCSI || len(w.stack) < 3 {
		return false
	}
	for range w.stack[2].Children("shareable") {
		return true
	}
	return false
}

// role is that of the row for what it names in an argument. Images below others are only read.
func (a *argument) role(r *optionRow, kind Kind) Role {
	switch kind {
	case File, BlockDevice, CharDevice, Remote:
	case Directory:
		if r.role == Disk {
			return Share
		}
		return r.role
	default:
		return NoRole
	}
	switch {
	case r.role == Disk && strings.Contains(a.prefix, "backing."):
		return Backing
	case r.role == Boot && a.option == "bios", r.role == Disk && a.option == "pflash":
		return Firmware
	case r.role == Disk && a.option == "drive":
		if bus, _ := a.exact("if"); bus == "pflash" {
			return Firmware
		}
	}
	return r.role
}

// complete sets what follows from the rest: Output, and that nothing writes to a lower layer.
func (out *Resource) complete() {
	switch {
	case out.Role == Backing:
		out.Access &^= Write | Create
	case out.Role == NoRole && out.Kind == File && out.Access&(Read|Write) == Write:
		out.Role = Output
	}
}
