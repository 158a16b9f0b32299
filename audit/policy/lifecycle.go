package policy

// Stage is the state of a versioned machine type in one release of QEMU.
type Stage string

// The stages.
const (
	NotYet     Stage = "not-yet"    // a later release introduces it
	Supported  Stage = "supported"  // QEMU has it
	Deprecated Stage = "deprecated" // QEMU has it, and warns
	Removed    Stage = "removed"    // QEMU no longer has it; the guest does not start
)

// Life is the releases of QEMU in which a machine type changes its stage. A zero Version means never, as
// far as is known.
type Life struct{ Introduced, Deprecated, Removed Version }

// From QEMU 9.1 age decides what is deprecated, from 10.1 what is built at all: three and six major
// releases, and QEMU has one a year. Source: MACHINE_VER_DEPRECATION_MAJOR, MACHINE_VER_DELETION_MAJOR
// in include/hw/boards.h (commits a35f8577a0 and 83e256c0df).
const (
	deprecationMajor = 3
	deletionMajor    = 6
)

var (
	deprecationByAge = Version{Major: 9, Minor: 1}
	deletionByAge    = Version{Major: 10, Minor: 1}
)

// exceptions are the machine types that were deprecated one by one, before there was a rule, and those
// that the rule excludes. Sources: docs/about/deprecated.rst and removed-features.rst over the
// releases; the first and last tag of QEMU that defines the name.
var exceptions = []struct {
	family      string
	first, last Version
	life        Life
}{
	{"pc", Version{0, 10, 0}, Version{0, 11, 0}, Life{Removed: Version{4, 0, 0}}},
	{"pc", Version{0, 12, 0}, Version{0, 15, 0}, Life{Deprecated: Version{4, 0, 0}, Removed: Version{5, 0, 0}}},
	{"pc", Version{1, 0, 0}, Version{1, 3, 0}, Life{Deprecated: Version{5, 0, 0}, Removed: Version{6, 0, 0}}},
	{"pc", Version{1, 4, 0}, Version{1, 7, 0}, Life{Deprecated: Version{7, 0, 0}, Removed: Version{8, 2, 0}}},
	{"pc", Version{2, 0, 0}, Version{2, 3, 0}, Life{Deprecated: Version{8, 2, 0}, Removed: Version{9, 1, 0}}},
	{"q35", Version{1, 4, 0}, Version{2, 3, 0}, Life{Removed: Version{2, 6, 0}}},
	{"pseries", Version{2, 1, 0}, Version{2, 12, 0}, Life{Deprecated: Version{9, 0, 0}, Removed: Version{9, 2, 0}}},
	{"s390-ccw-virtio", Version{2, 4, 0}, Version{2, 8, 0}, Life{Deprecated: Version{9, 1, 0}, Removed: Version{10, 0, 0}}},
	{"xenfv", Version{3, 1, 0}, Version{4, 2, 0}, Life{Introduced: Version{5, 0, 0}}},
}

// Life returns when QEMU introduces, deprecates and removes a machine type. It is known for QEMU's own
// versioned names. For a vendor's name, an alias or a board without versions ok is false.
func (m Machine) Life() (life Life, ok bool) {
	if !m.WellFormed || m.Vendor != "" || m.Version.IsZero() {
		return Life{}, false
	}
	for _, x := range exceptions {
		if x.family == m.Family && m.Version.Compare(x.first) >= 0 && m.Version.Compare(x.last) <= 0 {
			life = x.life
			if life.Introduced.IsZero() {
				life.Introduced = m.Version
			}
			return life, true
		}
	}
	// QEMU's macro ignores the third number: pc-q35-4.0.1 counts as 4.0.
	return Life{
		Introduced: m.Version,
		Deprecated: later(deprecationByAge, Version{Major: m.Version.Major + deprecationMajor, Minor: m.Version.Minor}),
		Removed:    later(deletionByAge, Version{Major: m.Version.Major + deletionMajor, Minor: m.Version.Minor}),
	}, true
}

func later(v, w Version) Version {
	if v.Compare(w) < 0 {
		return w
	}
	return v
}

// StageIn returns the stage of a machine type in a release of QEMU. If Life is not known, or the release is
// the zero Version, ok is false.
func (m Machine) StageIn(qemu Version) (stage Stage, ok bool) {
	life, ok := m.Life()
	if !ok || qemu.IsZero() {
		return "", false
	}
	qemu = release(qemu)
	reached := func(v Version) bool { return !v.IsZero() && qemu.Compare(v) >= 0 }
	switch {
	case reached(life.Removed):
		return Removed, true
	case reached(life.Deprecated):
		return Deprecated, true
	case reached(life.Introduced):
		return Supported, true
	default:
		return NotYet, true
	}
}

// release returns the release that the version of a snapshot, such as 10.2.50, leads to. QEMU
// counts so itself (_MACHINE_VER_IS_EXPIRED_IMPL): a year has the releases X.0, X.1 and X.2.
func release(v Version) Version {
	const snapshot, lastMinor = 50, 2
	switch {
	case v.Micro < snapshot:
		return v
	case v.Minor < lastMinor:
		return Version{Major: v.Major, Minor: v.Minor + 1}
	default:
		return Version{Major: v.Major + 1}
	}
}
