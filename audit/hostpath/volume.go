package hostpath

import (
	"slices"
	"strings"
)

// deviceDirectories are the directories of /dev that are not volume groups.
var deviceDirectories = strings.Fields(`block bsg bus char cpu dri fd hugepages input mapper md mqueue net pts shm snd usb vfio`)

// LogicalVolume returns the name in /dev/mapper of a logical volume, which has two names. It returns
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
