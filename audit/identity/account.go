// Package identity reads as whom a guest runs: users and groups as libvirt parses them, and the
// labels of SELinux, AppArmor and DAC that a document gives to the guest's process and to its
// files.
package identity

import (
	"math"
	"strconv"
	"strings"
)

// Account is a user or a group as libvirt reads it in a DAC label and in qemu.conf.
type Account struct {
	Name   string // where only the host can resolve it: "libvirt-qemu"
	Number uint32 // where Name is empty
}

// Unchanged is (uid_t)-1 and (gid_t)-1, which setresuid and setresgid interpret as "do not change":
// QEMU keeps the user or group of libvirtd, which is root (real starts, libvirt 9.0 and 12.8:
// "-1:-1" and "4294967295:4294967295" ran as 0:0, "+64055:-1" as 64055:0).
const Unchanged = math.MaxUint32

// Root reports whether QEMU runs with user, or group, 0. Other names than root can also have that
// number, but only on the host can they be resolved.
func (a Account) Root() bool {
	if a.Name != "" {
		return a.Name == "root"
	}
	return a.Number == 0 || a.Number == Unchanged
}

// Key is the same for two accounts that are certainly the same.
func (a Account) Key() string {
	switch {
	case a.Root():
		return "0"
	case a.Name != "":
		return a.Name
	}
	return strconv.FormatUint(uint64(a.Number), 10)
}

// ParseOwner returns the user and the group of a DAC label, "user:group". It is not ok for a label
// that libvirt does not understand: the guest does not start then (source: virParseOwnershipIds;
// libvirt 9.0 and 12.8).
func ParseOwner(label string) (user, group Account, ok bool) {
	u, g, ok := strings.Cut(label, ":")
	if !ok {
		return Account{}, Account{}, false
	}
	user, okUser := ParseAccount(u)
	group, okGroup := ParseAccount(g)
	return user, group, okUser && okGroup
}

// ParseAccount is virGetUserID and virGetGroupID: after one leading "+" there must be a number;
// otherwise libvirt tries names of the host first. Text that is neither a number nor a possible
// name is not ok.
func ParseAccount(text string) (Account, bool) {
	digits, number := strings.CutPrefix(text, "+")
	if n, ok := unsigned(digits); ok {
		return Account{Number: n}, true
	}
	if number || !possibleName(text) {
		return Account{}, false
	}
	return Account{Name: text}, true
}

// IsRoot reports whether libvirt reads the name or number of a user or group as 0.
func IsRoot(text string) bool {
	a, ok := ParseAccount(text)
	return ok && a.Root()
}

// possibleName reports whether a host can have a user of that name.
func possibleName(text string) bool {
	letter := func(c rune) bool { return c >= 'A' } // or "_", or a byte of another alphabet
	return strings.ContainsFunc(text, letter) && text[0] != '-' && !strings.ContainsAny(text, " \t\n\r\v\f:")
}

// unsigned reads a decimal number as virStrToLong_ui does, by strtoul: white space and one sign may
// precede it, nothing may follow, and "-1" is the largest number.
func unsigned(text string) (uint32, bool) {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	digits, negative := strings.CutPrefix(text, "-")
	if !negative {
		digits = strings.TrimPrefix(text, "+")
	}
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0, false
	}
	if negative {
		n = -n
	}
	return uint32(n), true
}
