package fleet

import (
	"iter"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/hostpath"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// Kinds of resources in the index, about files, block devices, volumes and images on servers. The
// detail is the sort of the file.
const (
	fileWritten = "written"
	fileRead    = "read"
)

// Sorts of files, as messages call them.
const (
	disk          = "disk"
	shareableDisk = "shareable disk"
	backingFile   = "backing file"
	firmware      = "firmware"
	bootFile      = "boot file"
	memoryFile    = "memory"
	outputFile    = "output file"
	program       = "program"
	otherFile     = "file"
)

// Sorts of files in which a guest stores its state other than disks. One that libvirt chooses, since
// the document does not name it, has the prefix defaultState.
var (
	stateSorts    = []string{"NVRAM", "UEFI variable store", "TPM state", "crash store"}
	defaultStates = []string{"default NVRAM", "default UEFI variable store", "default TPM state", "default crash store"}
)

const defaultState = "default "

func isState(sort string) bool {
	return slices.Contains(stateSorts, strings.TrimPrefix(sort, defaultState))
}

func isDefault(sort string) bool { return strings.HasPrefix(sort, defaultState) }

func isDisk(sort string) bool { return sort == disk || sort == shareableDisk }

// reached yields what the guest reaches of its host.
func reached(p *audit.Pass) iter.Seq[*audit.Resource] {
	return func(yield func(*audit.Resource) bool) {
		list := p.Reach()
		for i := range list {
			if !yield(&list[i]) {
				return
			}
		}
	}
}

func indexFiles(p *audit.Pass) {
	resources(writtenFiles).index(p, fileWritten)
	resources(readFiles).index(p, fileRead)
}

func writtenFiles(p *audit.Pass, yield func(resource)) { files(p, true, yield) }

func readFiles(p *audit.Pass, yield func(resource)) { files(p, false, yield) }

// files walks the files that the guest, or a process for it, writes, or those that it only reads.
func files(p *audit.Pass, written bool, yield func(resource)) {
	boxed := container{pass: p}
	for r := range reached(p) {
		sort := sortOf(r)
		if sort == "" || writes(p, r) != written {
			continue
		}
		if key := fileKey(p, r, &boxed); key != "" {
			yield(resource{key: key, at: reported(r), detail: sort, from: r})
		}
	}
}

// sortOf returns the sort of a file, or "" for what is not a file, and for files that several guests
// may use at the same time: leases, pipes, devices of the host.
func sortOf(r *audit.Resource) string {
	switch r.Kind {
	case reach.File, reach.BlockDevice, reach.CharDevice, reach.VDPA, reach.Volume, reach.Remote,
		reach.Directory, reach.Socket, reach.Descriptor:
		if strings.HasPrefix(r.Name, "/dev/") && slices.Contains(harmlessNodes, r.Name) {
			return ""
		}
	case reach.Executable:
		if r.Opener == reach.GuestAlone {
			return "" // in the file system of a container
		}
		return program
	default:
		return ""
	}
	switch r.Role {
	case reach.Disk:
		if r.Shareable {
			return shareableDisk
		}
		return disk
	case reach.Backing:
		return backingFile
	case reach.Firmware:
		return firmware
	case reach.Boot:
		return bootFile
	case reach.State:
		return stateSort(r)
	case reach.Memory:
		if !holdsFiles(r) {
			return memoryFile
		}
	case reach.Output:
		if !r.Implied && !belowSystem(r.Name) {
			return outputFile
		}
	case reach.NoRole:
		if r.Kind == reach.File && r.Access&(reach.Read|reach.Write) == reach.Read && !belowSystem(r.Name) {
			return otherFile
		}
	case reach.Share:
	}
	return ""
}

func stateSort(r *audit.Resource) string {
	n := 0
	switch {
	case r.ID == "boot-varstore":
		n = 1
	case strings.HasPrefix(r.ID, "tpm-"):
		n = 2
	case strings.HasPrefix(r.ID, "mem-"):
		n = 3
	}
	if r.Implied {
		return defaultStates[n]
	}
	return stateSorts[n]
}

// holdsFiles reports whether memory of the command line is in a directory for such files: QEMU
// creates one without a name for each guest if it is given a directory (memory-backend-file).
func holdsFiles(r *audit.Resource) bool {
	if !strings.HasPrefix(r.ID, "qemu-") {
		return false
	}
	return r.Name == "/dev/shm" || r.Name == "/tmp" || r.Name == "/var/tmp" || strings.Contains(r.Name, "/huge")
}

// belowSystem reports whether a file is a node of a device or a view of the kernel: any number of
// guests can write to /dev/null and read /dev/urandom.
func belowSystem(name string) bool {
	if strings.HasPrefix(name, "/dev/shm/") {
		return false
	}
	return strings.HasPrefix(name, "/dev/") || strings.HasPrefix(name, "/proc/") || strings.HasPrefix(name, "/sys/")
}

// writes reports whether the content of the file changes. A device or server that is not only read
// is written. Of loaders, only flash is writable, and without the attribute libvirt treats the
// images that it knows, which packages install below /usr, as read-only.
func writes(p *audit.Pass, r *audit.Resource) bool {
	if l := p.OS.Loader; l != nil && r.ID == "boot-loader" {
		return l.Type == "pflash" && (l.Readonly == "no" || l.Readonly == "" && !strings.HasPrefix(r.Name, "/usr/"))
	}
	return r.Role == reach.State || r.Access&reach.Write != 0 ||
		r.Access&(reach.Whole|reach.Connect) != 0 && r.Access&reach.Read == 0
}

// fileKey returns the key of a file, or "" if its name does not mean the same for other guests.
func fileKey(p *audit.Pass, r *audit.Resource, boxed *container) string {
	name := r.Name
	switch r.Kind {
	case reach.Remote:
		return name
	case reach.Volume:
		host, _ := p.OnHost() // pools of two hosts can have the same name
		return keyOnHost("volume "+name, host)
	case reach.Descriptor:
		name, _ = p.Attr(r.At.Attr("file")) // the file that the caller opens
		name = hostpath.Opened(name)
	default:
	}
	switch {
	case strings.HasPrefix(name, "["): // in a datastore of VMware
		return name
	case !strings.HasPrefix(name, "/") || inContainerOnly(name) || boxed.holds():
		return ""
	}
	return name
}

// topic is what two guests that use one file have in common.
type topic int

const (
	nothing topic = iota
	writableDisk
	readDisk
	writableBacking
	commonState
	writableFirmware
	commonMemory
)

// bothWrite returns the topic for two guests that write the same file.
func bothWrite(mine, other string) topic {
	switch {
	case mine == firmware || other == firmware:
		return writableFirmware
	case isState(mine) && isState(other):
		if isDefault(mine) && isDefault(other) {
			return nothing // two documents of one name or UUID, see fleet-uuid-dup
		}
		return commonState
	case mine == memoryFile && other == memoryFile:
		return commonMemory
	case mine == shareableDisk && other == shareableDisk:
		return nothing
	}
	return writableDisk
}

// oneReads returns the topic for a file that one guest writes and another only reads.
func oneReads(writer, reader string) topic {
	switch {
	case reader == backingFile:
		return writableBacking
	case reader == firmware:
		return writableFirmware
	case writer == memoryFile && reader == memoryFile:
		return commonMemory
	case writer == shareableDisk && reader == shareableDisk:
		return nothing
	}
	return readDisk
}

func reads(reader, writer string) topic { return oneReads(writer, reader) }

// reportFiles reports the files that another guest uses so that the topic is the one of the rule.
func (walk resources) reportFiles(p *audit.Pass, kind string, want topic, pair func(mine, other string) topic, key, format string) {
	walk.report(p, kind, key, format, func(mine resource, other audit.Use) bool {
		if other.Domain == p.Name && (isDefault(mine.detail) || isDefault(other.Detail)) {
			return false // as above
		}
		return pair(mine.detail, other.Detail) == want
	})
}
