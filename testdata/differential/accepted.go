package differential

import (
	"slices"
	"strings"

	"libvirt.org/go/libvirtxml"
)

// acceptance is an accepted difference. A row is about findings or words only:
// explain never accepts one in type, OS, architecture, machine or verdict.
type acceptance struct {
	name   string
	from   uint64 // the first version of libvirt that it is about, as 9000000 for 9.0.0; 0: any
	until  uint64 // the first version that it is not about any more; 0: none
	dims   []dimension
	rules  []string                 // nil: any
	match  func(c *occurrence) bool // nil: no further condition
	reason string
}

// occurrence is a difference with the documents that show it.
type occurrence struct {
	difference
	document, kept *reading
	text, dump     string
}

// unnamed is true where the document leaves the machine, or its version, to libvirt.
func unnamed(c *occurrence) bool {
	return c.document.target.Machine != c.kept.target.Machine
}

// reports reports whether the finding for the document contains the words.
func reports(words string) func(*occurrence) bool {
	return func(c *occurrence) bool { return strings.Contains(c.ours, words) }
}

// acceptances are all accepted differences.
var acceptances = []acceptance{
	{
		name:   "what libvirt drops",
		dims:   []dimension{extra},
		rules:  []string{"document-unknown-element", "document-duplicate-elements", "document-stray-text", "document-template"},
		reason: "the findings are about what libvirt ignores: it is not in what libvirt keeps",
	},
	{
		name:   "alias of a machine",
		dims:   []dimension{extra},
		rules:  []string{"machine-unversioned-alias", "boundary-machine-missing"},
		match:  unnamed,
		reason: "libvirt writes the machine that the alias, or no name, stands for",
	},
	{
		name:   "age of the machine that an alias resolves to",
		dims:   []dimension{missing},
		rules:  []string{"machine-deprecated", "machine-removed"},
		match:  unnamed,
		reason: "which version the alias, or no name, stands for depends on the host's QEMU",
	},
	{
		name:   "board that is not named",
		dims:   []dimension{message},
		rules:  []string{"machine-i440fx"},
		match:  unnamed,
		reason: "the same finding in other words, since the document does not name the machine",
	},
	{
		name:   "device that libvirt adds",
		dims:   []dimension{message},
		rules:  []string{"device-video-cirrus", "device-nic-legacy", "device-scsi-legacy"},
		match:  reports("if QEMU has it"),
		reason: "the model is the choice of libvirt on its host, so the severity is lower until one is stated",
	},
	{
		name:  "SCSI controllers that libvirt adds",
		dims:  []dimension{missing},
		rules: []string{"device-scsi-legacy"},
		match: func(c *occurrence) bool {
			return strings.Contains(c.libvirt, "'lsilogic'") &&
				c.document.finds("device-scsi-legacy", "without a controller: libvirt adds one")
		},
		reason: "libvirt adds all controllers up to the one that a disk needs; one finding reports it",
	},
	{
		name:  "SCSI controller of later versions",
		from:  9001000,
		dims:  []dimension{extra, message}, // a finding, or one model in the list of another
		rules: []string{"device-scsi-legacy", "boundary-device-not-marked"},
		match: func(c *occurrence) bool {
			return strings.Contains(c.ours, "'lsilogic'") && c.document.finds("device-scsi-legacy", "(libvirt 9 only)")
		},
		reason: "libvirt 9.0 uses the more dangerous model, and the finding names the version",
	},
	{
		name:   "machine of an argument, beside an alias or none in the document",
		dims:   []dimension{message},
		rules:  []string{"boundary-accel-override", "confinement-qemu-cmdline", "machine-deprecated"},
		match:  unnamed,
		reason: "whether the argument repeats the machine is known once libvirt has filled it in",
	},
	{
		name:   "network card model in other letters",
		dims:   []dimension{message},
		rules:  []string{"device-nic-legacy"},
		match:  func(c *occurrence) bool { return strings.EqualFold(c.ours, c.libvirt) },
		reason: "libvirt compares these names without regard to case, and writes its own spelling",
	},
	{
		name:   "CPU model that is not stated",
		dims:   []dimension{message},
		rules:  []string{"cpu-model-baseline"},
		match:  reports("the document states no CPU model"),
		reason: "the same finding, on the model that libvirt then states",
	},
	{
		name:   "format of a disk",
		dims:   []dimension{extra},
		rules:  []string{"storage-driver-type-missing"},
		reason: "libvirt writes the format that it takes",
	},
	{
		name:  "waiver that libvirt drops",
		dims:  []dimension{extra},
		rules: []string{"waiver-misplaced", "waiver-unused", "waiver-malformed"},
		match: func(c *occurrence) bool {
			return len(c.document.domain.Waivers) > len(c.kept.domain.Waivers)
		},
		reason: "the finding is about a waiver that libvirt does not keep",
	},
	{
		name:  "waiver of what libvirt states",
		dims:  []dimension{missing},
		rules: []string{"waiver-unused"},
		match: func(c *occurrence) bool {
			return strings.Contains(c.libvirt, "storage-driver-type-missing")
		},
		reason: "the waived finding is about the format, which libvirt writes",
	},
	{
		name:  "finding under a waiver that libvirt drops",
		dims:  []dimension{missing},
		rules: []string{"storage-driver-type-missing"}, // what the waivers of the seeds are about
		match: func(c *occurrence) bool {
			return c.rule != "" && c.document.finds("waiver-misplaced", "libvirt removes this waiver of "+c.rule)
		},
		reason: "the waiver counts in the file that contains it, with a finding that describes what libvirt does",
	},
	{
		name:   "SPICE mode that is stated as the default",
		dims:   []dimension{message},
		rules:  []string{"endpoint-spice-plaintext"},
		match:  reports("defaultMode 'any'"),
		reason: "the same finding in other words: libvirt writes no mode that is the default",
	},
	{
		name:  "seclabel without model",
		dims:  []dimension{missing, message},
		rules: []string{"confinement-seclabel-none"},
		match: func(c *occurrence) bool {
			unnamed := func(l libvirtxml.DomainSecLabel) bool { return l.Model == "" }
			return strings.Contains(c.libvirt, "model 'none'") &&
				slices.ContainsFunc(c.document.domain.SecLabel, unnamed)
		},
		reason: "libvirt takes the model of its host, and the daemon of this test has no such driver",
	},
	{
		name:  "label of a disk beside a seclabel without model",
		dims:  []dimension{missing},
		rules: []string{"storage-seclabel-override"},
		match: func(c *occurrence) bool {
			return c.document.finds("confinement-seclabel-none", "type 'none' disables") &&
				c.kept.finds("confinement-seclabel-none", "model 'none'")
		},
		reason: "without any confinement, labels of files do not matter; libvirt's model 'none' takes none away",
	},
}

// acceptable are the dimensions that rows may accept.
var acceptable = []dimension{missing, extra, message, untrue}

// explain returns the row that accepts a difference, or nil if there is none.
func explain(c *occurrence, version uint64) *acceptance {
	if !slices.Contains(acceptable, c.dim) {
		return nil
	}
	for i := range acceptances {
		if a := &acceptances[i]; a.accepts(c, version) {
			return a
		}
	}
	return nil
}

func (a *acceptance) accepts(c *occurrence, version uint64) bool {
	return version >= a.from && (a.until == 0 || version < a.until) &&
		slices.Contains(a.dims, c.dim) &&
		(c.rule == "" || slices.Contains(a.rules, c.rule)) &&
		(a.match == nil || a.match(c))
}
