package fleet

import (
	"strconv"
	"strings"
)

// macKey writes a MAC address with two lower-case digits for each byte; libvirt also accepts one
// digit.
func macKey(mac string) string {
	parts := strings.Split(strings.ToLower(strings.TrimSpace(mac)), ":")
	if len(parts) != 6 {
		return ""
	}
	for i, s := range parts {
		if len(s) == 1 {
			parts[i] = "0" + s
		}
	}
	if key := strings.Join(parts, ":"); key != "00:00:00:00:00:00" {
		return key
	}
	return ""
}

// uuidForm writes a UUID in lower case without dashes; "" for the empty one.
func uuidForm(s string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), "-", ""))
}

// numberSet is a set of CPUs, or of categories, that is large enough for any host.
type numberSet [128]uint64

const maxNumber = 128 * 64

// add parses a list in libvirt's syntax, such as "0-3,^2,8"; dash is the separator of a range.
func (s *numberSet) add(list, dash string) {
	for part := range strings.SplitSeq(list, ",") {
		part, without := strings.CutPrefix(strings.TrimSpace(part), "^")
		from, to, span := strings.Cut(part, dash)
		a, err := strconv.Atoi(from)
		b := a
		if span && err == nil {
			b, err = strconv.Atoi(to)
		}
		if err != nil || a < 0 || b >= maxNumber {
			continue
		}
		for i := a; i <= b; {
			mask, step := uint64(1)<<(i%64), 1
			if i%64 == 0 && i+63 <= b {
				mask, step = ^uint64(0), 64
			}
			if without {
				s[i/64] &^= mask
			} else {
				s[i/64] |= mask
			}
			i += step
		}
	}
}

func (s *numberSet) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }
