// Package qemulist asks a QEMU what its command line takes. The table of options is held against
// the answer.
package qemulist

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// List returns the lines that QEMU's qemu.txt is made of, and the version. The executable may have
// arguments of its own, between blanks.
//
// Lines are "option NAME", "driver NAME" for -device, "GROUP PROPERTY TYPE" for device, machine and
// accel, and "GROUP BACKEND PROPERTY TYPE" for object, and for blockdev, chardev, netdev, audiodev
// and display, which come from QEMU's schema. Types are QEMU's own; a property of several types has
// several lines.
func List(program string) (lines map[string]bool, version string, err error) {
	q := qemu{command: strings.Fields(program), found: map[string]bool{}}
	m := regexp.MustCompile(`version ([0-9.]+)`).FindStringSubmatch(q.run("--version"))
	if m == nil {
		return nil, "", fmt.Errorf("%s: not a QEMU", program)
	}
	q.options()
	q.devices()
	q.objects()
	q.machines()
	q.schema()
	return q.found, m[1], nil
}

type qemu struct {
	command []string
	found   map[string]bool
}

func (q *qemu) run(args ...string) string {
	c := exec.Command(q.command[0], append(slices.Clone(q.command[1:]), args...)...)
	out, err := c.Output()
	if err != nil && len(out) == 0 {
		return "" // a device or module that this build lacks
	}
	return string(out)
}

func (q *qemu) add(words ...string) {
	for i := range words {
		if words[i] = strings.ReplaceAll(words[i], " ", ""); words[i] == "" {
			return
		}
	}
	q.found[strings.Join(words, " ")] = true
}

var optionLine = regexp.MustCompile(`(?m)^-([a-zA-Z0-9_-]+)(?: or -([a-zA-Z0-9_-]+))?`)

func (q *qemu) options() {
	for _, m := range optionLine.FindAllStringSubmatch(q.run("-help"), -1) {
		q.add("option", m[1])
		q.add("option", m[2])
	}
}

// ask runs commands of QMP and returns what answered them, in their order; nil for a command that
// failed. It waits for each answer: QEMU drops commands that wait when its input ends.
func (q *qemu) ask(commands ...string) []json.RawMessage {
	out := make([]json.RawMessage, len(commands))
	c := exec.Command(q.command[0], append(slices.Clone(q.command[1:]), "-machine", "none", "-nodefaults", "-display", "none", "-qmp", "stdio")...)
	input, err := c.StdinPipe()
	if err != nil {
		return out
	}
	output, err := c.StdoutPipe()
	if err != nil || c.Start() != nil {
		return out
	}
	answers := bufio.NewReader(output)
	answer := func() json.RawMessage {
		for {
			line, err := answers.ReadBytes('\n')
			if err != nil {
				return nil
			}
			var message struct {
				Return json.RawMessage `json:"return"`
				Error  json.RawMessage `json:"error"`
			}
			if json.Unmarshal(line, &message) == nil && (message.Return != nil || message.Error != nil) {
				return message.Return
			}
		}
	}
	for i, command := range append([]string{`{"execute":"qmp_capabilities"}`}, commands...) {
		if _, err := io.WriteString(input, command+"\n"); err != nil {
			break
		}
		if got := answer(); i > 0 {
			out[i-1] = got
		}
	}
	if err := errors.Join(input.Close(), c.Process.Kill()); err != nil {
		return out
	}
	_ = c.Wait() // it was killed
	return out
}

// wiring are the types of properties that hold the parts of a device together.
var wiring = regexp.MustCompile(`^(child<|link<(irq|clock|memory-region))`)

// properties writes the properties of types, each under the words of its type.
func (q *qemu) properties(command string, types []string, words func(name string) []string) {
	var commands []string
	for _, name := range types {
		commands = append(commands, fmt.Sprintf(`{"execute":%q,"arguments":{"typename":%q}}`, command, name))
	}
	for i, answer := range q.ask(commands...) {
		var properties []member
		if answer == nil || json.Unmarshal(answer, &properties) != nil {
			continue
		}
		for _, p := range properties {
			if !wiring.MatchString(p.Type) && p.Name != "type" { // the class of the object
				q.add(append(words(types[i]), p.Name, strings.TrimSuffix(p.Type, ">"))...)
			}
		}
	}
}

func (q *qemu) devices() {
	for _, m := range regexp.MustCompile(`(?:name|alias) "([^"]+)"`).FindAllStringSubmatch(q.run("-device", "help"), -1) {
		q.add("driver", m[1])
	}
	var types []member // -global reaches the devices of the board, too
	var names []string
	if answer := q.ask(`{"execute":"qom-list-types","arguments":{"implements":"device"}}`)[0]; json.Unmarshal(answer, &types) == nil {
		for _, t := range types {
			names = append(names, t.Name)
		}
	}
	q.properties("device-list-properties", names, func(string) []string { return []string{"device"} })
}

