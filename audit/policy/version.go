package policy

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Version is a release of QEMU, or the version in a machine name. A name without a version has the zero Version.
type Version struct{ Major, Minor, Micro int }

// NewestQEMU returns the newest release that this package knows of: 11.1, of 2026-08-11.
func NewestQEMU() Version { return Version{Major: 11, Minor: 1} }

// ParseVersion reads X.Y or X.Y.Z: decimal numbers without sign or leading zeros, nothing around them.
func ParseVersion(s string) (Version, error) {
	parts := strings.Split(s, ".")
	if len(parts) != 2 && len(parts) != 3 {
		return Version{}, fmt.Errorf("version %q is not of the form X.Y or X.Y.Z", s)
	}
	var numbers [3]int
	for i, p := range parts {
		n, ok := number(p)
		if !ok {
			return Version{}, fmt.Errorf("version %q: %q is not a plain number", s, p)
		}
		numbers[i] = n
	}
	return Version{numbers[0], numbers[1], numbers[2]}, nil
}

// number reads a decimal number of at most four digits in its only spelling.
func number(s string) (int, bool) {
	if s == "" || len(s) > 4 || len(s) > 1 && s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// String returns X.Y, or X.Y.Z where Z is not zero.
func (v Version) String() string {
	if v.Micro == 0 {
		return fmt.Sprintf("%d.%d", v.Major, v.Minor)
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Micro)
}

// Compare returns -1, 0 or 1 as v is older than, the same as or newer than w.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor), cmp.Compare(v.Micro, w.Micro))
}

// IsZero reports whether v is the zero Version.
func (v Version) IsZero() bool { return v == Version{} }
