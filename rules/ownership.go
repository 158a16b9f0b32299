package rules

import (
	"math"
	"strconv"
	"strings"
)

// account is a user or a group as libvirt reads it in a DAC label and in qemu.conf.
type account struct {
	name   string // where only the host can resolve it: "libvirt-qemu"
	number uint32 // where name is empty
}

// unchanged is (uid_t)-1 and (gid_t)-1, which setresuid and setresgid interpret as "do not change":
// QEMU keeps the user or group of libvirtd, which is root (real starts, libvirt 9.0 and 12.8:
// "-1:-1" and "4294967295:4294967295" ran as 0:0, "+64055:-1" as 64055:0).
const unchanged = math.MaxUint32

// root reports whether QEMU runs with user, or group, 0. Other names than root can also have that
// number, but only on the host can they be resolved.
func (a account) root() bool {
	if a.name != "" {
		return a.name == "root"
	}
	return a.number == 0 || a.number == unchanged
}

// key is the same for two accounts that are certainly the same.
func (a account) key() string {
	switch {
	case a.root():
		return "0"
	case a.name != "":
		return a.name
	}
	return strconv.FormatUint(uint64(a.number), 10)
}

// ownership returns the user and the group of a DAC label. It is not ok for a label that libvirt
// does not understand: the guest does not start then (source: virParseOwnershipIds; libvirt 9.0 and
// 12.8).
func ownership(label string) (user, group account, ok bool) {
	u, g, ok := strings.Cut(label, ":")
	if !ok {
		return account{}, account{}, false
	}
	user, okUser := readAccount(u)
	group, okGroup := readAccount(g)
	return user, group, okUser && okGroup
}

// readAccount is virGetUserID and virGetGroupID: after one leading "+" there must be a number;
// otherwise libvirt tries names of the host first. Text that is neither a number nor a possible
// name is not ok.
func readAccount(text string) (account, bool) {
	digits, number := strings.CutPrefix(text, "+")
	if n, ok := unsigned(digits); ok {
		return account{number: n}, true
	}
	if number || !accountName(text) {
		return account{}, false
	}
	return account{name: text}, true
}

// accountName reports whether a host can have a user of that name.
func accountName(text string) bool {
	letter := func(c rune) bool { return c >= 'A' } // or "_", or a byte of another alphabet
	return strings.ContainsFunc(text, letter) && text[0] != '-' && !strings.ContainsAny(text, " \t\n\r\v\f:")
}

// unsigned reads a decimal number as virStrToLong_ui does, by strtoul: white space and one sign may
// precede it, nothing may follow it, and "-1" is the largest number.
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

// rootUser reports whether libvirt reads a user's name or number as user 0.
func rootUser(user string) bool {
	a, ok := readAccount(user)
	return ok && a.root()
}
