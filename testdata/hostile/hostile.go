// Package hostile makes documents that could take long to audit: they repeat one construct that may
// occur any number of times. The work for each must not grow faster than its size.
package hostile

import (
	"fmt"
	"strings"
)

// Shape is one kind of hostile input.
type Shape struct {
	Name string
	Size int // a number of repetitions at which the construct, not the start of the process, takes the time

	make func(n int) map[string]string
}

// Files returns the shape with n repetitions: documents by file name.
func (s Shape) Files(n int) map[string]string { return s.make(n) }

// one makes a shape of one document from the content of the domain after its name.
func one(name string, size int, inside func(n int) string) Shape {
	return Shape{name, size, func(n int) map[string]string {
		return map[string]string{"guest.xml": domain("a", inside(n))}
	}}
}

// many makes a shape of n documents.
func many(name string, size int, inside func(i int) string) Shape {
	return Shape{name, size, func(n int) map[string]string {
		out := map[string]string{}
		for i := range n {
			out[fmt.Sprintf("guest%05d.xml", i)] = inside(i)
		}
		return out
	}}
}

const (
	head = `<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>`
	base = "<memory>1048576</memory>\n<os><type arch='x86_64' machine='q35'>hvm</type></os>\n"
)

func domain(name, inside string) string {
	return head + "\n<name>" + name + "</name>\n" + base + inside + "\n</domain>\n"
}

// each writes a format n times, with the number wherever the format has a verb for one.
func each(n int, format string) string {
	var b strings.Builder
	verbs := strings.Count(format, "%d") + strings.Count(format, "%x")
	for i := range n {
		args := make([]any, verbs)
		for j := range args {
			args[j] = i
		}
		fmt.Fprintf(&b, format, args...)
	}
	return b.String()
}

func devices(inside string) string { return "<devices>\n" + inside + "</devices>" }

func command(inside string) string {
	return "<qemu:commandline>\n" + inside + "</qemu:commandline>"
}

// chains nests elements as deep as the reader allows, several times.
func chains(n int, name string) string {
	const depth = 200
	var b strings.Builder
	for i := range n / depth {
		fmt.Fprintf(&b, "<top%d>", i)
		b.WriteString(strings.Repeat("<"+name+">", depth) + strings.Repeat("</"+name+">", depth))
		fmt.Fprintf(&b, "</top%d>\n", i)
	}
	return b.String()
}

func waivers(inside string) string {
	return "<metadata><va:audit xmlns:va='https://github.com/virt-audit/virt-audit/xmlns/1.0'>" + inside + "</va:audit></metadata>"
}
