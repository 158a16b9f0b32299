package audit

// Survey is LoadAll for the pass that fills an Index: it leaves out the parts of a domain that no guest
// shares with another, which are most of a document, and takes a third of the time. What is wrong
// inside of those parts is found when the document is loaded.
func Survey(source string, data []byte) ([]*Domain, error) {
	return load(&reader{source: source, survey: true}, data)
}

// unshared lists, by parent, what a survey leaves out: devices that exist inside the guest alone, and
// what the guest is told about time and power. A test fills an index either way and compares.
var unshared = table(`
domain: clock pm on_poweroff on_reboot on_crash description title
devices: controller sound video memballoon watchdog panic hub
`)

// passedOver reports whether a survey leaves an element out. Addresses and aliases of devices are the
// guest's own; those below <source> name hardware of the host.
func passedOver(under, name string) bool {
	return unshared[under][name] || name == "alias" || name == "address" && under != "source"
}
