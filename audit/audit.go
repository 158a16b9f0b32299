// Package audit judges libvirt domains by QEMU's security policy and applies rules to them. It does
// not print, read files or exit. Faults of a guest are returned as findings, malformed input as an
// error.
//
// domxml.Load reads a document strictly into a Domain. Run judges the Domain, passes it to each
// Rule in a Pass, and returns a Result. The rules are in a package of their own.
package audit
