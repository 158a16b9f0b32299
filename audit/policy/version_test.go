package policy_test

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/policy"
)

func TestParseVersion(t *testing.T) {
	t.Parallel()
	good := map[string]policy.Version{
		"10.2":   {Major: 10, Minor: 2},
		"10.2.0": {Major: 10, Minor: 2},
		"4.0.1":  {Major: 4, Minor: 0, Micro: 1},
		"0.12":   {Major: 0, Minor: 12},
	}
	for s, want := range good {
		if got, err := policy.ParseVersion(s); err != nil || got != want {
			t.Errorf("ParseVersion(%q) = %v, %v", s, got, err)
		}
	}
	for _, s := range []string{
		"", "10", "10.", ".2", "10.2.", "10.2.0.1", "010.2", "10.02", "+1.2", "-1.2", "1.-2", " 1.2", "1.2 ", "1.2-rc1", "1,2", "1.x",
		"99999.0", "1.99999999999999999999", "\u0661.2",
	} {
		_, err := policy.ParseVersion(s)
		if err == nil {
			t.Errorf("ParseVersion(%q) succeeds", s)
		} else if !strings.HasPrefix(err.Error(), "version ") || strings.HasSuffix(err.Error(), ".") {
			t.Errorf("ParseVersion(%q): %v", s, err)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if got := policy.NewestQEMU().String(); got != "11.1" {
		t.Errorf("newest is %s", got)
	}
	if got := (policy.Version{Major: 4, Micro: 1}).String(); got != "4.0.1" {
		t.Errorf("4.0.1 prints as %s", got)
	}
	order := []policy.Version{{}, {0, 9, 9}, {2, 9, 0}, {2, 12, 0}, {4, 0, 0}, {4, 0, 1}, {4, 1, 0}, {10, 0, 0}}
	for i, v := range order {
		for j, w := range order {
			want := min(1, max(-1, i-j))
			if got := v.Compare(w); got != want {
				t.Errorf("%s.Compare(%s) = %d", v, w, got)
			}
		}
		if v.IsZero() != (i == 0) {
			t.Errorf("%s: IsZero() = %v", v, v.IsZero())
		}
	}
}
