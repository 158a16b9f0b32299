package hostpath

import (
	"slices"
	"strings"
)

// deviceDirectories are the directories of /dev that are not volume groups.
var deviceDirectories = strings.Fields(`block bsg bus cachefiles char cpu disk dm dma_heap dri drbd dvb fd fdset hugepages
	infiniband input mapper md mqueue net nvidia-caps pts raw rbd shm snd usb vduse vfio xen zvol`)

// LogicalVolume returns the name in /dev/mapper of a logical volume, which has two names: LVM makes
// /dev/GROUP/VOLUME a link to /dev/mapper/GROUP-VOLUME, with dashes inside either doubled. It returns
// any other path in normal form unchanged.
func LogicalVolume(name string) string {
	rest, ok := strings.CutPrefix(name, "/dev/")
	group, volume, two := strings.Cut(rest, "/")
	if !ok || !two || strings.Contains(volume, "/") || slices.Contains(deviceDirectories, group) {
		return name
	}
	double := func(s string) string { return strings.ReplaceAll(s, "-", "--") }
	return "/dev/mapper/" + double(group) + "-" + double(volume)
}

// VolumeDirectory is the inverse of LogicalVolume: it returns the name below the directory of the
// volume group. ok is false for a path that is not that of a logical volume in /dev/mapper.
func VolumeDirectory(name string) (path string, ok bool) {
	rest, ok := strings.CutPrefix(name, "/dev/mapper/")
	if !ok {
		return "", false
	}
	group, volume, ok := strings.Cut(strings.ReplaceAll(rest, "--", "\x00"), "-")
	if !ok || strings.Contains(volume, "-") {
		return "", false
	}
	return "/dev/" + strings.ReplaceAll(group+"/"+volume, "\x00", "-"), true
}
