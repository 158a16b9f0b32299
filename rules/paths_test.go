package rules

import "testing"

// TestNamesOfFiles: a file must be reported under each of its names, at each place that accepts a
// file.
func TestNamesOfFiles(t *testing.T) {
	names := []string{"/etc/shadow", "etc/shadow", "../../etc/shadow", "/srv//../etc/./shadow", "/var/run/../etc/shadow"}
	for _, place := range []struct{ rule, before, after string }{
		{"storage-sensitive-path", "<devices><disk type='file'><source file='", "'/></disk></devices>"},
		{"storage-sensitive-path", "<devices><disk type='block'><source dev='", "'/></disk></devices>"},
		{"storage-sensitive-path", "<devices><disk type='dir'><source dir='", "'/></disk></devices>"},
		{"storage-sensitive-path", "<devices><serial type='file'><source path='", "'/></serial></devices>"},
		{"storage-sensitive-path", "<devices><serial type='pty'><log file='", "'/></serial></devices>"},
		{"storage-sensitive-path", "<os><type>hvm</type><nvram>", "</nvram></os>"},
		{"storage-sensitive-path", "<os><type>hvm</type><loader>", "</loader></os>"},
		{"storage-sensitive-path", "<os><type>hvm</type><kernel>", "</kernel></os>"},
		{"storage-sensitive-path", "<os><type>hvm</type><initrd>", "</initrd></os>"},
		{"storage-sensitive-path", "<os><type>hvm</type><acpi><table type='slic'>", "</table></acpi></os>"},
	} {
		for _, name := range names {
			doc := "<domain type='kvm'>" + place.before + name + place.after + "</domain>"
			if found := runOne(t, place.rule, doc).Findings; len(found) != 1 {
				t.Errorf("%s: %d findings", doc, len(found))
			}
		}
	}
	for _, name := range []string{".", "..", "/..", "//", "/etc/..", "proc/1/root", "etc", "/var/run", "../etc/libvirt/"} {
		for _, kind := range []string{"type='mount'", ""} {
			doc := "<domain type='kvm'><devices><filesystem " + kind + "><source dir='" + name + "'/></filesystem></devices></domain>"
			if found := runOne(t, "sharing-fs-dangerous-path", doc).Findings; len(found) != 1 {
				t.Errorf("%s: %d findings", doc, len(found))
			}
		}
	}
}
