package differential

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/pipeline"
	"github.com/virt-audit/virt-audit/rules"
)

// hostArch is the architecture of the host in all audits.
const hostArch = "x86_64"

var config = audit.Settings{Rules: rules.All(), HostArch: hostArch}

// reading is virt-audit's result for one document.
type reading struct {
	err     error // the document is refused
	target  audit.Target
	verdict string
	reason  string
	// By rule: severity and message, sorted. Duplicates are kept.
	findings map[string][]string
	domain   *audit.Domain
}

func read(name, text string) (r reading) {
	defer func() {
		if p := recover(); p != nil {
			r = reading{err: panicked{fmt.Sprint(p), debug.Stack()}}
		}
	}()
	domains, err := domxml.LoadAll(name, []byte(text))
	if err != nil {
		return reading{err: err}
	}
	d := domains[0]
	// Both are definitions, whatever id they have, and neither a mutant nor a dump with
	// --security-info lacks passwords.
	d.Origin = audit.Origin{Kind: audit.Stored, Stated: true, Secrets: true}
	results, err := pipeline.New(pipeline.Options{Settings: &config}).Domains(d)
	if err != nil {
		return reading{err: panicked{err.Error(), nil}}
	}
	res := results[0]
	r = reading{
		target: d.Target, verdict: string(res.Boundary.Verdict),
		reason: string(res.Boundary.Reason), findings: map[string][]string{}, domain: d,
	}
	for _, f := range res.Findings {
		r.findings[f.Rule.ID] = append(r.findings[f.Rule.ID], canonicalMessage(f, d.Target.Machine))
	}
	for _, list := range r.findings {
		slices.Sort(list)
	}
	return r
}

// finds reports whether a rule has a finding with the words.
func (r *reading) finds(rule, words string) bool {
	return slices.ContainsFunc(r.findings[rule], func(m string) bool { return strings.Contains(m, words) })
}

// panicked is a panic of virt-audit, which no document may cause.
type panicked struct {
	value string
	stack []byte
}

func (p panicked) Error() string { return fmt.Sprintf("panic: %s\n%s", p.value, p.stack) }

// ended adds a panic to the differences.
func (r *reading) ended(list []difference) []difference {
	if p, ok := errors.AsType[panicked](r.err); ok {
		list = append(list, difference{dim: panics, ours: p.value})
	}
	return list
}

var place = regexp.MustCompile(`\[[0-9]+\]`)

// canonicalMessage omits what depends on places in the document, and the name of the machine, since
// libvirt resolves aliases: the machine is compared separately.
func canonicalMessage(f audit.Finding, machine string) string {
	text := place.ReplaceAllString(f.Message, "[]")
	// libvirt writes tabs and line ends unescaped, and readers replace them by blanks.
	text = strings.ReplaceAll(strings.Join(strings.Fields(text), " "), " ,", ",")
	if machine != "" {
		text = strings.NewReplacer("'"+machine+"'", "'MACHINE'", `"`+machine+`"`,
			`"MACHINE"`).Replace(text)
	}
	return f.Severity.String() + ": " + text
}

// String writes a reading for people.
func (r *reading) String() string {
	if r.err != nil {
		return "refused: " + r.err.Error() + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "type %q, os %q, arch %q, machine %q: %s (%s)\n", r.target.Type, r.target.OS,
		r.target.Arch, r.target.Machine, r.verdict, r.reason)
	for _, rule := range slices.Sorted(maps.Keys(r.findings)) {
		for _, m := range r.findings[rule] {
			fmt.Fprintf(&b, "  %s %s\n", rule, m)
		}
	}
	return b.String()
}

// dimension is the part in which two readings differ.
type dimension string

const (
	inType    dimension = "type"
	inOS      dimension = "os"
	inArch    dimension = "arch"
	inMachine dimension = "machine"
	inVerdict dimension = "verdict"
	missing   dimension = "missing" // a finding on what libvirt kept, and not on the document
	extra     dimension = "extra"   // the other way round
	message   dimension = "message" // the same rule, with another message or severity
	untrue    dimension = "untrue"  // "libvirt refuses it" about what libvirt takes
	panics    dimension = "panic"
	unread    dimension = "refused a dump" // virt-audit refuses what libvirt wrote
	faulted   dimension = "faults a dump"  // a finding about the form of what libvirt wrote
)

// gravest are the dimensions in the order of the report, the gravest first.
var gravest = []dimension{
	panics, unread, faulted, inType, inOS, inArch, inMachine, inVerdict, missing,
	message, untrue, extra,
}

// difference is one disagreement about a document.
type difference struct {
	dim     dimension
	rule    string // of a finding
	ours    string // the value for the document, or the messages for it
	libvirt string // the same for what libvirt kept
}

// kind groups differences for counting and minimising: the same cause usually has the same kind.
func (d *difference) kind() string {
	switch d.dim {
	case missing:
		return fmt.Sprintf("%s %s: %s", d.dim, d.rule, generalised(d.libvirt))
	case extra:
		return fmt.Sprintf("%s %s: %s", d.dim, d.rule, generalised(d.ours))
	case message:
		return fmt.Sprintf("%s %s: %s / %s", d.dim, d.rule, generalised(d.ours),
			generalised(d.libvirt))
	case untrue, unread, faulted, panics:
		return fmt.Sprintf("%s: %s", d.dim, generalised(d.ours))
	case inType, inOS, inArch, inMachine, inVerdict:
	}
	return fmt.Sprintf("%s %s / %s", d.dim, generalised(d.ours), generalised(d.libvirt))
}

