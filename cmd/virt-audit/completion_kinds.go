package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/report"
)

// kinds says what completes each word that usages have for a value or an operand; nil is for what only the
// user can know. A test wants all of them to be here. The usage may list words, see [listed].
var kinds = map[string]func(o *offer, usage string){
	"FILE":     func(o *offer, _ string) { o.files = true },
	"FOLDER":   func(o *offer, _ string) { o.files, o.ending = true, []string{"/"} },
	"DOMAIN":   func(o *offer, _ string) { o.files, o.ending = true, []string{"xml", "save"} },
	"RULE":     offerRules,
	"ID":       offerRules,
	"SEVERITY": offerSeverities,
	"PROFILE": func(o *offer, _ string) {
		for _, p := range audit.Profiles() {
			o.word(string(p), "")
		}
	},
	"FORMAT": func(o *offer, usage string) {
		for _, name := range listed(usage) {
			f, _ := report.Named(name)
			o.word(name, f.About)
		}
	},
	"EDITION": func(o *offer, _ string) {
		for _, name := range policy.Names() {
			if e, err := policy.Named(name); err == nil {
				o.word(name, e.Title)
			}
		}
		o.files = true
	},
	"ARCH": func(o *offer, _ string) {
		for _, arch := range policy.Arches() {
			o.word(arch, "")
		}
	},
	"URI": func(o *offer, _ string) {
		for _, uri := range localURIs {
			o.word(uri, "")
		}
	},
	"WHAT": func(o *offer, usage string) {
		offerListed(o, usage)
		offerSeverities(o, "")
		offerRules(o, "")
		for _, id := range notInHooks {
			o.drop(id)
		}
	},
	"WHEN": offerListed, "WHERE": offerListed, "TYPE": offerListed,
	"COMMAND": nil, // see operand
	"DAY":     nil, "DEVICE": nil, "DURATION": nil, "GUEST": nil, "MACHINE": nil, "N": nil, "NAME": nil, "SIZE": nil, "VERSION": nil, "WHY": nil, "WORD": nil,
}

// localURIs are those of drivers that have daemons on this host; others name a host, which we do not know.
var localURIs = []string{"qemu:///system", "qemu:///session", "xen:///system", "lxc:///system", "bhyve:///system", "ch:///system"}

func offerRules(o *offer, _ string) {
	for _, r := range o.rules() {
		o.word(r.ID, r.Title)
	}
}

func offerSeverities(o *offer, _ string) {
	for _, s := range audit.Severities() {
		o.word(s.String(), "")
	}
}

func offerListed(o *offer, usage string) {
	for _, w := range listed(usage) {
		o.word(w, "")
	}
}

// listed returns the words that a usage lists: "when to use colour: auto, always, never (default: auto)".
func listed(usage string) []string {
	_, list, _ := strings.Cut(usage, ": ")
	list, _, _ = strings.Cut(list, " (default")
	var out []string
	for w := range strings.SplitSeq(list, ", ") {
		if w = strings.TrimPrefix(w, "or "); w == "" || strings.Contains(w, " ") {
			break // a sentence has begun
		}
		out = append(out, w)
	}
	return out
}

// placeholder returns the word that an option's usage has for its value, and the usage as people read it.
// It is "" for an option without a value.
func placeholder(f cli.Flag) (value, usage string) {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return "", ""
	}
	parts := strings.SplitN(d.GetUsage(), "`", 3)
	if len(parts) == 3 && d.TakesValue() {
		value = parts[1]
	}
	return value, strings.Join(parts, "")
}
