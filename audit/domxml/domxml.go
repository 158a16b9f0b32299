// Package domxml reads one libvirt domain document as libvirt reads it: strictly, with every place,
// and with what libvirt adds or ignores. It knows neither rules nor runs.
//
// The layers, each of which uses those before it: text (scan, tag, chars, position), the tree of
// elements (index, path, walk, element), the reader (reader and the tables of libvirt's habits:
// namespace, repeat, textual, numbers, wrapper), the command line (command, command_effect), secrets
// and excerpts (mask, secrets, excerpt), the identity of content (content, identity, device), and the
// domain with its waivers (domain, load, waiver).
package domxml
