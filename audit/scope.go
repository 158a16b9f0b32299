package audit

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/policy"
)

// scopeNotes returns what the policy does not cover although the guest is inside: a line for each
// exclusion of the edition that applies to the document.
func scopeNotes(d *Domain, e *policy.Edition) []string {
	if !e.Excludes(policy.Backends) {
		return nil
	}
	devices := backendDevices(d)
	if len(devices) == 0 {
		return nil
	}
	return []string{"the policy does not cover the back-ends of these devices: " + strings.Join(devices, ", ")}
}

// backendDevices returns the kinds of the guest's devices that run in another process by vhost-user
// or vfio-user, each once: "vhost-user network interface".
func backendDevices(d *Domain) (kinds []string) {
	note := func(is bool, kind string) {
		if is && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	for i := range d.Devices.Interfaces {
		s := d.Devices.Interfaces[i].Source
		note(s != nil && s.VHostUser != nil, "vhost-user network interface")
	}
	for i := range d.Devices.Disks {
		s := d.Devices.Disks[i].Source
		note(s != nil && s.VHostUser != nil, "vhost-user disk")
	}
	for i := range d.Devices.Filesystems {
		f := &d.Devices.Filesystems[i]
		note(f.Driver != nil && f.Driver.Type == "virtiofs", "virtiofs filesystem")
	}
	for i := range d.Devices.Videos {
		v := &d.Devices.Videos[i]
		note(v.Driver != nil && v.Driver.Name == "vhostuser", "vhost-user video card")
	}
	for i := range d.Command.Options {
		note(true, backend(&d.Command.Options[i]))
	}
	return slices.DeleteFunc(kinds, func(k string) bool { return k == "" })
}

// backend returns the kind of a device with a back-end that the option adds, or "".
func backend(o *Option) string {
	switch o.Name {
	case "device":
		switch driver := o.First("driver"); {
		case strings.HasPrefix(driver, "vhost-user-"):
			return "vhost-user device of qemu:commandline"
		case strings.HasPrefix(driver, "vfio-user-"):
			return "vfio-user device of qemu:commandline"
		}
	case "netdev":
		if o.First("type") == "vhost-user" {
			return "vhost-user network interface"
		}
	}
	return ""
}