var (
	quoted = regexp.MustCompile(`"[^"]*"|'[^']*'|<[^>]*>|/[^ ,;:)]+`)
	digits = regexp.MustCompile(`U\+[0-9A-F]+|[0-9]+`)
	named  = regexp.MustCompile(`\battribute [^ ]+`)
)

// generalised is a message without the values of the document.
func generalised(text string) string {
	text = named.ReplaceAllString(text, "attribute …")
	text = digits.ReplaceAllString(quoted.ReplaceAllString(text, "…"), "N")
	if len(text) > 160 {
		text = text[:160]
	}
	return strings.ToValidUTF8(text, "")
}

var refuses = regexp.MustCompile(`libvirt refuses`)

// compare returns the differences between a document that libvirt accepted and libvirt's dump of
// it. virt-audit may refuse the document.
func (d *daemon) compare(text, dump string) (ours, theirs reading, list []difference) {
	ours, theirs = read("document", text), read("dump", dump)
	if list = theirs.ended(ours.ended(nil)); len(list) > 0 {
		return ours, theirs, list
	}
	list = theirs.faults(list)
	switch {
	case theirs.err != nil && d.rereads(dump):
		list = append(list, difference{dim: unread, ours: inputMessage(theirs.err)})
		return ours, theirs, list
	case theirs.err != nil:
		return ours, theirs, nil
	case ours.err != nil:
		if text := inputMessage(ours.err); refuses.MatchString(text) {
			list = append(list, difference{dim: untrue, ours: text})
		}
		return ours, theirs, list
	}
	list = d.compareTargets(&ours, &theirs, list)
	return ours, theirs, compareFindings(&ours, &theirs, list)
}

// faults adds the findings about the form of a document that libvirt wrote: it writes nothing that
// it ignores.
func (r *reading) faults(list []difference) []difference {
	for _, rule := range []string{"document-duplicate-elements", "document-stray-text", "document-unknown-element"} {
		for _, m := range r.findings[rule] {
			list = append(list, difference{dim: faulted, rule: rule, ours: m})
		}
	}
	return list
}

// rereads reports whether libvirt accepts its own dump. 9.0 writes some values without escaping
// them (listen='&amp;' of <graphics>), and virt-audit refuses such a dump correctly.
func (d *daemon) rereads(dump string) bool {
	_, refusal, err := d.define(dump)
	return refusal == nil && err == nil
}

// compareTargets compares type, OS type, architecture, machine and verdict. If the document omits
// one of them, libvirt's default is not a difference: the verdict may be undetermined, and must be
// that of the dump once the default is known.
func (d *daemon) compareTargets(ours, theirs *reading, list []difference) []difference {
	a, b := ours.target, theirs.target
	differ := func(dim dimension, x, y string) {
		if x != y {
			list = append(list, difference{dim: dim, ours: x, libvirt: y})
		}
	}
	differ(inType, a.Type, b.Type)
	if a.OS == "" {
		a.OS = b.OS // libvirt refuses a document without, but for a bootloader's
	}
	differ(inOS, a.OS, b.OS)
	if a.Arch == "" {
		a.Arch = hostArch
	}
	differ(inArch, a.Arch, b.Arch)
	if a.Machine != b.Machine {
		program := theirs.domain.Devices.Emulator
		a.Machine = d.machines.canonical(d, machineKey{b.Type, program, a.Arch, a.Machine})
	}
	differ(inMachine, a.Machine, b.Machine)

	verdict := ours.verdict
	if a != ours.target {
		filled := *ours.domain
		filled.Target = a
		known := string(config.Judge(&filled).Verdict)
		open := ours.target.Arch == "" || ours.target.Machine == ""
		if verdict == known || verdict == "undetermined" && open {
			verdict = known
		}
	}
	differ(inVerdict, verdict, theirs.verdict)
	return list
}

func compareFindings(ours, theirs *reading, list []difference) []difference {
	all := maps.Clone(ours.findings)
	maps.Copy(all, theirs.findings)
	for _, rule := range slices.Sorted(maps.Keys(all)) {
		a := only(ours.findings[rule], theirs.findings[rule])
		b := only(theirs.findings[rule], ours.findings[rule])
		for i := range max(len(a), len(b)) {
			d := difference{rule: rule}
			switch {
			case i >= len(b):
				d.dim, d.ours = extra, a[i]
			case i >= len(a):
				d.dim, d.libvirt = missing, b[i]
			default:
				d.dim, d.ours, d.libvirt = message, a[i], b[i]
			}
			list = append(list, d)
		}
	}
	return list
}

// only returns the elements of a that are not in b; both are sorted.
func only(a, b []string) (list []string) {
	for _, m := range a {
		for len(b) > 0 && b[0] < m {
			b = b[1:]
		}
		if len(b) > 0 && b[0] == m {
			b = b[1:]
			continue
		}
		list = append(list, m)
	}
	return list
}
