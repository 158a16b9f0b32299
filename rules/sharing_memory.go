package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

const lookingGlassDocs = "https://looking-glass.io/docs/B7/ivshmem_shm/"

// reportSharedMemory reports the <shmem> devices.
func reportSharedMemory(p *audit.Pass) {
	if p.VerdictIs("not-qemu") {
		return
	}
	screen := showsScreen(p)
	for at, s := range audit.Each("devices/shmem", p.Devices.Shmems) {
		switch {
		case s.Server != nil || s.Model != nil && s.Model.Type == "ivshmem-doorbell":
			p.Key("server").ReportAs(audit.High, at, "memory region '%s' is shared by a server, with interrupts between the peers", s.Name)
		case screen:
			p.Key("looking-glass").ReportAs(audit.Info, at, "memory region '%s' shows the guest's screen to the users of the host who may open it", s.Name)
		default:
			p.Key("named").Reportf(at, "memory region '%s' is shared with every process that knows its name", s.Name)
		}
	}
}

// showsScreen reports whether the guest's only shared memory is that of Looking Glass, which shows
// its screen on the host: 'looking-glass' without a server, or on the command line a file of that
// name or a device of its kernel module (source: lookingGlassDocs, and "IVSHMEM with the KVMFR
// module" there).
func showsScreen(p *audit.Pass) bool {
	var passed []audit.Option
	for _, o := range p.Command.Named("device") {
		if strings.HasPrefix(o.First("driver"), "ivshmem") {
			passed = append(passed, o)
		}
	}
	switch {
	case len(passed)+len(p.Devices.Shmems) != 1:
		return false
	case len(passed) == 1:
		return passed[0].First("driver") == "ivshmem-plain" && lookingGlassFile(memoryFile(p, passed[0]))
	}
	s := &p.Devices.Shmems[0]
	return s.Name == "looking-glass" && s.Server == nil && s.Model != nil && s.Model.Type == "ivshmem-plain"
}

// memoryFile returns the path of the memory that a passed device refers to, or "".
func memoryFile(p *audit.Pass, device audit.Option) string {
	id, _ := device.Get("memdev")
	for _, o := range p.Command.Named("object") {
		if named, _ := o.Get("id"); named == id && o.First("qom-type") == "memory-backend-file" {
			file, _ := o.Get("mem-path")
			return file
		}
	}
	return ""
}

// lookingGlassFile reports whether a path is the file of Looking Glass, or /dev/kvmfr0, of which its
// kernel module can create several.
func lookingGlassFile(path string) bool {
	number, device := strings.CutPrefix(path, "/dev/kvmfr")
	return path == "/dev/shm/looking-glass" || device && number != "" && strings.Trim(number, "0123456789") == ""
}

// deleteShmem is the fix of memory that the guest shares with others.
func deleteShmem(device audit.Path) audit.Fix {
	return audit.UnsafeFix("Delete the shared memory; the guest loses it, and whatever it "+
		"exchanges through it", edit.Remove(device))
}
