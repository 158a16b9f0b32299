package reach

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed options.txt
var optionsText string

//go:embed qemu.txt
var qemuText string

// optionRow is one row of the table of QEMU's command line.
type optionRow struct {
	id         string
	options    []string
	backends   []string
	properties []string
	reader     string
	access     []choice[Access, []argTest]
	as, prefix string
	port, host string
	tls        string
	transport  Transport
	role       Role
}

// argTest compares a property of the same argument; without values it must be there.
type argTest struct {
	key    string
	values []string
}

// options are the rows by option, in their order.
var options = sync.OnceValue(func() map[string][]*optionRow { return parseOptions(optionsText) })

// optionRoles are the roles by the IDs of rows.
var optionRoles = sync.OnceValue(func() map[string]Role { return roles(optionsText) })

func parseOptions(text string) map[string][]*optionRow {
	out := map[string][]*optionRow{}
	roles := optionRoles()
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" || fields[0] == "role" {
			continue
		}
		if len(fields) < 5 {
			panic(fmt.Sprintf("reach: row %v: too short", fields))
		}
		r := &optionRow{
			options: strings.Split(fields[0], ","), backends: strings.Split(fields[1], ","),
			properties: strings.Split(fields[2], ","), reader: fields[3],
		}
		if _, ok := words[r.reader]; !ok && readers[r.reader] == nil && r.reader != "id" && r.reader != "guest" {
			panic("reach: no reader " + r.reader)
		}
		r.access = parseChoices(fields[4], parseAccess, parseArgTests)
		r.id = "qemu-" + r.options[0]
		if property := strings.Trim(r.properties[0], "*."); property != "" && property != "0" {
			r.id += "-" + property
		}
		r.role = roles[r.id]
		for _, option := range fields[5:] {
			r.option(option)
		}
		for _, o := range r.options {
			out[o] = append(out[o], r)
		}
	}
	return out
}

func (r *optionRow) option(s string) {
	key, value, _ := strings.Cut(s, "=")
	switch key {
	case "as":
		r.as = strings.ReplaceAll(value, "~", " ")
	case "prefix":
		r.prefix = strings.ReplaceAll(value, "~", " ")
	case "port":
		r.port = value
	case "host":
		r.host = value
	case "tls":
		r.tls = value
	case "transport":
		r.transport = Transport(value)
	default:
		panic("reach: option " + s)
	}
}

func parseArgTests(s string) []argTest {
	var out []argTest
	for part := range strings.SplitSeq(s, "&") {
		key, values, ok := strings.Cut(part, "=")
		t := argTest{key: key}
		if ok {
			t.values = strings.Split(values, ",")
		}
		out = append(out, t)
	}
	return out
}

// roleIn is the role of what the row names in an argument. Images below others are only read.
func (r *optionRow) roleIn(a *argument, kind Kind) Role {
	switch kind {
	case File, BlockDevice, CharDevice, Remote:
	case Directory:
		if r.role == Disk {
			return Share
		}
		return r.role
	default:
		return NoRole
	}
	switch {
	case r.role == Disk && strings.Contains(a.prefix, "backing."):
		return Backing
	case r.role == Boot && a.option == "bios", r.role == Disk && a.option == "pflash":
		return Firmware
	case r.role == Disk && a.option == "drive":
		if bus, _ := a.exact("if"); bus == "pflash" {
			return Firmware
		}
	}
	return r.role
}

// switches are the other words for on and off (qapi_bool_parse in QEMU's qapi/qapi-util.c); before
// 6.0 they were on and off alone.
var switches = map[string]string{"yes": "on", "true": "on", "y": "on", "no": "off", "false": "off", "n": "off"}

// fits reports whether the row is about a property. Where the backend is not known (any) that of
// the row is not looked at.
func (r *optionRow) fits(backend, property string, anyBackend bool) bool {
	return matchesAny(r.properties, property) && (anyBackend || matchesAny(r.backends, backend))
}

func matchesAny(patterns []string, s string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, s) })
}

// matches compares with a pattern in which * stands for any text. The whole argument, ".", is
// matched by itself alone.
func matches(pattern, s string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == s
	}
	if s == "." || !strings.HasPrefix(s, head) {
		return false
	}
	s = s[len(head):]
	for {
		part, more, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], more
	}
}

// implied are the keys of the first part of an argument if it is written without one.
var implied = map[string]string{
	"device": "driver", "object": "qom-type", "chardev": "backend", "netdev": "type", "nic": "type", "net": "type",
	"blockdev": "driver", "audiodev": "driver", "audio": "driver", "display": "type", "tpmdev": "type", "fsdev": "fsdriver",
	"virtfs": "fsdriver", "machine": "type", "M": "type", "accel": "accel", "mon": "chardev", "numa": "type", "fw_cfg": "name",
	"trace": "enable", "plugin": "file", "semihosting-config": "enable", "sandbox": "enable", "vnc": "vnc",
}

// namesBackend are the options whose implied key names the back-end that the other properties are
// for.
func namesBackend(option string) bool {
	switch option {
	case "machine", "M", "accel", "mon", "numa", "fw_cfg", "trace", "plugin", "semihosting-config", "sandbox", "vnc":
		return false
	}
	return implied[option] != ""
}

// listed are the properties that QEMU lists with a type that holds no name, by group and property.
var listed = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(qemuText) {
		f := strings.Fields(line)
		if n := len(f); n >= 3 && f[0] != "#" && !holdsName(f[n-1]) {
			out[f[0]+" "+f[n-2]] = true
		}
	}
	return out
})

// holdsName reports whether a property of one of QEMU's types can name something of the host. A
// link names another object of the same QEMU.
func holdsName(kind string) bool {
	switch kind {
	case "str", "string", "strList", "list", "recursion", "busnr", "structtm", "gueststatistics":
		return true
	}
	return false
}

// groupOf is what qemu.txt calls an option.
func groupOf(option string) string {
	switch option {
	case "M":
		return "machine"
	case "nic", "net":
		return "netdev"
	case "drive":
		return "blockdev"
	case "audio":
		return "audiodev"
	}
	return option
}

// drivers are the names that -device takes.
var drivers = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(qemuText) {
		if name, ok := strings.CutPrefix(line, "driver "); ok {
			out[strings.TrimSpace(name)] = true
		}
	}
	return out
})