func (q *qemu) objects() {
	_, list, _ := strings.Cut(q.run("-object", "help"), ":")
	names := strings.Fields(list)
	for _, name := range names {
		q.add("object", name)
	}
	q.properties("qom-list-properties", names, func(name string) []string { return []string{"object", name} })
}

func (q *qemu) machines() {
	_, list, _ := strings.Cut(q.run("-machine", "help"), "\n")
	var machines []string
	for line := range strings.Lines(list) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		machines = append(machines, name+"-machine")
	}
	q.properties("qom-list-properties", machines, func(string) []string { return []string{"machine"} })
	q.properties("qom-list-properties", []string{"kvm-accel", "tcg-accel"}, func(string) []string { return []string{"accel"} })
}

// entity is one entry of query-qmp-schema.
type entity struct {
	Name     string          `json:"name"`
	MetaType string          `json:"meta-type"`
	ArgType  string          `json:"arg-type"`
	RetType  string          `json:"ret-type"`
	Tag      string          `json:"tag"`
	JSONType string          `json:"json-type"`
	Element  string          `json:"element-type"`
	Values   []string        `json:"values"`
	Members  json.RawMessage `json:"members"`
	Variants []struct {
		Case string `json:"case"`
		Type string `json:"type"`
	} `json:"variants"`
}

type member struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type schema struct {
	q     *qemu
	types map[string]*entity
}

func (q *qemu) schema() {
	s := schema{q: q, types: map[string]*entity{}}
	var entities []*entity
	if answer := q.ask(`{"execute":"query-qmp-schema"}`)[0]; json.Unmarshal(answer, &entities) != nil {
		return
	}
	for _, e := range entities {
		s.types[e.Name] = e
	}
	for command, group := range map[string]string{
		"blockdev-add": "blockdev", "netdev_add": "netdev", "object-add": "object", "chardev-add": "chardev",
	} {
		if e := s.types[command]; e != nil {
			s.backends(group, e.ArgType)
		}
	}
	for command, group := range map[string]string{"query-display-options": "display", "query-audiodevs": "audiodev"} {
		if e := s.types[command]; e != nil {
			s.backends(group, e.RetType)
		}
	}
}

// backends writes the members of a union, for each case of its tag.
func (s *schema) backends(group, name string) {
	e := s.types[name]
	if e.MetaType == "array" {
		e = s.types[e.Element]
	}
	for _, m := range e.members() {
		if group == "chardev" && m.Name == "backend" {
			s.backends(group, m.Type)
		}
	}
	if group == "chardev" && e.Tag == "" {
		return
	}
	cases := map[string]string{}
	for _, m := range e.members() {
		if m.Name == e.Tag {
			for _, v := range s.types[m.Type].Values {
				cases[v] = ""
			}
			for _, v := range s.types[m.Type].members() {
				cases[v.Name] = ""
			}
		}
	}
	for _, v := range e.Variants {
		cases[v.Case] = v.Type
	}
	for backend, variant := range cases {
		s.q.add(group, backend)
		for _, m := range e.members() {
			if m.Name != e.Tag {
				s.member(group, backend, m.Name, m.Type, []string{name})
			}
		}
		if variant != "" {
			s.object(group, backend, "", variant, []string{name})
		}
	}
}

func (e *entity) members() []member {
	var out []member
	if e.MetaType == "object" || e.MetaType == "enum" || e.MetaType == "alternate" {
		if err := json.Unmarshal(e.Members, &out); err != nil {
			return nil
		}
	}
	return out
}

func (s *schema) object(group, backend, prefix, name string, above []string) {
	e := s.types[name]
	for _, m := range e.members() {
		s.member(group, backend, prefix+m.Name, m.Type, above)
	}
	for _, v := range e.Variants {
		s.object(group, backend, prefix, v.Type, append(above, name))
	}
}

func (s *schema) member(group, backend, property, name string, above []string) {
	e := s.types[name]
	if slices.Contains(above, name) || len(above) > 12 {
		s.q.add(group, backend, property, "recursion")
		return
	}
	above = append(slices.Clone(above), name)
	switch e.MetaType {
	case "builtin":
		s.q.add(group, backend, property, e.JSONType)
	case "enum":
		s.q.add(group, backend, property, "enum")
	case "array":
		s.member(group, backend, property+".N", e.Element, above)
	case "alternate":
		for _, m := range e.members() {
			s.member(group, backend, property, m.Type, above)
		}
	case "object":
		s.object(group, backend, property+".", name, above)
	}
}
