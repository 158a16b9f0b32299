// Package audit reads libvirt domain XML as libvirt does, judges it by QEMU's security policy and
// applies rules to it. It prints nothing, reads no files and never exits: what is wrong with a guest
// comes back as findings, what is wrong with an input as an error.
//
// One document flows so: Load reads it strictly into a Domain, Run gives the Domain to the policy and,
// wrapped in a Pass, to each Rule, and returns a Result. Rules live in a package of their own.
package audit
