package config

import (
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/manager"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// The words that several keys accept.
func severities(Names) (string, []string) { return "severity", texts(audit.Severities()) }
func profiles(Names) (string, []string)   { return "profile", words(audit.Profiles()) }
func editions(Names) (string, []string)   { return "policy", policy.Names() }
func arches(Names) (string, []string)     { return "architecture", policy.Arches() }
func managers(Names) (string, []string) {
	return "manager", append(words(manager.All()), string(manager.None))
}

// Forms of words, for the schema.
const (
	ruleIDs  = `^[a-z][a-z0-9]*(-[a-z0-9]+)+$`
	rulePats = `^[-a-z0-9*?\[\]^\\]+$`
	paths    = `^/.*[^/]$`
)

// Keys returns the keys of the file in the order of the reference page.
func Keys() []*Key { return table }

// table lists the keys. A row is all that a key needs: parser, schema, page, example and "config show"
// are made from it. The order is that of the page.
var table = []*Key{
	{
		Name: "profiles", Option: "profile", Kind: Words, choices: profiles,
		Doc: "list of profiles whose rules run; those of `baseline` always do", Default: "`[baseline]`", Example: "[baseline, hardened]",
	},
	{
		Name: "enable", Kind: Words, check: checkPattern, pattern: rulePats, shared: "patterns",
		Doc: "list of rules that run besides those of the profiles: IDs, or patterns such as `network-*`", Example: "[confidential-*]",
		value: in(func(f *File) *[]string { return &f.Enable }),
	},
	{
		Name: "disable", Kind: Words, check: checkDisable, pattern: rulePats, shared: "patterns",
		Doc: "list of rules that do not run, even if a profile or `enable` names them, as with `--skip-rule`", Example: "[document-*]",
		value: in(func(f *File) *[]string { return &f.Disable }),
	},
	{
		Name: "severity", Kind: Severities, choices: severities, check: checkRule, pattern: ruleIDs,
		Doc: "mapping of rules to the severity of their findings at this site", Default: "that of the rule", Example: "{network-user-slirp: low}",
		value: in(func(f *File) *map[string]audit.Severity { return &f.Severity }),
	},
	{
		Name: "fail-on", Option: "fail-on", Kind: Word, choices: severities, shared: "severity",
		Doc: "exit with code 1 if there is a finding of this severity or worse", Default: "`medium`", Example: "medium",
	},
	{
		Name: "min-severity", Option: "min-severity", Kind: Word, choices: severities, shared: "severity",
		Doc: "omit findings below this severity from the report", Default: "`info`", Example: "info",
	},
	{
		Name: "policy", Option: "policy", Kind: Word, File: true, choices: editions, check: checkPolicy, pattern: `^.*(/.*|\.ya?ml)$`,
		Doc: "edition of QEMU's security policy, or a custom policy file: its name contains a `/`, such as `./site`, or ends with `.yaml` or `.yml`", Default: "`" + policy.Names()[0] + "`", Example: "qemu-11.1 # or a file: policy/site.yaml",
	},
	{
		Name: "qemu-version", Option: "qemu-version", Kind: Word, check: checkVersion, pattern: `^(0|[1-9][0-9]{0,3})(\.(0|[1-9][0-9]{0,3})){1,2}$`,
		Doc: "version of QEMU that will run the guests; in quotes, since YAML reads 10.10 as 10.1", Default: "`" + policy.NewestQEMU().String() + "`", Example: `"10.1" # in quotes: YAML reads 10.10 as 10.1`,
	},
	{
		Name: "host-arch", Option: "host-arch", Kind: Word, choices: arches,
		Doc: "architecture of the host as libvirt names it, for guests that state none", Default: "not known", Example: "x86_64",
	},
	{
		Name: "managed-by", Kind: Word, choices: managers,
		Doc: "application that manages the guests whose documents show no owner, such as `terraform`, which leaves no mark: advice is about its settings; `none` ignores what documents show", Default: "what the document shows", Example: "terraform",
		value: in(func(f *File) *manager.Manager { return &f.ManagedBy }),
	},
	{
		Name: "format", Option: "format", Kind: WordOrWords, check: checkFormat, pattern: `^[a-z]+(:[^,/\n][^,\n]*|:/[^,\n]+)?$`,
		Doc: "format of the report, or a list of formats, each `FORMAT` or `FORMAT:FILE`; a file must be below the directory of the configuration", Default: "`text`", Example: `[text, "json:virt-audit.json"]`,
	},
	{
		Name: "baseline", Option: "baseline", Kind: Word, File: true, check: checkBaseline,
		Doc: "file of known findings, which do not count", Default: "none", Example: "virt-audit.baseline.json",
	},
	{
		Name: "show-waived", Option: "show-waived", Kind: Flag,
		Doc: "`true`: the report also lists findings that are waived or in the baseline", Default: "`false`", Example: "true",
	},
	{
		Name: "max-size", Option: "max-size", Kind: Size, check: checkSize, pattern: `^[1-9][0-9]{0,9}[KMG]?$`,
		Doc: "size in bytes of the largest document that is read; K, M and G are units", Default: "`16M`", Example: "16M",
	},
	{
		Name: "waivers", Kind: Entries, Keys: waiverKeys, comment: "Findings that the site accepts, and why.",
		Doc:   "list of findings that the site accepts, [see below](#waivers)",
		value: in(func(f *File) *[]*audit.Waiver { return &f.Waivers }),
		entry: func(f *File) (any, *audit.Pos) {
			w := &audit.Waiver{Source: f.Path}
			f.Waivers = append(f.Waivers, w)
			return w, &w.Pos
		},
	},
	{
		Name: "domain-waivers", Kind: Section, Keys: domainWaiverKeys, comment: "Waivers in the metadata of guests.",
		Doc:   "which waivers in the metadata of guests are effective, [see below](#domain-waivers)",
		value: in(func(f *File) *audit.DomainWaivers { return &f.DomainWaivers }),
	},
	{
		Name: "allow", Kind: Section, Keys: allowKeys, comment: "Paths that are valid here, although rules expect others.",
		Doc:   "paths that are valid here, although rules expect others, [see below](#allow)",
		value: in(func(f *File) *audit.Allowed { return &f.Allow }),
	},
	{
		Name: "rules", Kind: Entries, Keys: ruleKeys, early: true, comment: "Custom rules.",
		Doc:    "list of custom rules, [see below](#rules)",
		value:  in(func(f *File) *[]*LocalRule { return &f.Rules }),
		finish: finishRule,
		entry: func(f *File) (any, *audit.Pos) {
			l := &LocalRule{}
			f.Rules = append(f.Rules, l)
			return l, &l.Pos
		},
	},
}

var waiverKeys = []*Key{
	{
		Name: "rule", Kind: Word, Required: true, anchor: true, check: checkRule, shared: "rule",
		Doc: "ID of one rule", Example: "endpoint-vnc-public",
		value: in(func(w *audit.Waiver) *string { return &w.Rule }),
	},
	{
		Name: "domain", Kind: Word, check: checkGlob,
		Doc: "name or UUID of a guest, or a pattern of names such as `web*`", Default: "every guest", Example: `"web*"`,
		value: in(func(w *audit.Waiver) *string { return &w.Domains }),
	},
	{
		Name: "device", Kind: Word,
		Doc: "device that the finding is about: `vda`, a MAC address, `0000:06:02.0` or `1d6b:0002` of a host device, an alias", Default: "every device", Example: "vnc",
		value: in(func(w *audit.Waiver) *string { return &w.Device }),
	},
	{
		Name: "until", Kind: Word, check: checkDay, pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
		Doc: "last day on which the waiver is effective, such as 2030-06-30", Default: "it does not expire", Example: "2030-06-30",
		value: in(func(w *audit.Waiver) *time.Time { return &w.Until }),
	},
	{
		Name: "reason", Kind: Line, Required: true,
		Doc: "why the site accepts the finding", Example: "the consoles are only reachable through the gateway",
		value: in(func(w *audit.Waiver) *string { return &w.Reason }),
	},
}

var domainWaiverKeys = []*Key{
	{
		Name: "accept", Option: "no-domain-waivers", Kind: Flag, negated: true,
		Doc: "`false`: waivers in the metadata of guests are ignored, as with `--no-domain-waivers`", Default: "`true`", Example: "true",
		value: in(func(w *audit.DomainWaivers) *bool { return &w.Ignore }),
	},
	{
		Name: "boundary", Kind: Flag,
		Doc: "`true`: guests may also waive the rules about QEMU's security boundary", Default: "`false`", Example: "false",
		value: in(func(w *audit.DomainWaivers) *bool { return &w.Boundary }),
	},
	{
		Name: "never", Kind: Words, check: checkPattern, pattern: rulePats, shared: "patterns",
		Doc: "list of rules that no guest may waive for itself: IDs, or patterns such as `confinement-*`", Example: "[confinement-*, boundary-*]",
		value: in(func(w *audit.DomainWaivers) *[]string { return &w.Never }),
	},
}

var allowKeys = []*Key{
	{
		Name: "emulators", Kind: Words, check: checkPath, pattern: paths,
		Doc: "list of executables that guests may run as their emulator; the verdict treats them as QEMU, whatever their name is", Example: "[/opt/qemu/bin/qemu-system-x86_64]",
		value: in(func(a *audit.Allowed) *[]string { return &a.Emulators }),
	},
	{
		Name: "directories", Kind: Words, check: checkPath, pattern: paths,
		Doc: "list of directories that guests may be given files from, with everything below them", Example: "[/srv/images]",
		value: in(func(a *audit.Allowed) *[]string { return &a.Directories }),
	},
}

var ruleKeys = []*Key{
	{
		Name: "id", Kind: Word, Required: true, anchor: true, pattern: `^site(-[a-z0-9]+)+$`,
		Doc: "`site-` and words of lower-case letters and digits, joined by `-`", Example: "site-disk-serial",
		value: in(func(l *LocalRule) *string { return &l.ID }),
	},
	{
		Name: "title", Kind: Line,
		Doc: "what is wrong, in a few words", Default: "the message", Example: "Disk without a serial number",
		value: in(func(l *LocalRule) *string { return &l.Title }),
	},
	{
		Name: "severity", Kind: Word, Required: true, choices: severities, shared: "severity",
		Doc: "severity of the findings", Example: "low",
		value: in(func(l *LocalRule) *audit.Severity { return &l.Severity }),
	},
	{
		Name: "for", Kind: Word, check: checkElements, pattern: `^` + steps + `$`,
		Doc: "path of elements, such as `devices/disk`; the expression is evaluated for each of them", Default: "once per guest", Example: "devices/disk",
		value: in(func(l *LocalRule) *string { return &l.For }),
	},
	{
		Name: "expression", Kind: Expression, Required: true,
		Doc: "CEL expression that is true if there is no problem; best written after `\\|`, since `!`, `?`, `:` and quotes have a meaning in YAML", Example: "this.device != 'disk' || has(this.serial)",
		value: in(func(l *LocalRule) *string { return &l.Expression }),
	},
	{
		Name: "message", Kind: Line, Required: true,
		Doc: "message of a finding", Example: "the disk has no serial number",
		value: in(func(l *LocalRule) *string { return &l.Message }),
	},
	{
		Name: "path", Kind: Word, check: checkFinding, pattern: `^(` + steps + `)?(@` + step + `)?$`,
		Doc: "place of a finding, relative to the element of `for` or to the domain: `devices/tpm`, `source@file`", Example: "target",
		value: in(func(l *LocalRule) *string { return &l.Path }),
	},
	{
		Name: "doc", Kind: Prose,
		Doc: "why it matters, and when it does not", Example: "|\nThe inventory identifies disks by their serial number.\n\nTemplates that never run do not need one; waive the rule for them.",
		value: in(func(l *LocalRule) *string { return &l.Doc }),
	},
	{
		Name: "fix", Kind: Prose,
		Doc: "how to fix it; a line that begins with `$ ` is a command", Example: "|\nGive the disk a serial number:\n$ virt-xml GUEST --edit target=vda --disk serial=SERIAL",
		value: in(func(l *LocalRule) *string { return &l.Fix }),
	},
	{
		Name: "url", Kind: Word, check: checkURL, pattern: `^https?://[^ "<>]+$`,
		Doc: "address of the site's documentation of the rule", Example: "https://example.org/security/disks",
		value: in(func(l *LocalRule) *string { return &l.URL }),
	},
}
