// Package domxml reads one libvirt domain document as libvirt reads it: strictly, with the position
// of every element and attribute, and with a record of what libvirt adds or ignores. It knows
// nothing of rules or runs.
//
// The layers, each of which uses those before it: text (scan, tag, child_text, position), the tree
// of elements (index, path, walk, element), the reader (reader and the tables of libvirt's
// behaviour: namespace, repeat, text_elements, numbers, wrapper), the command line (command,
// command_effect), secrets and excerpts (secrets, excerpt), the identity of content (content,
// identity, device), and the domain with its waivers (domain, load, waiver).
package domxml
