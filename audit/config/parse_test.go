package config_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/config"
	"github.com/virt-audit/virt-audit/audit/manager"
	"github.com/virt-audit/virt-audit/audit/source"
)

// known is a small set of rules and formats, so that the table is complete.
var known = config.Names{
	Rules:   []string{"endpoint-vnc-public", "network-user-slirp", "network-script", "boundary-accel-tcg"},
	Formats: []string{"text", "json", "sarif"},
}

const name = "site/.virt-audit.yaml"

func TestParse(t *testing.T) {
	t.Parallel()
	f, err := config.Parse(name, []byte("\ufeff--- # ours\n"+`
profiles: [baseline, hardened]
enable: ["network-*", site-tpm]
disable:
- boundary-accel-tcg
severity: {network-script: high, site-tpm: low}
fail-on: "medium"
min-severity: info
policy: policies/site.yaml
qemu-version: "10.1"
host-arch: x86_64
format: [text, sarif:out/virt.sarif, 'json:-']
baseline: ../known.json
show-waived: true
max-size: 16777216
waivers:
  - rule: site-tpm
    domain: "web*"
    device: vda
    until: 2027-06-30
    reason: >
      folded
      text
  - {rule: network-script, reason: 'it''s ours', "domain":"6b7c1f0e-59d3-4a3c-8f4e-0a4f6d1c2b3a"}
domain-waivers:
  accept: false
  boundary: true
  never: [network-*]
allow: {emulators: [/opt/qemu], directories: [/srv/images, /srv/iso]}
managed-by: terraform
rules:
  - id: site-tpm
    severity: medium
    expression: domain.devices.tpm.size() > 0
    message: |
      no
      TPM
  - id: site-disk-2
    title: A disk
    severity: critical
    for: devices/disk
    expression: |
      a &&
        b
    message: m
    path: "source@file"
    doc: |
      one

      two
    fix: "$ rm"
    url: https://example.org/x?y#z
`), known)
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Setting{
		{"profiles", "profile", []string{"baseline", "hardened"}, 3, 1},
		{"fail-on", "fail-on", []string{"medium"}, 8, 1},
		{"min-severity", "min-severity", []string{"info"}, 9, 1},
		{"policy", "policy", []string{"site/policies/site.yaml"}, 10, 1},
		{"qemu-version", "qemu-version", []string{"10.1"}, 11, 1},
		{"host-arch", "host-arch", []string{"x86_64"}, 12, 1},
		{"format", "format", []string{"text", "sarif:site/out/virt.sarif", "json"}, 13, 1},
		{"baseline", "baseline", []string{"known.json"}, 14, 1},
		{"show-waived", "show-waived", []string{"true"}, 15, 1},
		{"max-size", "max-size", []string{"16777216"}, 16, 1},
	}
	equal(t, "settings", f.Settings, want)
	equal(t, "enable", f.Enable, []string{"network-*", "site-tpm"})
	equal(t, "disable", f.Disable, []string{"boundary-accel-tcg"})
	equal(t, "severity", f.Severity, map[string]audit.Severity{"network-script": audit.High, "site-tpm": audit.Low})
	equal(t, "domain waivers", f.DomainWaivers, audit.DomainWaivers{Ignore: true, Boundary: true, Never: []string{"network-*"}})
	equal(t, "allow", f.Allow, audit.Allowed{Emulators: []string{"/opt/qemu"}, Directories: []string{"/srv/images", "/srv/iso"}})
	equal(t, "managed-by", f.ManagedBy, manager.Terraform)
	equal(t, "waivers", f.Waivers, []*audit.Waiver{
		{
			Rule: "site-tpm", Domains: "web*", Device: "vda", Until: time.Date(2027, 6, 30, 0, 0, 0, 0, time.Local), Reason: "folded text",
			Source: name, Pos: audit.Pos{Line: 18, Column: 11, EndLine: 18, EndColumn: 19},
		},
		{
			Rule: "network-script", Domains: "6b7c1f0e-59d3-4a3c-8f4e-0a4f6d1c2b3a", Reason: "it's ours",
			Source: name, Pos: audit.Pos{Line: 25, Column: 12, EndLine: 25, EndColumn: 26},
		},
	})
	if len(f.Rules) != 2 || f.Path != name {
		t.Fatalf("%+v", f)
	}
	first, second := f.Rules[0], f.Rules[1]
	if first.ID != "site-tpm" || first.Title != "no TPM" || first.Message != "no TPM" || first.Severity != audit.Medium || first.Expression != "domain.devices.tpm.size() > 0" || first.Pos.Line != 33 {
		t.Errorf("%+v", first)
	}
	if second.Title != "A disk" || second.For != "devices/disk" || second.Expression != "a &&\n  b" || second.Path != "source@file" ||
		second.Doc != "one\n\ntwo" || second.Fix != "$ rm" || second.URL != "https://example.org/x?y#z" {
		t.Errorf("%+v", second)
	}
	for path, want := range map[string]audit.Pos{
		"fail-on":              {Line: 8, Column: 1, EndLine: 8, EndColumn: 8},
		"enable[1]":            {Line: 4, Column: 23, EndLine: 4, EndColumn: 31},
		"severity.site-tpm":    {Line: 7, Column: 34, EndLine: 7, EndColumn: 42},
		"waivers[0].until":     {Line: 21, Column: 5, EndLine: 21, EndColumn: 10},
		"domain-waivers.never": {Line: 29, Column: 3, EndLine: 29, EndColumn: 8},
		"rules[1].url":         {Line: 53, Column: 5, EndLine: 53, EndColumn: 8},
	} {
		equal(t, path, f.Places[path], want)
	}
}

func TestParseNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "# a\ttab\n", "--- # x\n\n"} {
		f, err := config.Parse(name, []byte(text), known)
		if err != nil || len(f.Settings) != 0 || len(f.Places) != 0 {
			t.Errorf("%q: %+v, %v", text, f, err)
		}
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// mistake is a file that is refused. The schema refuses it as well if its structure is wrong, or a
// word of which the schema has a list.
type mistake struct {
	file, want string
	schema     bool
}

const rule = "rules:\n- id: site-a\n  severity: low\n  expression: a\n  message: m\n"

var mistakes = []mistake{
	{"- a\n", "1:1: the file is not a mapping of keys to values", true},
	{"profiles\n", "1:1: the file is not a mapping of keys to values", true},
	{"fail_on: high\n", `1:1: unknown key "fail_on"; did you mean 'fail-on'?`, true},
	{"fail-on: high\nwhatever: x\n", `2:1: unknown key "whatever"`, true},
	{"3: x\n", "1:1: must be a string, not a number; put it in quotes", true},
	{"fail-on:\n", "1:1: fail-on has no value; give it a value or remove the key", true},
	{"rules: ~\n", "1:1: rules has no value; give it a value or remove the key", true},
	{"fail-on: [high]\n", "1:10: must be a string, not a list", true},
	{"fail-on: {a: b}\n", "1:10: must be a string, not a mapping", true},
	{"fail-on: hihg\n", `1:10: unknown severity "hihg"; did you mean 'high'?`, true},
	{"min-severity: worst\n", `1:15: unknown severity "worst"; one of critical, high, medium, low, info`, true},
	{"profiles: baseline\n", "1:11: profiles must be a list, not a string", true},
	{"profiles: []\n", "1:11: profiles must not be empty; remove the key to use the default", true},
	{"profiles: [basline, true]\n", `1:12: unknown profile "basline"; did you mean 'baseline'?§1:21: must be a string, not a boolean; put it in quotes`, true},
	{"profiles:\n- hardened\n- hardened\n", `3:3: "hardened" is in profiles twice`, true},
	{"profiles:\n-\n", "2:2: missing string", true},
	{"enable: [endpoint-vnc-publc]\n", `1:10: unknown rule "endpoint-vnc-publc"; did you mean 'endpoint-vnc-public'?`, false},
	{"disable: ['vnc']\n", `1:11: unknown rule "vnc"; 'virt-audit rules' lists them`, false},
	{"disable: [nt-*]\n", `1:11: no rule matches "nt-*"; 'virt-audit rules' lists them`, false},
	{"enable: ['network-[']\n", `1:10: invalid pattern "network-[": a bracket is not closed, or nothing follows a backslash`, false},
	{"disable: ['*-*']\n", `1:11: "*-*" would disable every rule`, false},
	{"fail-on: high\ndisable: ['[a-m]*', '[n-z]*']\n", "2:1: every rule is disabled", false},
	{"enable: [Net]\n", `1:10: unknown rule "Net"; 'virt-audit rules' lists them`, true},
	{"disable: ['network-*']\nenable: [network-script, \"network-*\"]\n", `2:26: "network-*" is both enabled and disabled`, false},
	{"severity: high\n", "1:11: severity must be a mapping of rules to severities", true},
	{"severity: {network-*: high}\n", `1:12: "network-*" is a pattern; one rule is expected`, true},
	{"severity: {network-script: 3, network-user-slirp: hi}\n", `1:28: must be a string, not a number; put it in quotes§1:51: unknown severity "hi"; one of critical, high, medium, low, info`, true},
	{"severity: {network-script:high}\n", `1:12: "network-script:high" is one word in YAML; put a space after the colon`, false},
	{"severity: {network-script:}\n", "1:12: network-script has no value; give it a value or remove the key", true},
	{"policy: qemu-10.3\n", `1:9: unknown policy "qemu-10.3"; did you mean 'qemu-10.2'?`, true},
	{"qemu-version: 10.1\n", "1:15: must be a string, not a number; put it in quotes", true},
	{"qemu-version: '10'\n", `1:15: version "10" is not of the form X.Y or X.Y.Z`, true},
	{"host-arch: x86-64\n", `1:12: unknown architecture "x86-64"; did you mean 'x86_64'?`, true},
	{"format: sari:x\n", `1:9: unknown format "sari"; did you mean 'sarif'?`, false},
	{"format: 'sarif:'\n", `1:9: "sarif:" has no file name`, true},
	{"format: text,json\n", `1:9: "text,json" contains a comma; write several formats as a list, [text, sarif:out.sarif]`, true},
	{"format: []\n", "1:9: format must not be empty; remove the key to use the default", true},
	{"format: [text, json:../x, 'sarif:/etc/passwd']\n", `1:16: "../x" is outside the directory of the configuration; name it with --format§1:27: "/etc/passwd" is outside the directory of the configuration; name it with --format`, false},
	{"format: ['json:.git/hooks/post-merge', 'json:a/.GIT/x', json:.git, json:x/../.git/y]\n", `1:10: ".git/hooks/post-merge" is in .git, where git keeps its hooks; name it with --format§1:40: "a/.GIT/x" is in .git, where git keeps its hooks; name it with --format§1:57: ".git" is in .git, where git keeps its hooks; name it with --format§1:68: "x/../.git/y" is in .git, where git keeps its hooks; name it with --format`, false},
	{"baseline: [a]\n", "1:11: must be a string, not a list", true},
	{"show-waived: yes\n", "1:14: show-waived must be true or false, not a string", true},
	{"max-size: 16MB\n", `1:11: "16MB" is not a size between 1 and 1024M`, true},
	{"max-size: 2G\n", `1:11: "2G" is not a size between 1 and 1024M`, false},
	{"max-size: 0\n", `1:11: "0" is not a size between 1 and 1024M`, true},
	{"max-size: 1.5\n", "1:11: must be a string, not a number; put it in quotes", true},

	{"waivers: {rule: network-script}\n", "1:10: waivers must be a list, not a mapping", true},
	{"waivers: [network-script]\n", "1:11: waivers[0] must be a mapping of keys to values, not a string", true},
	{"waivers:\n- domain: x\n", "2:3: missing rule§2:3: missing reason", true},
	{"waivers:\n- rule: network-script\n  reason: ' '\n", "3:11: empty string", true},
	{"waivers:\n- rule: network-script\n  reason:\n", "3:3: reason has no value; give it a value or remove the key", true},
	{"waivers:\n- rule: 'network-*'\n  reason: x\n", `2:9: "network-*" is a pattern; one rule is expected`, true},
	{"waivers:\n- rule: network-script\n  reason: x\n  domain: 'a['\n", `4:11: invalid pattern "a[": a bracket is not closed, or nothing follows a backslash`, false},
	{"waivers:\n- rule: network-script\n  reason: x\n  domain: 17\n", "4:11: must be a string, not a number; put it in quotes", true},
	{"waivers:\n- rule: network-script\n  reason: x\n  until: 30.6.2027\n", `4:10: "30.6.2027" is not a date of the form 2027-06-30`, true},
	{"waivers:\n- rule: network-script\n  reason: x\n  until: 2027-02-30\n", `4:10: "2027-02-30" is not a date of the form 2027-06-30`, false},
	{"waivers:\n- rule: network-script\n  reason: x\n  device: |\n    a\n    b\n", "4:11: a string of several lines; one line is expected", true},
	{"waivers:\n- rule: network-script\n  reason: x\n  untl: 2027-06-30\n", `4:3: unknown key "untl"; did you mean 'until'?`, true},

	{"domain-waivers: false\n", "1:17: domain-waivers must be a mapping of keys to values, not a boolean", true},
	{"domain-waivers: {accept: 'no', honour: true, never: ['fleet-*']}\n", `1:26: domain-waivers.accept must be true or false, not a string§1:32: unknown key "honour"§1:54: no rule matches "fleet-*"; 'virt-audit rules' lists them`, true},
	{"domain-waivers: {never: network-script}\n", "1:25: domain-waivers.never must be a list, not a string", true},

	{"allow: {emulators: [qemu]}\n", `1:21: "qemu" is not an absolute path`, true},
	{"allow: {directories: [/srv/../etc]}\n", `1:23: "/srv/../etc" is not the shortest form of the path; write /etc`, false},
	{"allow: {directories: [/srv/]}\n", `1:23: "/srv/" is not the shortest form of the path; write /srv`, true},
	{"managed-by: Nova\n", `1:13: unknown manager "Nova"; did you mean 'nova'?`, true},
	{"managed-by: [nova]\n", `1:13: must be a string, not a list`, true},
	{"managed-by: ''\n", `1:13: empty string`, true},
	{"allow: {directories: [/]}\n", `1:23: "/" would allow every path; disable the rules instead`, true},

	{"rules: {id: site-a}\n", "1:8: rules must be a list, not a mapping", true},
	{"rules: [site-a]\n", "1:9: rules[0] must be a mapping of keys to values, not a string", true},
	{"rules:\n- title: x\n", "2:3: missing id§2:3: missing severity§2:3: missing expression§2:3: missing message", true},
	{strings.Replace(rule, "site-a", "tpm-a", 1), `2:7: rule ID "tpm-a" does not consist of "site" and words of lower-case letters and digits, joined by "-"; such as site-tpm`, true},
	{strings.Replace(rule, "site-a", "site-A", 1), `2:7: rule ID "site-A" does not consist of "site" and words of lower-case letters and digits, joined by "-"; such as site-tpm`, true},
	{rule + strings.TrimPrefix(rule, "rules:\n"), `6:7: there is another rule "site-a"`, false},
	{rule + "  for: devices/disk[1]\n", `6:8: "devices/disk[1]" is not a path such as devices/disk`, true},
	{rule + "  path: a@b@c\n", `6:9: "a@b@c" is not a path such as devices/tpm or source@file`, true},
	{rule + "  url: ftp://example.org\n", `6:8: "ftp://example.org" is not an address that begins with https:// or http://`, true},
	{rule + "  url: HTTPS://example.org\n", `6:8: "HTTPS://example.org" is not an address that begins with https:// or http://`, true},
	{rule + "  url: https:///x\n", `6:8: "https:///x" is not an address that begins with https:// or http://`, false},
	{rule + "  doc: \"a\\e[1m\"\n", "6:8: the string contains a character that cannot be printed", false},

	{"fail-on: high\nfail-on: low\n", `2:1: mapping key "fail-on" already defined at [1:1]`, true},
	{"'fail-on': high\n\"fail\\u002don\": low\n", `2:1: mapping key "fail-on" already defined at [1:1]`, true},
	{"fail-on: high\n---\nfail-on: low\n", "2:1: a second document: a file holds one configuration", false},
	{"---\n---\nfail-on: low\n", "2:1: a second document: a file holds one configuration", false},
	{"fail-on:\nlow\n", "2:1: the value of fail-on is not indented", false},
	{"baseline:\nwaivers\n", "2:1: the value of baseline is not indented", false},
	{"fail-on: high\n...\n", "2:1: YAML's end-of-document marker: a file holds one configuration", false},
	{"%YAML 1.2\n---\nfail-on: high\n", "1:1: YAML directives are not supported", false},
	{"fail-on: &x high\nmin-severity: *x\n", "1:10: must be a string, not a YAML anchor§2:15: must be a string, not a YAML alias", false},
	{"profiles: &x [baseline]\n", "1:11: profiles must be a list, not a YAML anchor", false},
	{"fail-on: !!str high\n", "1:10: must be a string, not a YAML tag", false},
	{"<<: {fail-on: high}\n", "1:1: must be a string, not a YAML mergekey", false},
	{"fail-on:\thigh\n", "1:9: a tab; use spaces", false},
	{"fail-on: a\x00\n", "1:11: the character U+0000 is not allowed", false},
	{"fail-on: high\rmin-severity: low\n", "1:14: the character U+000D is not allowed", false},
	{"# \u00fc\n\u00fc: \u00fc\xff", "2:5: the file is not UTF-8", false},
	{"fail-on: [\n", "1:10: sequence end token ']' not found", false},
	{"fail-on: \"a\n", "1:10: could not find end character of double-quoted text", false},
	{"baseline: " + strings.Repeat("x", 4087) + "\n", "1:1: the line is longer than 4096 bytes; split it over several lines", false},
	{strings.Repeat("# x\n", 1<<18) + "\n", "1:1: the file is larger than 1048576 bytes", false},
	{"enable: " + strings.Repeat("[\n", 33), "33:1: brackets are nested deeper than 32", false},
	{"enable:\n" + strings.Repeat("- x\n", 50_000), "50001:1: the file has more than 100000 YAML tokens", false},
	{strings.Repeat("a:\nb:\n", 100)[:6] + "c: x\n", "1:1: a has no value; give it a value or remove the key§2:1: b has no value; give it a value or remove the key§3:1: unknown key \"c\"", true},

	// What the YAML parser would take for the end of the text before it.
	{"fail-on: high\n  min-severity: low\n", "1:10: mapping value is not allowed in this context", false},
	{"baseline: a\n  - network-script\n", "1:9: an unquoted string continues on the next line; put it in quotes, or write it after | or >, or indent what follows", false},
	{"waivers:\n- rule: network-script\n  reason: the console: open\n", "3:11: mapping value is not allowed in this context", false},
	{"waivers: [{rule: network-script, reason: the console: open}]\n", "1:42: an unquoted string contains \": \" or \" #\"; put it in quotes, or write it after | or >", false},
	{"waivers:\n- rule: network-script\n  reason: two\n    lines\n", "3:9: an unquoted string continues on the next line; put it in quotes, or write it after | or >, or indent what follows", false},
	{"baseline: }x\n", "1:11: an unquoted string begins with \"}\"; put it in quotes, or write it after | or >", false},
	{"fail-on: # why\n  # more\n  hgih\n", `3:3: unknown severity "hgih"; did you mean 'high'?`, true},

	// All at once, in the order of the file, the columns in characters.
	{
		"waivers:\n- {rule: network-scrpt, reason: \"\u00fc\", until: 1}\nfail-on: 1\n",
		`2:10: unknown rule "network-scrpt"; did you mean 'network-script'?§2:45: must be a string, not a number; put it in quotes§3:10: must be a string, not a number; put it in quotes`, true,
	},
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, m := range mistakes {
		short := m.file[:min(len(m.file), 100)]
		f, err := config.Parse(name, []byte(m.file), known)
		if err == nil || f != nil {
			t.Errorf("%q is accepted", short)
			continue
		}
		if want := name + ":" + strings.ReplaceAll(m.want, "§", "\n"+name+":"); err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", short, err, want)
		}
		var e *source.Error
		if !errors.As(err, &e) || e.File != name || e.Line == 0 {
			t.Errorf("%q: not a source.Error: %#v", short, err)
		}
	}
}

// TestParseManyErrors: the number of errors is limited, since a suggestion for each unknown word
// takes time.
func TestParseManyErrors(t *testing.T) {
	t.Parallel()
	_, err := config.Parse(name, []byte("enable:\n"+strings.Repeat("- nonsense\n", 1000)), known)
	if n := strings.Count(err.Error(), "\n") + 1; n != 50 {
		t.Errorf("%d errors", n)
	}
}

func TestSystemFormat(t *testing.T) {
	t.Parallel()
	f, err := config.Parse(config.System, []byte("format: sarif:/var/lib//x.sarif\npolicy: /etc/p.yaml\nbaseline: b.json\n"), known)
	if err != nil || f.Settings[0].Values[0] != "sarif:/var/lib/x.sarif" || f.Settings[1].Values[0] != "/etc/p.yaml" || f.Settings[2].Values[0] != "/etc/b.json" {
		t.Errorf("%+v, %v", f, err)
	}
}
