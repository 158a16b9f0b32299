package rules

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/identity"
)

// labels are DAC labels with the user that QEMU ran as under libvirt 9.0, or "" if the guest did
// not start. TestLibvirt tries the latter again, and those that are marked.
var labels = []struct {
	label, user, group string
	start              bool
}{
	{"root:root", "0", "0", false},
	{"+0:+0", "0", "0", false},
	{"0:0", "0", "0", false},
	{" +0:+0", "0", "0", true},
	{" 0: 0", "0", "0", false},
	{"\t0:\n0", "0", "0", true},
	{"+ 0:+ 0", "0", "0", false},
	{"++0:++0", "0", "0", true},
	{"+-0:+-0", "0", "0", true},
	{"-0:-0", "0", "0", false},
	{"+000:00", "0", "0", false},
	{"-1:-1", "0", "0", true},
	{"+-1:+-1", "0", "0", false},
	{" -1: -1", "0", "0", false},
	{"4294967295:4294967295", "0", "0", true},
	{"+4294967295:+4294967295", "0", "0", false},
	{"-1:+64055", "0", "64055", true},
	{"+64055:-1", "64055", "0", true},
	{"+64055:+0", "64055", "0", false},
	{"libvirt-qemu:root", "libvirt-qemu", "0", false},
	{"libvirt-qemu:libvirt-qemu", "libvirt-qemu", "libvirt-qemu", false},
	{"+64055:+64055", "64055", "64055", false},
	{"64055: +64055", "64055", "64055", false},
	{"-2:-2", "4294967294", "4294967294", true},
	{"-4294967295:-4294967295", "1", "1", false},
	{"+++0:+++0", "", "", false},
	{"0x0:0x0", "0x0", "0x0", false}, // not names of a host,
	{"4294967296:4294967296", "", "", false},
	{"-4294967296:-4294967296", "", "", false},
	{"18446744073709551616:0", "", "", false},
	{"+:+", "", "", false},
	{":", "", "", false},
	{"", "", "", false},
	{"root", "", "", false},
	{"0", "", "", false},
	{"0 :0", "", "", false},
	{"+0:+0 ", "", "", false},
	{"0:0:0", "", "", false},
	{"+root:+root", "", "", false},
	{" root:root", "", "", false},
	{"--1:0", "", "", false},
}

func TestOwnership(t *testing.T) {
	for _, l := range labels {
		user, group, ok := identity.ParseOwner(l.label)
		if ok != (l.user != "") || ok && (user.Key() != l.user || group.Key() != l.group) {
			t.Errorf("%q: %s:%s (%t), want %s:%s", l.label, user.Key(), group.Key(), ok, l.user, l.group)
		}
	}
}

// TestRootLabel: each label by which QEMU runs as root must be reported.
func TestRootLabel(t *testing.T) {
	for _, l := range labels {
		label := strings.NewReplacer("\t", "&#9;", "\n", "&#10;").Replace(l.label)
		doc := "<domain type='kvm'><os><type>hvm</type></os><seclabel type='static' model='dac'><label>" + label + "</label></seclabel></domain>"
		found := len(runOne(t, "confinement-dac-root", doc).Findings)
		if want := l.user == "0" || l.group == "0"; (found == 1) != want {
			t.Errorf("%q: %d findings", l.label, found)
		}
	}
}
